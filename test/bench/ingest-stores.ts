import { pino } from "pino";
import { systemClock } from "../../contract/clock.ts";
import { openSqliteHistory } from "../../hub/history/sqlite-history.ts";

const BATCH = 5_000;

/** Points a second that InfluxDB itself takes from two writers with ready-made lines. */
export async function rawLimit(
  url: string,
  { nodes, points, ms }: { nodes: number; points: number; ms: number },
): Promise<number> {
  const body = new URLSearchParams({ q: "CREATE DATABASE raw" });
  await fetch(`${url}/query`, { method: "POST", body });
  const series = nodes * points;
  const startMs = Date.now() - 86_400_000;
  const batch = (from: number) =>
    Array.from({ length: BATCH }, (_, i) => {
      const n = from + i;
      const tags = `node=n${n % nodes},place=p${n % series},point=p${n % series}.v`;
      return `point,${tags} value=${n / 100} ${startMs + Math.floor(n / series) * 1_000}`;
    }).join("\n");
  const batches = Array.from({ length: 40 }, (_, i) => batch(i * BATCH));
  const began = performance.now();
  let written = 0;
  const writer = async (offset: number) => {
    for (let i = offset; performance.now() - began < ms; i += 2) {
      const lines = batches[i % batches.length] ?? "";
      const to = `${url}/write?db=raw&precision=ms`;
      const answer = await fetch(to, { method: "POST", body: lines });
      if (answer.status !== 204)
        throw new Error(`InfluxDB answered ${answer.status}: ${await answer.text()}`);
      written += BATCH;
    }
  };
  await Promise.all([writer(0), writer(1)]);
  return written / ((performance.now() - began) / 1_000);
}

/** Rows of all points of the load; the probe's own are not among them. */
export async function countInflux(
  { url, database }: { url: string; database: string },
  points: readonly string[],
): Promise<number> {
  const q = 'SELECT count("value") FROM "point" GROUP BY "point"';
  const query = new URLSearchParams({ db: database, q });
  const answer = (await (await fetch(`${url}/query?${query}`)).json()) as {
    results: { series?: { tags: { point: string }; values: [number, number][] }[] }[];
  };
  const wanted = new Set(points);
  const series = answer.results[0]?.series ?? [];
  return series
    .filter(({ tags }) => wanted.has(tags.point))
    .reduce((sum, { values }) => sum + (values[0]?.[1] ?? 0), 0);
}

export async function countSqlite(file: string, points: readonly string[]): Promise<number> {
  const log = pino({ level: "silent" });
  const store = openSqliteHistory({ path: file, log, clock: systemClock });
  let rows = 0;
  for (const point of points)
    rows += (await store.totals({ point, fromMs: 0, toMs: Date.now() + 86_400_000 })).rows;
  await store.close();
  return rows;
}
