/**
 * What judging costs: 10,000 points, each watched by 50 rules of one kind, in a process of its own per kind
 * (`node dist/test/bench/alarm-cost.js limit`). Normal readings, so that nothing is raised: that is what a hub
 * does all day. In turns with a bare loop that makes the same 50 comparisons and keeps the same findings.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import type { Condition } from "../../contract/alarm/rule.ts";
import { systemClock } from "../../contract/clock.ts";
import { good } from "../../contract/reading.ts";
import { createAlarms } from "../../hub/alarms/alarm-runtime.ts";
import type { SiteRule } from "../../hub/config/hub-config.ts";
import { createLedger } from "../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../hub/live/known-nodes.ts";
import { LiveState } from "../../hub/live/live-state.ts";
import { createOutbox } from "../../hub/notify/outbox.ts";
import { openHubDb } from "../../hub/state/hub-db.ts";
import { percentile, report, usageOf } from "./usage.ts";

const POINTS_PER_NODE = 1_000;
const NODES = 10;
const RULES = 50;
const PAIRS = 5;
const ROUNDS = 3;
const LIMIT = 1_000;

const CONDITIONS: Record<string, Condition> = {
  limit: { kind: "limit", above: LIMIT, deadband: 1 },
  digital: { kind: "digital", equals: LIMIT },
  swing: { kind: "swing", above: LIMIT, windowMs: 60_000 },
  frozen: { kind: "frozen" },
  stale: { kind: "stale" },
};
const kind = process.argv[2] ?? "limit";
const condition = CONDITIONS[kind];
if (!condition) throw new Error(`Choose one of ${Object.keys(CONDITIONS).join(", ")}.`);

const folder = mkdtempSync(path.join(tmpdir(), "plenum-bench-"));
const log = pino({ level: "silent" });
const clock = systemClock;
const db = openHubDb(path.join(folder, "hub.db"));
const live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
const rules = Array.from(
  { length: RULES },
  (_, n): SiteRule => ({
    ...{ id: `r${n}`, points: ["*"], nodes: [], title: "{label}", runbook: null, receivers: [] },
    ...{ priority: 2, condition, onDelayMs: 60_000, offDelayMs: 60_000, latch: false },
  }),
);
const outbox = createOutbox({ db, receivers: [], clock, log });
const alarms = createAlarms({
  ...{ rules, live, db, ledger: createLedger({ db, clock }), outbox, clock, log },
});
const stop = new AbortController();
const empty = usageOf(process.pid).rssMb;
const points = Array.from({ length: NODES }, (_, n) => announce(`n${n}`)).flat();
const running = alarms.run(stop.signal);

const bare = points.map(() => Array.from({ length: RULES }, () => ({ above: LIMIT, finding: 0 })));
const evaluations = points.length * RULES * ROUNDS;
const [own, plain]: [number[], number[]] = [[], []];
readAll();
for (let pair = 0; pair < PAIRS; pair += 1) {
  own.push(cpuNs(readAll) / evaluations);
  plain.push(cpuNs(compareAll) / evaluations);
}
report({
  ...{ bench: "alarm-cost", kind, points: points.length, rulesPerPoint: RULES, pairs: PAIRS },
  ...{ nsPerEvaluation: percentile(own, 0.5), bareNsPerEvaluation: percentile(plain, 0.5) },
  usPerReading: (percentile(own, 0.5) * RULES) / 1_000,
  ...{ rssMb: usageOf(process.pid).rssMb, rssMbWithoutAlarms: empty },
  bytesPerAlarm: ((usageOf(process.pid).rssMb - empty) * 1e6) / (points.length * RULES),
});
stop.abort();
await running;
db.close();
rmSync(folder, { recursive: true, force: true });

function announce(node: string): string[] {
  const ids = Array.from({ length: POINTS_PER_NODE }, (_, n) => `${node}.v${n}`);
  live.announce({
    ...{ v: 1, node, label: node, software: "bench", bootId: "b", epoch: "e", at: 0, doors: [] },
    points: ids.map((id) => ({ id, label: id, quantity: "temperature", periodMs: 1_000 })),
  });
  live.status(node, { v: 1, state: "online", session: 1, at: clock.nowMs() });
  return ids;
}

/** Each point's next readings, as the ingest hands them on. */
function readAll(): void {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const id of points) {
      const point = live.point(id)!;
      // A value must be later than the one before to count.
      const at = (point.reading?.at ?? clock.nowMs() - 60_000) + 1;
      live.reading(point, { point: id, at, ...good(20 + (at % 7)) }, 0);
    }
  }
}

function compareAll(): void {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [n, limits] of bare.entries()) {
      const value = 20 + ((n + round) % 7);
      for (const one of limits) one.finding = value > one.above ? 1 : 0;
    }
  }
}

function cpuNs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1_000;
}
