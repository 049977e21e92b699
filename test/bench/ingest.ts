/**
 * How much one hub takes in, on InfluxDB and on the embedded store: the most that is acknowledged with
 * nothing lost, in turns with the same machine's raw line-protocol limit (the median of the pairs counts,
 * because a shared machine's speed changes within seconds); alarm latency while the lanes carry 10, 50 and
 * 80 % of that; memory at 50 %; and 100 nodes of 100 points once a second.
 * `--long` watches memory for 10 minutes instead of 30 seconds.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startInfluxd } from "../hub/history/influxd.ts";
import { countInflux, countSqlite, rawLimit } from "./ingest-stores.ts";
import { LoadHub } from "./load-hub.ts";
import { ackedBy, alarmLatency, fullSpeed, memoryDuring, paced, watched } from "./load-stages.ts";
import { LoadNode } from "./node-load.ts";
import { percentile, report } from "./usage.ts";

/** Enough of them that the hub's limit of 20,000 rows a second and node is not what is measured. */
const NODES = Number(process.env.BENCH_NODES ?? 20);
const POINTS = Number(process.env.BENCH_POINTS ?? 50);
const PEAK_MS = Number(process.env.BENCH_SECONDS ?? 5) * 1_000;
const PAIRS = Number(process.env.BENCH_PAIRS ?? 5);
/** Long enough for 200 alarms and more, so that the worst in a hundred is not the worst of all. */
const STAGE_MS = Number(process.env.BENCH_STAGE_SECONDS ?? 12) * 1_000;
const MEMORY_MS =
  Number(process.env.BENCH_MEMORY_SECONDS ?? (process.env.BENCH_LONG ? 600 : 30)) * 1_000;
const BATCH_ROWS = 250;
const SHARES = [0.1, 0.5, 0.8];
const WIDE = { nodes: 100, points: 100 };

const STORES = (["influxdb", "sqlite"] as const).filter(
  (store) => (process.env.BENCH_STORE ?? store) === store,
);

const folder = mkdtempSync(path.join(tmpdir(), "plenum-bench-"));
const influxd = await startInfluxd();
try {
  for (const store of STORES) {
    await narrow(store);
    await wide(store);
  }
} finally {
  await influxd.stop();
  rmSync(folder, { recursive: true, force: true });
}

type Store = "influxdb" | "sqlite";

async function withHub(
  [store, name]: [Store, string],
  nodes: LoadNode[],
  work: (hub: LoadHub) => Promise<void>,
): Promise<void> {
  const own = path.join(folder, `${store}-${name}`);
  mkdirSync(own);
  const influx = store === "influxdb" ? { url: influxd.url, database: `bench_${name}` } : undefined;
  const hub = await LoadHub.start(own, influx);
  let sent = 0;
  try {
    for (const node of nodes) await node.connect(hub.mqttUrl);
    await work(hub);
    sent = ackedBy(nodes);
  } finally {
    for (const node of nodes) await node.close();
    await hub.stop();
  }
  const points = nodes.flatMap((node) => node.points);
  const stored = influx
    ? await countInflux(influx, points)
    : await countSqlite(path.join(hub.folder, "history.db"), points);
  report({ bench: `ingest-${name}-stored`, store, sent, stored, lost: sent - stored });
}

/** Few nodes that send all they can, then shares of that. */
async function narrow(store: Store): Promise<void> {
  const nodes = Array.from({ length: NODES }, (_, i) => new LoadNode(`n${i}`, POINTS));
  await withHub([store, "peak"], nodes, async (hub) => {
    // The first seconds of a fresh process are not what a hub is that runs for months.
    await fullSpeed(nodes, PEAK_MS);
    const pairs: { raw: number; peak: number; share: number; cpu: number }[] = [];
    for (let n = 0; n < PAIRS; n += 1) {
      const raw = await rawLimit(influxd.url, { nodes: NODES, points: POINTS, ms: PEAK_MS / 2 });
      const own = await watched(hub, nodes, () => fullSpeed(nodes, PEAK_MS));
      const { pointsPerS, hubCpuSPerMillion: cpu } = own;
      pairs.push({ raw, peak: pointsPerS, share: pointsPerS / raw, cpu });
    }
    const middle = (of: "raw" | "peak" | "share" | "cpu") =>
      percentile(
        pairs.map((pair) => pair[of]),
        0.5,
      );
    const peak = middle("peak");
    report({
      bench: "ingest",
      ...{ store, nodes: NODES, points: NODES * POINTS, pairs: PAIRS },
      ...{ pointsPerS: peak, rawPointsPerS: middle("raw"), shareOfRaw: middle("share") },
      shares: pairs.map(({ share }) => share.toFixed(3)).join(" "),
      ...{ hubCpuSPerMillion: middle("cpu"), hubRssMb: hub.usage().rssMb },
    });
    const at = (share: number, ms: number) => () =>
      paced(nodes, { perS: peak * share, batchRows: BATCH_ROWS, ms });
    for (const share of [0, ...SHARES]) {
      const latency = await alarmLatency(hub, at(share, STAGE_MS));
      report({ bench: "ingest-latency", store, shareOfPeak: share, ...latency });
    }
    let memory: Awaited<ReturnType<typeof memoryDuring>> | undefined;
    const during = await watched(hub, nodes, async () => {
      memory = await memoryDuring(hub, at(0.5, MEMORY_MS));
    });
    const { pointsPerS, hubCpuSPerMillion } = during;
    report({ bench: "ingest-memory", store, pointsPerS, hubCpuSPerMillion, ...memory });
  });
}

/** Many nodes at the pace of a large site. */
async function wide(store: Store): Promise<void> {
  const { nodes: count, points } = WIDE;
  const nodes = Array.from(
    { length: count },
    (_, i) => new LoadNode(`w${i}`, points, { batchRows: points }),
  );
  await withHub([store, "wide"], nodes, async (hub) => {
    let latency: Awaited<ReturnType<typeof alarmLatency>> | undefined;
    const pace = { perS: count * points, batchRows: points, ms: STAGE_MS * 2 };
    const { after, ...figures } = await watched(hub, nodes, async () => {
      latency = await alarmLatency(hub, () => paced(nodes, pace));
    });
    const hubCores = (figures.hubCpuSPerMillion * figures.pointsPerS) / 1e6;
    const size = { nodes: count, points: count * points, hubRssMb: after.rssMb, hubCores };
    report({ bench: "ingest-wide", store, ...size, ...figures, ...latency });
  });
}
