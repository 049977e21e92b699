import Database from "better-sqlite3";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { SpoolEvent } from "../../../contract/message.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { lastMoveIn } from "../../../hub/live/last-move.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { FakeClock } from "../../fake-clock.ts";
import { birthOf } from "./births.ts";

const log = pino({ level: "silent" });
const HOUR_MS = 3_600_000;

/** A hub that has just been restarted: the ledger knows what happened before. */
function restarted() {
  const clock = new FakeClock();
  const db = new Database(":memory:");
  const ledger = createLedger({ db, clock });
  const live = new LiveState({
    ...{ clock, log, known: openKnownNodes(db, log), lastMove: lastMoveIn(ledger) },
  });
  live.announce(birthOf("edge-a", ["a01.t"], ["door-1"]));
  live.status("edge-a", { v: 1, state: "online", session: 1, at: 0 });
  const now = clock.nowMs();
  let seq = 0;
  const record = (event: SpoolEvent) => {
    seq += 1;
    ledger.append([{ node: "edge-a", epoch: "e", seq, receivedAt: clock.nowMs(), event }]);
  };
  const moved = (what: "opened" | "closed" | "fault", at: number) =>
    record({ type: "door", door: "door-1", what, at, source: seq + 1, clock: "synced" });
  const started = (at: number) => record({ type: "node", what: "started", at, detail: "" });
  const contact = (value: number) => {
    const point = live.point("door-1.open")!;
    live.reading(point, { point: "door-1.open", at: now, quality: "good", value }, 0);
  };
  return { live, now, moved, started, contact, door: () => live.door("door-1") };
}

test("After a restart of the hub an open door shows since when, once the node has sent all it had", () => {
  const { live, now, moved, contact, door } = restarted();
  moved("closed", now - 2 * HOUR_MS);
  moved("opened", now - HOUR_MS);
  const changes: string[] = [];
  live.onChange(({ kind }) => changes.push(kind));
  contact(1);
  expect(door()).toMatchObject({ state: "open", since: null });
  live.recordedUpTo("edge-a", now - 1);
  expect(door()?.since).toBeNull();
  live.recordedUpTo("edge-a", now);
  expect(door()).toMatchObject({ state: "open", since: now - HOUR_MS });
  expect(changes.filter((kind) => kind === "door")).toHaveLength(2);
});

test("What it did while the hub was away counts: it comes out of the node's spool first", () => {
  const { live, now, moved, contact, door } = restarted();
  moved("opened", now - HOUR_MS);
  contact(1);
  moved("closed", now - 600_000);
  moved("opened", now - 300_000);
  live.recordedUpTo("edge-a", now + 5);
  expect(door()?.since).toBe(now - 300_000);
});

test.each<[string, (hub: ReturnType<typeof restarted>) => void]>([
  ["the ledger says otherwise", ({ moved, now }) => moved("closed", now - HOUR_MS)],
  ["the contact had a fault since", ({ moved, now }) => moved("fault", now - 60_000)],
  [
    "the node was restarted since, and may have missed a move",
    ({ started, now }) => started(now - 60_000),
  ],
])("Nothing is claimed when %s", (_, happens) => {
  const hub = restarted();
  hub.moved("opened", hub.now - 2 * HOUR_MS);
  happens(hub);
  hub.contact(1);
  hub.live.recordedUpTo("edge-a", hub.now);
  expect(hub.door()).toMatchObject({ state: "open", since: null });
});

test("A move seen meanwhile keeps its own time", () => {
  const { live, now, moved, contact, door } = restarted();
  moved("opened", now - HOUR_MS);
  contact(1);
  const event = { type: "door", door: "door-1", source: 2, clock: "synced" } as const;
  live.doorEvent("edge-a", { ...event, what: "closed", at: now + 10 });
  live.recordedUpTo("edge-a", now + 20);
  expect(door()).toMatchObject({ state: "closed", since: now + 10 });
});
