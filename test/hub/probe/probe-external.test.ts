import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Health } from "../../../contract/api.ts";
import { systemClock } from "../../../contract/clock.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { startHub } from "../../../hub/hub.ts";
import { until } from "../../system/until.ts";
import { Mosquitto } from "../external-broker/mosquitto.ts";

const SITE =
  "site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }\n" +
  "storage: { path: ./data }\nhttp: { port: 0 }\n" +
  'tokens: [ { name: t, role: admin, token: "env:T" } ]\n';

test("With a broker of its own the hub's reading goes through that", async () => {
  const mosquitto = await Mosquitto.start();
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-probe-"));
  const checked = checkSite(SITE, path.join(folder, "site.yaml"), () => ({
    value: "a-token-of-some-length-0123456789",
  }));
  if ("problems" in checked) throw new Error(JSON.stringify(checked.problems));
  const { config } = checked;
  config.mqtt = { ...config.mqtt, external: mosquitto.target };
  const hub = await startHub(config, { clock: systemClock, log: pino({ level: "silent" }) });
  const url = `http://127.0.0.1:${hub.httpPort}`;
  const health = async () => {
    const headers = { authorization: "Bearer a-token-of-some-length-0123456789" };
    return (await (await fetch(`${url}/api/v1/health`, { headers })).json()) as Health;
  };
  try {
    const { selfCheck } = await until("a good round", async () => {
      const now = await health();
      return now.selfCheck.ok ? now : undefined;
    });
    expect(selfCheck).toMatchObject({ ok: true, stage: null });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  } finally {
    await hub.stop();
    await mosquitto.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
