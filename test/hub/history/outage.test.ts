import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AlarmView, PointView } from "../../../contract/api.ts";
import { systemClock } from "../../../contract/clock.ts";
import type { WireRow } from "../../../contract/row.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { openInfluxHistory } from "../../../hub/history/influx-history.ts";
import { type Hub, startHub } from "../../../hub/hub.ts";
import { until } from "../../system/until.ts";
import { TestNode } from "../test-node.ts";
import { type Influxd, startInfluxd } from "./influxd.ts";

const TOKEN = "outage-test-token-0123456789";
const POINT = "a01.inlet-top";
const log = pino({ level: "silent" });
/** Three hours of a point that is read twice a second. */
const ROWS = 21_600;
const ROWS_PER_BATCH = 250;
let folder: string;
let influxd: Influxd;
let hub: Hub;
let node: TestNode;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-outage-"));
  influxd = await startInfluxd();
  const yaml = `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
http: { host: 127.0.0.1, port: 0 }
mqtt: { host: 127.0.0.1, port: 0 }
storage: { path: ./data, influx: { url: "${influxd.url}", database: dc_raw } }
tokens: [ { name: ada, role: admin, token: "env:T" } ]
alarms:
  - { id: high, points: ["*.inlet-*"], above: 27, deadband: 0.5, onDelay: 0s, offDelay: 0s, priority: 2, title: High, receivers: [] }
receivers: []
`;
  const result = checkSite(yaml, path.join(folder, "site.yaml"), () => ({ value: TOKEN }));
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  hub = await startHub(result.config, { clock: systemClock, log });
  node = await TestNode.connect(hub.mqttPort);
  await node.announce([{ id: POINT, quantity: "temperature", label: "A01", periodMs: 500 }]);
}, 60_000);
afterEach(async () => {
  await node?.close();
  await hub?.stop();
  await influxd?.stop();
  rmSync(folder, { recursive: true });
});

async function api<T>(route: string): Promise<T> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(`http://127.0.0.1:${hub.httpPort}/api/v1${route}`, { headers });
  return (await answer.json()) as T;
}

/** From sending a live value until the wall shows it and its alarm is so. */
async function wallTook(value: number, state: AlarmView["state"]): Promise<number> {
  const began = performance.now();
  await node.live([POINT, Date.now(), value]);
  await until(`the alarm ${value} ${state}`, async () => {
    const { items } = await api<{ items: AlarmView[] }>("/alarms");
    return items.some((one) => one.rule === "high" && one.state === state);
  });
  expect((await api<PointView>(`/points/${POINT}`)).value).toBe(value);
  return performance.now() - began;
}

/** Sends everything that is not acknowledged, as an edge does. */
async function sendFrom(floor: number, rows: WireRow[]): Promise<void> {
  for (let first = floor; first <= rows.length; first += ROWS_PER_BATCH) {
    const some = rows.slice(first - 1, first - 1 + ROWS_PER_BATCH);
    await node.publish("data", { epoch: node.epoch, floor, first, rows: some });
  }
}
const acked = () => Math.max(0, ...node.acks.map(({ upto }) => upto));

test("three hours of readings wait at the node while InfluxDB is dead; alarms and wall go on, then all are stored once", async () => {
  const startMs = Date.now() - ROWS * 500;
  const rows = Array.from({ length: ROWS }, (_, i): WireRow => [POINT, startMs + i * 500, i]);
  await influxd.kill("SIGKILL");
  await sendFrom(1, rows);
  expect(await wallTook(31, "active")).toBeLessThan(2_000);
  const before = process.memoryUsage().heapUsed;
  for (let again = 0; again < 5; again += 1) await sendFrom(1, rows);
  expect(await wallTook(20, "returned")).toBeLessThan(2_000);
  expect(acked()).toBe(0);
  const grownMb = (process.memoryUsage().heapUsed - before) / 1e6;
  expect(grownMb, "sent five times over, what waits stays bounded").toBeLessThan(120);

  await influxd.restart();
  const wall: number[] = [];
  while (acked() < ROWS) {
    const floor = acked() + 1;
    await sendFrom(floor, rows);
    wall.push(
      await wallTook(
        wall.length % 2 === 0 ? 33 : 19,
        wall.length % 2 === 0 ? "active" : "returned",
      ),
    );
    await until("it to have stored more", () => acked() >= floor, 60_000);
  }
  expect(Math.max(...wall), "the slowest alarm while the backlog drains").toBeLessThan(3_000);
  const store = openInfluxHistory({ url: influxd.url, database: "dc_raw", log });
  const range = { fromMs: startMs, toMs: startMs + ROWS * 500 };
  expect(await store.totals({ point: POINT, ...range })).toMatchObject({
    rows: ROWS,
    sum: (ROWS * (ROWS - 1)) / 2,
  });
}, 90_000);
