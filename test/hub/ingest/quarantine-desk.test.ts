import Database from "better-sqlite3";
import { pino } from "pino";
import { beforeEach, expect, test } from "vitest";
import type { AlarmEvent, DoorEvent } from "../../../contract/message.ts";
import { StoreError } from "../../../hub/history/store.ts";
import { MAX_KEPT, openQuarantine } from "../../../hub/ingest/quarantine.ts";
import { MAX_PER_ORDER, QuarantineDesk } from "../../../hub/ingest/quarantine-desk.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { FakeClock } from "../../fake-clock.ts";
import { birthOf } from "../live/births.ts";
import { MemoryStore } from "./memory-store.ts";

const log = pino({ level: "silent" });
const NOT_ANNOUNCED = "point was never announced";

function opened() {
  const clock = new FakeClock();
  const db = new Database(":memory:");
  const live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
  const ledger = createLedger({ db, clock });
  const quarantine = openQuarantine(db);
  const store = new MemoryStore();
  const heard: AlarmEvent[] = [];
  const alarms = {
    nodeEvents: (_node: unknown, _epoch: string, events: readonly AlarmEvent[]) =>
      void heard.push(...events),
  };
  const desk = new QuarantineDesk({ db, quarantine, live, store, ledger, alarms, clock });
  let seq = 0;
  const put = (row: unknown, why = NOT_ANNOUNCED, node = "edge-a") => {
    seq += 1;
    quarantine.add([{ node, epoch: "e1", seq, receivedAt: clock.nowMs(), why, row }]);
  };
  const records = () => ledger.read({ type: "quarantine", limit: 100, order: "oldest" }).items;
  return { clock, db, live, ledger, quarantine, store, heard, desk, put, records };
}
let at: ReturnType<typeof opened>;
let now: number;
beforeEach(() => {
  at = opened();
  now = at.clock.nowMs();
});

test("A row of a point that is announced by now is stored once, also when it is released twice at a time", async () => {
  at.put(["a09.t", now, 21.5]);
  at.live.announce(birthOf("edge-a", ["a09.t"]));
  const both = await Promise.all([
    at.desk.release({ node: "edge-a" }, "eve"),
    at.desk.release({ node: "edge-a" }, "eve"),
  ]);
  expect(both[0]).toEqual({ released: 1, kept: [], more: false });
  expect(at.store.values("a09.t")).toEqual([21.5]);
  expect(at.quarantine.held()).toBe(0);
  expect(at.quarantine.count()).toBe(1);
  expect(at.records()[0]).toMatchObject({
    type: "quarantine.released",
    detail: { by: "eve", released: 1, kept: 0, rows: { "edge-a e1": "1" } },
  });
});

test("A row that still may not pass stays, with today's reason", async () => {
  at.put(["a09.t", now + 400_000, 1], "time is more than 5 minutes in the future");
  expect(await at.desk.release({ ids: [1] }, "eve")).toMatchObject({
    released: 0,
    kept: [{ id: 1, why: "time is more than 5 minutes in the future" }],
  });
  await at.clock.advance(200_000);
  await at.desk.release({ ids: [1] }, "eve");
  expect(at.quarantine.list({ limit: 1 })[0]?.why).toBe(NOT_ANNOUNCED);
  at.live.announce(birthOf("edge-a", ["a09.t"]));
  expect(await at.desk.release({ ids: [1] }, "eve")).toMatchObject({ released: 1 });
  expect(at.records()).toHaveLength(3);
});

test("While the history takes nothing, nothing changes and nothing is on record", async () => {
  at.put(["a09.t", now, 1]);
  at.live.announce(birthOf("edge-a", ["a09.t"]));
  at.store.failure = () => new StoreError("retry", "disk full");
  await expect(at.desk.release({ ids: [1] }, "eve")).rejects.toThrow("disk full");
  expect(at.quarantine.held()).toBe(1);
  expect(at.records()).toEqual([]);
});

test("A row the history refuses for ever stays with the history's reason; the others are stored", async () => {
  at.put(["a09.t", now, 1]);
  at.put(["a09.t", now + 1, 2]);
  at.live.announce(birthOf("edge-a", ["a09.t"]));
  at.store.failure = (rows) => {
    const index = rows.findIndex(({ reading }) => reading.at === now);
    return index < 0 ? undefined : new StoreError("poison", "type conflict", [index]);
  };
  expect(await at.desk.release({ why: NOT_ANNOUNCED }, "eve")).toMatchObject({
    released: 1,
    kept: [{ id: 1, why: "type conflict" }],
  });
  expect(at.store.values("a09.t")).toEqual([2]);
  expect(at.quarantine.list({ limit: 9 }).map(({ why }) => why)).toEqual(["type conflict"]);
});

test("A door event goes into the ledger once and an alarm event is heard, when nobody else has the point", async () => {
  const door: DoorEvent = {
    ...{ type: "door", door: "door-1", what: "opened", at: now, source: 1, clock: "synced" },
  };
  const alarm: AlarmEvent = {
    ...{ type: "alarm", rule: "hot", subject: "a09.t", occurrence: 1, what: "raised" },
    ...{ at: now, priority: 1, value: 40, clock: "synced" },
  };
  at.put({ event: door }, "door belongs to another node");
  at.put({ event: alarm }, "alarm's point belongs to another node");
  at.live.announce(birthOf("edge-a", ["a09.t"], ["door-1"]));
  expect(await at.desk.release({ node: "edge-a" }, "eve")).toMatchObject({ released: 2 });
  at.put({ event: door });
  expect(at.ledger.read({ type: "door", limit: 9 }).items).toHaveLength(1);
  expect(at.heard).toEqual([alarm]);
});

test("A row of which only the beginning was kept cannot be released", async () => {
  at.put({ event: "x".repeat(3_000) });
  const { kept } = await at.desk.release({ ids: [1] }, "eve");
  expect(kept[0]?.why).toMatch(/only its beginning/);
});

test("Dropped rows are gone; who, why, which and the text of events stand in the ledger", () => {
  for (let i = 0; i < 3; i += 1) at.put(["a09.t", now + i, 1]);
  at.put({ event: { type: "door", door: "door-1" } });
  at.put(["b01.t", now, 1], NOT_ANNOUNCED, "edge-b");
  expect(at.desk.drop({ node: "edge-a" }, "eve", "sensor removed")).toEqual({
    ...{ dropped: 4, more: false },
  });
  expect(at.quarantine.list({ limit: 9 }).map(({ node }) => node)).toEqual(["edge-b"]);
  expect(at.records()[0]?.detail).toMatchObject({
    ...{ by: "eve", reason: "sensor removed", dropped: 4, rows: { "edge-a e1": "1-4" } },
    events: ['{"event":{"type":"door","door":"door-1"}}'],
  });
  expect(at.quarantine.count()).toBe(5);
});

test("One order takes 500 rows and says that there are more", () => {
  for (let i = 0; i <= MAX_PER_ORDER; i += 1) at.put(["a09.t", now + i, 1]);
  expect(at.desk.drop({ node: "edge-a" }, "eve", "x")).toEqual({ dropped: 500, more: true });
  expect(at.desk.drop({ node: "edge-a" }, "eve", "x")).toEqual({ dropped: 1, more: false });
  expect(at.desk.drop({ node: "edge-a" }, "eve", "x")).toEqual({ dropped: 0, more: false });
  expect(at.records()).toHaveLength(2);
});

test("The list goes by node and reason, in pages, and says how many there are of each reason", () => {
  for (let i = 0; i < 5; i += 1) at.put(["a09.t", now + i, 1], i < 3 ? "one" : "two");
  at.put(["b01.t", now, 1], "two", "edge-b");
  const ids = (query: object) => at.quarantine.list({ limit: 2, ...query }).map(({ id }) => id);
  expect(ids({})).toEqual([6, 5]);
  expect(ids({ before: 5 })).toEqual([4, 3]);
  expect(ids({ node: "edge-a", why: "one" })).toEqual([3, 2]);
  expect(at.quarantine.reasons()).toEqual([
    { why: "one", count: 3 },
    { why: "two", count: 3 },
  ]);
});

test("10,000 rows are kept; a node that floods pushes out its own, and all are counted for ever", () => {
  at.put(["b01.t", now, 1], NOT_ANNOUNCED, "edge-b");
  const rows = Array.from({ length: MAX_KEPT + 5 }, (_, i) => ({
    ...{ node: "edge-a", epoch: "e9", seq: i, receivedAt: now, why: NOT_ANNOUNCED },
    row: ["a09.t", now + i, 1],
  }));
  at.quarantine.add(rows);
  expect(at.quarantine.held()).toBe(10_000);
  expect(openQuarantine(at.db).held()).toBe(10_000);
  expect(at.quarantine.list({ limit: 9, node: "edge-b" })).toHaveLength(1);
  expect(at.quarantine.count()).toBe(10_006);
});
