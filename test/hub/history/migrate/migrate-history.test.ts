import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../../contract/clock.ts";
import type { Reading } from "../../../../contract/reading.ts";
import { runCli } from "../../../../hub/cli.ts";
import { HOUR_MS } from "../../../../hub/history/aggregate.ts";
import { openInfluxHistory } from "../../../../hub/history/influx-history.ts";
import { migrateHistory } from "../../../../hub/history/migrate/migrate-history.ts";
import { openSqliteHistory } from "../../../../hub/history/sqlite-history.ts";
import { openKnownNodes } from "../../../../hub/live/known-nodes.ts";
import { openHubDb } from "../../../../hub/state/hub-db.ts";
import { type Influxd, startInfluxd } from "../influxd.ts";

const log = pino({ level: "silent" });
const never = new AbortController().signal;
const ROWS = 12_000;
const POINTS = ["a01.t", "a01.rh", "b01.t"];
const NOW = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
let influxd: Influxd;
let folder: string;
let database: string;
let count = 0;

beforeAll(async () => {
  influxd = await startInfluxd();
}, 60_000);
afterAll(() => influxd?.stop());
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-migrate-"));
  count += 1;
  database = `moved${count}_raw`;
  await fillEmbedded();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Twelve thousand readings a point in the last 33 h and one that is 89.99 days old; rollups; a remembered node. */
async function fillEmbedded(): Promise<void> {
  const store = openSqliteHistory({ path: path.join(folder, "history.db"), log });
  for (const point of POINTS) {
    const rows = Array.from({ length: ROWS }, (_, i): Reading => {
      const at = NOW - 34 * HOUR_MS + i * 10_000;
      if (i % 500 === 3) return { point, at, quality: "bad", reason: "no-answer" };
      if (i % 500 === 4) return { point, at, quality: "uncertain", value: 900, reason: "frozen" };
      return { point, at, quality: "good", value: 20 + Math.sin(i) };
    });
    rows.push({ point, at: NOW - 90 * 24 * HOUR_MS + 600_000, quality: "good", value: 1 });
    await store.write(rows.map((reading) => ({ node: "edge-a", reading })));
    for (const tier of ["5m", "1h"] as const)
      await store.saveRollups(
        tier,
        Array.from({ length: 400 }, (_, i) => ({
          point,
          aggregate: {
            at: NOW - (500 - i) * HOUR_MS,
            low: 1,
            high: i,
            sum: i / 3,
            good: 5,
            rows: 6,
          },
        })),
      );
  }
  await store.close();
  const db = openHubDb(path.join(folder, "hub.db"));
  const points = ["a01.t", "a01.rh"].map((id) => ({
    ...{ id, quantity: "temperature", label: id, periodMs: 10_000 },
  }));
  const birth = { v: 1, node: "edge-a", label: "A", software: "x", bootId: "b", epoch: "e", at: 0 };
  openKnownNodes(db, log).save({
    birth: { ...birth, points, doors: [] } as never,
    retired: [],
    online: false,
    since: 0,
    lastSeenAt: 0,
  });
  db.close();
}
const target = () => ({ url: influxd.url, database });
function migrate(told: string[] = [], signal = never) {
  return migrateHistory({
    ...{ storage: folder, influx: target(), clock: systemClock, signal },
    tell: (line) => told.push(line),
  });
}
const ask = async (q: string, db = database) => {
  const query = new URLSearchParams({ db, q });
  return (await fetch(`${influxd.url}/query?${query}`)).text();
};
const rowsOf = async (point: string) => {
  const store = openInfluxHistory({ ...target(), log });
  return store.totals({ point, fromMs: NOW - 90 * 24 * HOUR_MS, toMs: NOW });
};

test("36,000 readings and 2,400 rollups are moved with their quality, reason, node and place", async () => {
  expect(await migrate()).toEqual({ done: true, rows: 3 * ROWS + 2_400 });
  for (const point of POINTS)
    expect(await rowsOf(point)).toMatchObject({ rows: ROWS, good: ROWS - 48 });
  expect(await ask("SELECT count(q) FROM point WHERE node = 'edge-a' AND place = 'a01'")).toContain(
    `,${2 * ROWS}]`,
  );
  expect(await ask("SELECT count(q) FROM point WHERE node = 'unknown'")).toContain(`,${ROWS}]`);
  expect(await ask("SELECT count(q) FROM point WHERE reason = 'frozen' AND q = 1")).toContain(
    ",72]",
  );
  expect(await ask("SELECT count(rows) FROM rollup", database.replace("raw", "1h"))).toContain(
    ",1200]",
  );
  expect(existsSync(path.join(folder, "history-migration.json"))).toBe(false);
});

test("stopped and started again it goes on; run once more it stores nothing twice", async () => {
  const stop = new AbortController();
  const first = migrate([], stop.signal);
  await expect.poll(() => ask("SELECT count(q) FROM point")).toContain("series");
  stop.abort();
  expect((await first).done).toBe(false);
  expect((await migrate()).done).toBe(true);
  expect((await migrate()).done).toBe(true);
  for (const point of POINTS) expect((await rowsOf(point)).rows).toBe(ROWS);
});

test("a mark is followed, but what it leaves out is found by the comparison and copied", async () => {
  const mark = { target: `${influxd.url} ${database}`, tier: "raw", point: 3, at: NOW };
  writeFileSync(path.join(folder, "history-migration.json"), JSON.stringify(mark));
  const told: string[] = [];
  const { done, ...rest } = await migrate(told);
  expect(told[0]).toMatch(/Going on after raw of point 3/);
  expect(done).toBe(true);
  expect(rest).toMatchObject({ rows: expect.any(Number) });
  for (const point of POINTS) expect((await rowsOf(point)).rows).toBe(ROWS);
});

test("an InfluxDB that holds something else of a point is told, with both counts", async () => {
  const other = openInfluxHistory({ ...target(), log });
  await other.prepare(never);
  const reading: Reading = { point: "a01.t", at: NOW - 5, quality: "good", value: 7 };
  await other.write([{ node: "edge-b", reading }]);
  const result = await migrate();
  expect(result).toMatchObject({
    done: false,
    why: "1 points differ.",
    differences: [expect.stringMatching(/raw of a01\.t: 12000 rows .* here, 12001 .* there/)],
  });
});

test("the command refuses while a hub answers, and says what to write into site.yaml when it is done", async () => {
  const server = createServer((_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const file = path.join(folder, "site.yaml");
  writeFileSync(
    file,
    `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
http: { port: ${port} }
storage: { path: . }
`,
  );
  const cli = async () => {
    const lines: string[] = [];
    const tell = (line: string) => lines.push(line);
    const args = ["--config", file, "migrate-history", "--to", "influx", "--url", influxd.url];
    const deps = { out: tell, err: tell, run: async () => 0 };
    const code = await runCli([...args, "--database", database], deps);
    return `${code} ${lines.join("\n")}`;
  };
  expect(await cli()).toMatch(/^1 A hub answers on port/);
  await new Promise((resolve) => server.close(resolve));
  const told = await cli();
  expect(told).toMatch(/^0 /);
  expect(told).toContain(`influx: { url: "${influxd.url}", database: ${database} }`);
});
