import { pino } from "pino";
import { expect, test } from "vitest";
import type { AlarmEvent, DoorEvent, SpoolEvent } from "../../../contract/message.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { runLedgerTail } from "../../../hub/workers/ledger-tail.ts";
import { figuresOfWorkers, WorkerNode } from "../../../hub/workers/worker-node.ts";
import { FakeClock } from "../../fake-clock.ts";
import { birth, T0 } from "../alarms/small-hub.ts";

const log = pino({ level: "silent" });

test("what another worker records of doors and node alarms reaches the leader within 0.5 s, and its successor goes on there", async () => {
  const clock = new FakeClock(T0);
  const db = openHubDb(":memory:");
  const ledger = createLedger({ db, clock });
  const live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
  live.announce({ ...birth(), doors: [{ id: "door-1", label: "Door" }] });
  let seq = 0;
  const record = (event: SpoolEvent) => {
    seq += 1;
    ledger.append([{ node: "edge-hall", epoch: "e1", seq, receivedAt: clock.nowMs(), event }]);
  };
  const door: DoorEvent = {
    ...{ type: "door", door: "door-1", what: "opened", at: T0, source: 1, clock: "synced" },
  };
  const alarm: AlarmEvent = {
    ...{ type: "alarm", rule: "hot", subject: "a03.inlet-top", occurrence: 1, what: "raised" },
    ...{ at: T0, priority: 1, value: 40, clock: "synced" },
  };
  const heard: unknown[] = [];
  const lead = () => {
    const stop = new AbortController();
    const alarms = {
      nodeEvents: (node: { id: string }, epoch: string, events: readonly AlarmEvent[]) =>
        heard.push([node.id, epoch, ...events]),
    };
    const running = runLedgerTail({ db, ledger, live, alarms, clock }, stop.signal);
    return async () => {
      stop.abort();
      await running;
    };
  };
  const stopFirst = lead();
  record(door);
  record(alarm);
  ledger.appendOwn("alarm.raised", T0, { rule: "hot", subject: "a03.inlet-top" });
  await clock.advance(500);
  expect(live.door("door-1")?.state).toBe("open");
  expect(heard).toEqual([["edge-hall", "e1", alarm]]);
  await stopFirst();
  record({ ...alarm, what: "cleared" });
  const stopSecond = lead();
  await clock.advance(500);
  expect(heard.slice(1)).toEqual([["edge-hall", "e1", { ...alarm, what: "cleared" }]]);
  await stopSecond();
});

test("the hub's figures are the sum of its workers that are online, and name one that cannot store", () => {
  const clock = new FakeClock(T0);
  const live = new LiveState({ clock, log, known: openKnownNodes(openHubDb(":memory:"), log) });
  const hear = (topic: string, payload: string) => {
    const [, , node = "", lane] = topic.split("/");
    const message = JSON.parse(payload);
    if (lane === "birth") live.announce(message);
    if (lane === "status") live.status(node, message);
    for (const [id, at, value] of lane === "live" ? message.rows : [])
      live.reading(live.point(id)!, { point: id, at, quality: "good", value }, 0);
  };
  const figures = { storeError: null, storeLagMs: 200, stored: 1_000, partitions: 32 };
  const [one, two] = [new WorkerNode("w1", "b1", T0), new WorkerNode("w2", "b2", T0)];
  for (const worker of [one, two]) worker.announce(hear, T0);
  one.figures(hear, T0, figures);
  two.figures(hear, T0, { ...figures, storeLagMs: 4_500, storeError: "InfluxDB away" });
  expect(figuresOfWorkers(live)).toEqual({
    storeError: "worker-w2 cannot write history; see its log",
    storeLagMs: 4_500,
    stored: 2_000,
    partitions: 64,
  });
  const { topic, payload } = two.will(T0);
  hear(topic, payload);
  expect(figuresOfWorkers(live)).toMatchObject({
    storeError: null,
    storeLagMs: 200,
    stored: 1_000,
  });
});
