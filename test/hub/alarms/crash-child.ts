/**
 * A hub that is killed again and again by its test. Arguments: database, webhook port, `run` or `finish`.
 * Prints one line per change it was told of; with `finish` it clears everything and ends by itself.
 */
import { pino } from "pino";
import { systemClock } from "../../../contract/clock.ts";
import type { PointInfo } from "../../../contract/message.ts";
import { good } from "../../../contract/reading.ts";
import { createAlarms } from "../../../hub/alarms/alarm-runtime.ts";
import type { SiteRule } from "../../../hub/config/hub-config.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { createOutbox } from "../../../hub/notify/outbox.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";

const [, , file = "", port = "", mode = "run"] = process.argv;
const POINTS = ["p1.inlet", "p2.inlet", "p3.inlet", "p4.inlet"];
const RULE: SiteRule = {
  id: "high",
  priority: 2,
  condition: { kind: "limit", above: 27, deadband: 0.5 },
  onDelayMs: 0,
  offDelayMs: 0,
  latch: false,
  points: ["*"],
  nodes: [],
  title: "{label} {value}",
  runbook: null,
  receivers: ["hook"],
};

const clock = systemClock;
const log = pino({ level: "silent" });
const db = openHubDb(file);
const live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
const ledger = createLedger({ db, clock });
const url = `http://127.0.0.1:${port}/`;
const hook = { kind: "webhook", id: "hook", url, secret: null, allowPrivate: true } as const;
const outbox = createOutbox({ db, receivers: [hook], clock, log });
const alarms = createAlarms({ rules: [RULE], live, db, ledger, outbox, clock, log });
alarms.onChange(({ id, state, occurrence }) => {
  process.stdout.write(`${id} ${state} ${occurrence}\n`);
});

const stop = new AbortController();
const running = [alarms.run(stop.signal), outbox.run(stop.signal)];
const points = POINTS.map(
  (id): PointInfo => ({ id, quantity: "temperature", label: id, periodMs: 1_000 }),
);
const names = { node: "edge", label: "Edge", software: "test", bootId: "b", epoch: "e" };
live.announce({ v: 1, ...names, at: 0, points, doors: [] });
live.status("edge", { v: 1, state: "online", session: 1, at: 0 });

function read(id: string, value: number, at: number): void {
  const point = live.point(id);
  if (point) live.reading(point, { point: id, at, ...good(value) }, 0);
}

for (let n = 1; mode === "run"; n += 1) {
  read(POINTS[n % POINTS.length]!, Math.floor(n / POINTS.length) % 2 === 0 ? 30 : 20, n);
  if (n % 7 === 0) alarms.command(`high.${POINTS[n % 3]}`, { do: "acknowledge", by: "kn" });
  // Hardly any pause: a kill is to land in the middle of writing.
  await clock.sleep(0);
}
for (const id of POINTS) read(id, 20, 1);
while (outbox.counts().queued > 0) await clock.sleep(50);
stop.abort();
await Promise.all(running);
db.close();
