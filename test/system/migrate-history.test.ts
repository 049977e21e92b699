import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openInfluxHistory } from "../../hub/history/influx-history.ts";
import { openSqliteHistory } from "../../hub/history/sqlite-history.ts";
import { type Influxd, startInfluxd } from "../hub/history/influxd.ts";
import { topFolder } from "./top-folder.ts";
import { until } from "./until.ts";

const log = pino({ level: "silent" });
const POINTS = 60;
const ROWS = 10_000;
let folder: string;
let influxd: Influxd;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-migrate-"));
  influxd = await startInfluxd();
  const store = openSqliteHistory({ path: path.join(folder, "history.db"), log });
  const from = Date.now() - ROWS * 10_000;
  for (let p = 0; p < POINTS; p += 1)
    await store.write(
      Array.from({ length: ROWS }, (_, i) => ({
        node: "edge-a",
        reading: { point: `p${p}.t`, at: from + i * 10_000, quality: "good", value: i + p },
      })),
    );
  await store.close();
  writeFileSync(
    path.join(folder, "site.yaml"),
    `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
http: { port: 0 }
storage: { path: . }
`,
  );
});
afterAll(async () => {
  await influxd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function migrate(): { child: ChildProcess; text(): string } {
  const child = spawn(
    process.execPath,
    [
      path.join(topFolder(), "dist/hub/main.js"),
      ...["--config", path.join(folder, "site.yaml"), "migrate-history", "--to", "influx"],
      ...["--url", influxd.url, "--database", "moved_raw"],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  return { child, text: () => text };
}

test("a migration of 600,000 readings that is killed by kill -9 twice, and InfluxDB once, ends whole", async () => {
  const mark = path.join(folder, "history-migration.json");
  const reached = () =>
    existsSync(mark) ? (JSON.parse(readFileSync(mark, "utf8")).point as number) : 0;
  let last = 0;
  for (let kill = 0; kill < 2; kill += 1) {
    const { child, text } = migrate();
    await until("it to have come further", () => reached() > last, 30_000).catch((error) => {
      throw new Error(`${error.message}\n${text()}`);
    });
    last = reached();
    child.kill("SIGKILL");
    await once(child, "close");
  }
  const { child, text } = migrate();
  await until("it to go on", () => text().includes("Going on after"), 30_000);
  await influxd.kill("SIGKILL");
  await influxd.restart();
  const [code] = await once(child, "close");
  expect(text()).toMatch(/same number of rows and the same sum/);
  expect(code).toBe(0);
  const store = openInfluxHistory({ url: influxd.url, database: "moved_raw", log });
  for (let p = 0; p < POINTS; p += 1)
    expect(await store.totals({ point: `p${p}.t`, fromMs: 0, toMs: Date.now() })).toMatchObject({
      rows: ROWS,
      sum: ROWS * p + (ROWS * (ROWS - 1)) / 2,
    });
});
