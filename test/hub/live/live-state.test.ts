import Database from "better-sqlite3";
import fc from "fast-check";
import { pino } from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import type { DoorEvent, NodeStatus } from "../../../contract/message.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { type LiveChange, LiveState, MAX_NODES } from "../../../hub/live/live-state.ts";
import { FakeClock } from "../../fake-clock.ts";
import { birthOf } from "./births.ts";

const log = pino({ level: "silent" });
let clock: FakeClock;
let db: Database.Database;
let live: LiveState;
let changes: LiveChange[];

const open = () => new LiveState({ clock, log, known: openKnownNodes(db, log) });

beforeEach(() => {
  clock = new FakeClock();
  db = new Database(":memory:");
  live = open();
  changes = [];
  live.onChange((change) => changes.push(change));
});

const status = (state: NodeStatus["state"], session: number): NodeStatus => ({
  v: 1,
  state,
  session,
  at: 1,
});

/** A reading of the live lane, `ageMs` old when it was sent. */
function read(id: string, value: number | null, { at = clock.nowMs(), ageMs = 0 } = {}): void {
  const point = live.point(id);
  if (!point) throw new Error(`no point ${id}`);
  const reading =
    value === null
      ? ({ point: id, at, quality: "bad", reason: "no-answer" } as const)
      : ({ point: id, at, quality: "good", value } as const);
  live.reading(point, reading, ageMs);
}

const shown = (id: string) => {
  const reading = live.point(id)?.reading;
  return reading?.quality === "good" ? reading.value : null;
};

describe("points", () => {
  beforeEach(() => {
    live.announce(birthOf("edge-a", ["a01.t", "a02.t"]));
  });

  test("an announced point has no reading and is stale until one comes", () => {
    expect(live.point("a01.t")).toMatchObject({ node: "edge-a", reading: null, receivedAt: null });
    expect(live.isStale(live.point("a01.t")!, clock.nowMs())).toBe(true);
    read("a01.t", 21.5);
    expect(live.isStale(live.point("a01.t")!, clock.nowMs())).toBe(false);
    expect(changes.at(-1)).toMatchObject({ kind: "point", point: { receivedAt: clock.nowMs() } });
  });

  test("a reading is fresh for 30 s at a period of 10 s, counted on the hub's clock", async () => {
    read("a01.t", 21.5, { at: clock.nowMs() - 120_000 });
    const point = live.point("a01.t")!;
    await clock.advance(30_000);
    expect(live.ageMs(point, clock.nowMs())).toBe(30_000);
    expect(live.isStale(point, clock.nowMs())).toBe(false);
    await clock.advance(1);
    expect(live.isStale(point, clock.nowMs())).toBe(true);
  });

  test("the age a reading already had when its node sent it counts", async () => {
    read("a01.t", 21.5, { ageMs: 25_000 });
    const point = live.point("a01.t")!;
    await clock.advance(5_001);
    expect(live.ageMs(point, clock.nowMs())).toBe(30_001);
    expect(live.isStale(point, clock.nowMs())).toBe(true);
  });

  test("a reading that is not newer changes nothing and is not announced", () => {
    const at = clock.nowMs();
    read("a01.t", 21, { at });
    const count = changes.length;
    read("a01.t", 99, { at: at - 1 });
    read("a01.t", 98, { at });
    expect(shown("a01.t")).toBe(21);
    expect(changes).toHaveLength(count);
  });

  test("a bad reading takes the place of the value", () => {
    read("a01.t", 21);
    read("a01.t", null, { at: clock.nowMs() + 1 });
    expect(live.point("a01.t")?.reading).toMatchObject({ quality: "bad", reason: "no-answer" });
  });

  test("a node whose clock went back over a restart is believed again after its birth", () => {
    const at = clock.nowMs();
    read("a01.t", 21, { at });
    live.announce({ ...birthOf("edge-a", ["a01.t"]), bootId: "boot-2" });
    read("a01.t", 22, { at: at - 3_600_000 });
    expect(shown("a01.t")).toBe(22);
    read("a01.t", 23, { at: at - 3_600_001 });
    expect(shown("a01.t")).toBe(22);
  });

  test("points survive their node's going offline, and a new birth that still offers them", () => {
    read("a01.t", 21);
    live.gone("edge-a");
    live.announce(birthOf("edge-a", ["a01.t"]));
    expect(shown("a01.t")).toBe(21);
    expect(live.point("a02.t")).toBeUndefined();
  });

  test("whatever order readings come in, the newest is shown", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1 }), (times) => {
        live = open();
        live.announce(birthOf("edge-p", ["p.t"]));
        for (const at of times) read("p.t", at, { at });
        expect(shown("p.t")).toBe(Math.max(...times));
      }),
    );
  });
});

describe("who owns a point", () => {
  test("the first node to announce it keeps it; the other is told which names it may not have", () => {
    expect(live.announce(birthOf("edge-a", ["a01.t"], ["door-1"]))).toEqual([]);
    expect(live.announce(birthOf("edge-b", ["a01.t", "b01.t"], ["door-1"]))).toEqual([
      "a01.t",
      "door-1.open",
      "door-1",
    ]);
    expect(live.point("a01.t")?.node).toBe("edge-a");
    expect(live.owner("edge-b", "a01.t")).toBe("foreign");
    expect(live.owner("edge-b", "b01.t")).toBe("mine");
    expect(live.owner("edge-b", "never.t")).toBe("unknown");
  });

  test("a point its node lets go goes to the node that wanted it; rows from before still count", () => {
    live.announce(birthOf("edge-a", ["a01.t", "a02.t"]));
    live.announce(birthOf("edge-b", ["a01.t"]));
    live.announce(birthOf("edge-a", ["a02.t"]));
    expect(live.point("a01.t")?.node).toBe("edge-b");
    expect(live.owner("edge-a", "a01.t")).toBe("mine");
    expect(live.owner("edge-b", "a01.t")).toBe("mine");
  });

  test("a point announced twice in one birth is refused once", () => {
    expect(live.announce(birthOf("edge-a", ["a01.t", "a01.t"]))).toEqual(["a01.t"]);
  });

  test(`node ${MAX_NODES + 1} is refused, and known ones still announce themselves`, () => {
    for (let i = 0; i < MAX_NODES; i += 1) live.announce(birthOf(`n${i}`, []));
    expect(live.announce(birthOf("one-more", ["x.t"]))).toEqual(["one-more"]);
    expect(live.node("one-more")).toBeUndefined();
    expect(live.announce(birthOf("n0", ["n0.t"]))).toEqual([]);
  });
});

describe("nodes", () => {
  const node = () => live.node("edge-a");

  test("a node is online from its status on, and offline from its will on, with the times of both", async () => {
    live.announce(birthOf("edge-a", []));
    expect(node()).toMatchObject({ online: false });
    await clock.advance(1_000);
    live.status("edge-a", status("online", 1));
    expect(node()).toMatchObject({ online: true, since: clock.nowMs() });
    const since = clock.nowMs();
    await clock.advance(60_000);
    live.status("edge-a", status("online", 1));
    expect(node()).toMatchObject({ online: true, since, lastSeenAt: clock.nowMs() });
    await clock.advance(5_000);
    live.status("edge-a", status("offline", 1));
    expect(node()).toMatchObject({ online: false, since: clock.nowMs() });
    const offlineSince = clock.nowMs();
    await clock.advance(5_000);
    live.gone("edge-a");
    expect(node()).toMatchObject({ online: false, since: offlineSince });
  });

  test("a lost connection alone makes it offline, once", () => {
    live.announce(birthOf("edge-a", []));
    live.status("edge-a", status("online", 1));
    changes = [];
    live.gone("edge-a");
    live.gone("edge-a");
    expect(changes).toHaveLength(1);
    expect(node()?.online).toBe(false);
  });

  test("the late will of an older connection does not make it offline", () => {
    live.announce(birthOf("edge-a", []));
    live.status("edge-a", status("online", 5));
    live.status("edge-a", status("offline", 4));
    expect(node()?.online).toBe(true);
  });

  test("a node with a new memory card, whose sessions begin again at 1, is online", () => {
    live.announce(birthOf("edge-a", []));
    live.status("edge-a", status("online", 500));
    live.status("edge-a", status("offline", 500));
    live.status("edge-a", status("online", 1));
    expect(node()?.online).toBe(true);
    live.status("edge-a", status("offline", 1));
    expect(node()?.online).toBe(false);
  });

  test("a status that comes before the birth counts when the birth comes", () => {
    live.status("edge-a", status("online", 1));
    expect(node()).toBeUndefined();
    live.announce(birthOf("edge-a", []));
    expect(node()?.online).toBe(true);
  });
});

describe("after a restart of the hub", () => {
  test("nodes and points are known, without values; a node that was online is offline since now", async () => {
    live.announce(birthOf("edge-a", ["a01.t"], ["door-1"]));
    live.announce(birthOf("edge-b", ["b01.t"]));
    live.status("edge-a", status("online", 1));
    live.status("edge-b", status("online", 1));
    read("a01.t", 21);
    await clock.advance(1_000);
    live.gone("edge-b");
    const goneAt = clock.nowMs();
    await clock.advance(10_000);
    live = open();
    expect([...live.points()].map(({ info }) => info.id)).toEqual([
      "a01.t",
      "door-1.open",
      "b01.t",
    ]);
    expect(live.point("a01.t")).toMatchObject({ node: "edge-a", reading: null });
    expect(live.door("door-1")).toMatchObject({ state: "unknown" });
    expect(live.node("edge-a")).toMatchObject({ online: false, since: clock.nowMs() });
    expect(live.node("edge-b")).toMatchObject({ online: false, since: goneAt });
  });

  test("rows of points a node no longer offers are still its own", () => {
    live.announce(birthOf("edge-a", ["a01.t", "a02.t"]));
    live.announce(birthOf("edge-a", ["a02.t"]));
    live = open();
    expect(live.owner("edge-a", "a01.t")).toBe("mine");
    expect(live.owner("edge-b", "a01.t")).toBe("unknown");
  });

  test("a remembered node this version does not understand is left out, the others are there", () => {
    live.announce(birthOf("edge-a", ["a01.t"]));
    live.announce(birthOf("edge-b", ["b01.t"]));
    db.exec(`UPDATE known_node SET birth = '{"v":9}' WHERE node = 'edge-a'`);
    live = open();
    expect([...live.nodes()].map(({ id }) => id)).toEqual(["edge-b"]);
  });

  test("a disk that fails costs the memory, not the present", () => {
    db.exec("DROP TABLE known_node");
    live.announce(birthOf("edge-a", ["a01.t"]));
    read("a01.t", 21);
    expect(shown("a01.t")).toBe(21);
  });
});

describe("doors", () => {
  const door = () => live.door("door-1")!;
  const now = () => live.doorNow(door(), clock.nowMs());
  const event = (what: DoorEvent["what"], at = clock.nowMs()): DoorEvent => ({
    type: "door",
    door: "door-1",
    what,
    at,
    source: 1,
    clock: "synced",
  });

  beforeEach(() => {
    live.announce(birthOf("edge-a", [], ["door-1"]));
    live.status("edge-a", status("online", 1));
    changes = [];
  });

  test("the contact point says open or closed, and since when if somebody saw it move", async () => {
    expect(now()).toBe("unknown");
    read("door-1.open", 0);
    expect(door()).toMatchObject({ state: "closed", since: null });
    await clock.advance(10_000);
    read("door-1.open", 0);
    expect(door()).toMatchObject({ state: "closed", since: null, at: clock.nowMs() });
    await clock.advance(10_000);
    read("door-1.open", 1);
    expect(door()).toMatchObject({ state: "open", since: clock.nowMs() });
    expect(changes.filter(({ kind }) => kind === "door")).toHaveLength(2);
  });

  test("a contact that is not read makes the door unknown", () => {
    read("door-1.open", 0);
    read("door-1.open", null, { at: clock.nowMs() + 1 });
    expect(now()).toBe("unknown");
  });

  test("a door whose contact is stale, or whose node is gone, is unknown now", async () => {
    read("door-1.open", 0);
    expect(now()).toBe("closed");
    await clock.advance(30_001);
    expect(now()).toBe("unknown");
    read("door-1.open", 0);
    expect(now()).toBe("closed");
    live.gone("edge-a");
    expect(now()).toBe("unknown");
  });

  test("a fresh door event counts at once; an older contact reading does not undo it", async () => {
    read("door-1.open", 0);
    await clock.advance(2_000);
    live.doorEvent("edge-a", event("opened"));
    expect(door()).toMatchObject({ state: "open", since: clock.nowMs() });
    read("door-1.open", 0, { at: clock.nowMs() - 1 });
    expect(now()).toBe("open");
    live.doorEvent("edge-a", event("fault", clock.nowMs() + 1));
    expect(now()).toBe("unknown");
  });

  test("chatter, a late event, and another node's report change nothing", async () => {
    read("door-1.open", 0);
    await clock.advance(60_000);
    read("door-1.open", 0);
    live.doorEvent("edge-a", event("chatter"));
    live.doorEvent("edge-a", event("opened", clock.nowMs() - 30_001));
    live.doorEvent("edge-b", event("opened", clock.nowMs() + 5));
    live.doorEvent("edge-a", { ...event("opened"), door: "door-9" });
    expect(now()).toBe("closed");
  });
});

describe("what nobody offers any more", () => {
  const withdrawn = () => changes.filter((change) => change.kind === "withdrawn");

  beforeEach(() => {
    live.announce(birthOf("edge-a", ["a01.t", "a02.t"], ["door-1"]));
    changes = [];
  });

  test("is told once its node stops offering it", () => {
    live.announce(birthOf("edge-a", ["a01.t"]));
    expect(withdrawn()).toEqual([
      { kind: "withdrawn", names: ["a02.t", "door-1.open", "door-1"], node: null },
    ]);
    live.announce(birthOf("edge-a", ["a01.t"]));
    expect(withdrawn()).toHaveLength(1);
  });

  test("does not include a point that another node was waiting for", () => {
    expect(live.announce(birthOf("edge-b", ["a02.t"]))).toEqual(["a02.t"]);
    live.announce(birthOf("edge-a", ["a01.t"], ["door-1"]));
    expect(withdrawn()).toEqual([]);
    expect(live.point("a02.t")?.node).toBe("edge-b");
  });

  test("a node that is forgotten takes its points and doors with it, also across a restart", () => {
    live.announce(birthOf("edge-b", ["b01.t"]));
    expect(live.forget("edge-a")).toBe(true);
    expect(withdrawn()).toMatchObject([
      { names: ["a01.t", "a02.t", "door-1.open", "door-1"], node: "edge-a" },
    ]);
    for (const state of [live, open()]) {
      expect([...state.nodes()].map(({ id }) => id)).toEqual(["edge-b"]);
      expect([...state.points()].map(({ info }) => info.id)).toEqual(["b01.t"]);
      expect([...state.doors()]).toEqual([]);
      expect(state.owner("edge-a", "a01.t")).toBe("unknown");
    }
  });

  test("a node that is online, or was never heard of, is not forgotten", () => {
    live.status("edge-a", status("online", 1));
    expect(live.forget("edge-a")).toBe(false);
    expect(live.forget("edge-z")).toBe(false);
    expect(live.point("a01.t")).toBeDefined();
  });

  test("a forgotten node that comes back is a new one", () => {
    live.forget("edge-a");
    expect(live.announce(birthOf("edge-a", ["a01.t"]))).toEqual([]);
    expect(live.point("a01.t")).toMatchObject({ node: "edge-a", reading: null });
  });
});
