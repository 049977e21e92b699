import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StoreError } from "../../../hub/history/store.ts";
import { TestHub } from "./test-hub.ts";

let hub: TestHub;
let now: number;

beforeEach(() => {
  hub = new TestHub();
  now = hub.clock.nowMs();
  hub.join("edge-a", ["a01.t", "a02.t"], ["door-1"]);
  hub.join("edge-b", ["b01.t"]);
});
afterEach(() => hub.stop());

const opened = { type: "door", door: "door-1", what: "opened", at: 0, source: 1, clock: "synced" };

describe("spool rows", () => {
  test("are stored with value and quality, and acknowledged up to the last one", async () => {
    await hub.data("edge-a", 1, [
      ["a01.t", now, 21.5],
      ["a01.t", now + 1, null, "no-answer"],
      ["a02.t", now, 80, "implausible"],
    ]);
    expect([...hub.store.rows.values()].map(({ reading }) => reading)).toEqual([
      { point: "a01.t", at: now, quality: "good", value: 21.5 },
      { point: "a01.t", at: now + 1, quality: "bad", reason: "no-answer" },
      { point: "a02.t", at: now, quality: "uncertain", value: 80, reason: "implausible" },
    ]);
    expect(hub.acks).toEqual([["edge-a", { epoch: "epoch-1", upto: 3 }]]);
    expect(hub.ingest.totals()).toEqual({ stored: 3, refused: 0, quarantined: 0, dropped: 0 });
    expect(hub.live.node("edge-a")).toMatchObject({ stored: 3 });
  });

  test("do not touch what is shown now", async () => {
    await hub.data("edge-a", 1, [["a01.t", now, 21.5]]);
    expect(hub.live.point("a01.t")?.reading).toBeNull();
  });

  test("are not acknowledged before the store has them", async () => {
    let finish: () => void = () => undefined;
    const written = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const write = hub.store.write.bind(hub.store);
    hub.store.write = async (rows) => written.then(() => write(rows));
    await hub.data("edge-a", 1, [["a01.t", now, 21.5]]);
    expect(hub.acks).toEqual([]);
    finish();
    await hub.settle();
    expect(hub.acked("edge-a")).toBe(1);
  });

  test("of several messages share a write and one acknowledgement", async () => {
    for (let seq = 1; seq <= 5; seq += 1)
      hub.send("edge-a", "data", {
        epoch: "epoch-1",
        floor: 1,
        first: seq,
        rows: [["a01.t", now + seq, 1]],
      });
    await hub.settle();
    expect(hub.store.writes).toEqual([5]);
    expect(hub.acks).toEqual([["edge-a", { epoch: "epoch-1", upto: 5 }]]);
  });

  test("sent again are stored once and acknowledged again", async () => {
    const rows = [
      ["a01.t", now, 21.5],
      ["bad", 1, 2, 3, 4],
    ];
    await hub.data("edge-a", 1, rows);
    await hub.data("edge-a", 1, rows);
    expect(hub.store.rows.size).toBe(1);
    expect(hub.acks).toHaveLength(2);
    expect(hub.quarantine.count()).toBe(1);
  });

  test("a skip counts as that many sequence numbers", async () => {
    await hub.data("edge-a", 1, [["a01.t", now, 1], { skip: 10 }, ["a01.t", now + 1, 2]]);
    expect(hub.acked("edge-a")).toBe(12);
    await hub.data("edge-a", 13, [["a01.t", now + 2, 3]]);
    expect(hub.acked("edge-a")).toBe(13);
    expect(hub.store.values("a01.t")).toEqual([1, 2, 3]);
  });

  test("after a gap are left for the node to send again from its lowest row", async () => {
    await hub.data("edge-a", 1, [["a01.t", now, 1]]);
    await hub.data("edge-a", 3, [["a01.t", now + 2, 3]]);
    expect(hub.acked("edge-a")).toBe(1);
    await hub.data(
      "edge-a",
      2,
      [
        ["a01.t", now + 1, 2],
        ["a01.t", now + 2, 3],
      ],
      { floor: 2 },
    );
    expect(hub.acked("edge-a")).toBe(3);
    expect(hub.store.values("a01.t")).toEqual([1, 2, 3]);
  });

  test("below the floor count as handled, so a restarted hub goes on where the spool begins", async () => {
    await hub.data("edge-a", 501, [["a01.t", now, 1]], { floor: 501 });
    expect(hub.acked("edge-a")).toBe(501);
  });

  test("a first message after the hub's restart that does not begin at the floor is not taken", async () => {
    await hub.data("edge-a", 701, [["a01.t", now, 1]], { floor: 501 });
    expect(hub.acks).toEqual([]);
    expect(hub.store.rows.size).toBe(0);
  });

  test("of a new spool begin anew", async () => {
    await hub.data("edge-a", 1, [
      ["a01.t", now, 1],
      ["a01.t", now + 1, 2],
    ]);
    await hub.data("edge-a", 1, [["a01.t", now + 2, 3]], { epoch: "epoch-2" });
    expect(hub.acks.at(-1)).toEqual(["edge-a", { epoch: "epoch-2", upto: 1 }]);
    await hub.data("edge-a", 3, [["a01.t", now + 9, 9]], { epoch: "epoch-2" });
    expect(hub.acked("edge-a")).toBe(1);
  });

  test("an acknowledgement never names a row beyond the message it answers: a restored spool loses nothing", async () => {
    const rows = Array.from({ length: 100 }, (_, i) => ["a01.t", now + i, i]);
    await hub.data("edge-a", 1, rows);
    expect(hub.acked("edge-a")).toBe(100);
    await hub.data("edge-a", 1, [["a01.t", now + 1_000, 1]]);
    expect(hub.acked("edge-a")).toBe(1);
    await hub.data("edge-a", 3, [["a01.t", now + 3_000, 3]]);
    expect(hub.acked("edge-a")).toBe(1);
  });

  test("of a spool whose floor has fallen begin anew at that floor", async () => {
    const rows = Array.from({ length: 51 }, (_, i) => ["a01.t", now + i, i]);
    await hub.data("edge-a", 50, rows, { floor: 50 });
    expect(hub.acked("edge-a")).toBe(100);
    hub.acks.length = 0;
    await hub.data("edge-a", 60, rows, { floor: 10 });
    expect(hub.acks).toEqual([]);
    await hub.data("edge-a", 10, rows, { floor: 10 });
    expect(hub.acked("edge-a")).toBe(60);
  });

  test("before a birth are neither stored nor acknowledged, and counted", async () => {
    await hub.data("edge-new", 1, [["n01.t", now, 1]]);
    expect(hub.acks).toEqual([]);
    hub.join("edge-new", ["n01.t"]);
    await hub.data("edge-new", 1, [["n01.t", now, 1]]);
    expect(hub.acked("edge-new")).toBe(1);
    expect(hub.ingest.totals()).toMatchObject({ stored: 1, refused: 1 });
  });

  test("of a point the node has stopped offering are still stored", async () => {
    hub.join("edge-a", ["a02.t"]);
    await hub.data("edge-a", 1, [["a01.t", now, 21]]);
    expect(hub.store.values("a01.t")).toEqual([21]);
  });
});

describe("rows that may not be stored", () => {
  test.each([
    ["point was never announced", ["a09.t", 0, 1]],
    ["point belongs to another node", ["b01.t", 0, 1]],
    ["time is more than 5 minutes in the future", ["a01.t", 300_001, 1]],
    ["time is more than 5 minutes in the future", ["a01.t", 3e12, 1]],
    ["time is before 2025: the clock was not set", ["a01.t", -1e12, 1]],
    ["time is not whole milliseconds since 1970", ["a01.t", 0.5, 1]],
    ["time is not whole milliseconds since 1970", ["a01.t", 1e18, 1]],
    ["value is not a finite number", ["a01.t", 0, "21"]],
    ["value is not a finite number", ["a01.t", 0, null]],
    ["reason is not a short lower-case word", ["a01.t", 0, null, 'x"\n']],
    ["a reading has 3 or 4 fields", ["a01.t", 0, 1, "frozen", 2]],
  ])(
    "%s: set aside, counted, and the rest stored and acknowledged",
    async (why, [point, at, ...rest]) => {
      const row = [point, now + (at as number), ...rest];
      await hub.data("edge-a", 1, [["a01.t", now, 20], row, ["a01.t", now + 2, 22]]);
      expect(hub.store.values("a01.t")).toEqual([20, 22]);
      expect(hub.quarantined()).toEqual([["edge-a", why, JSON.stringify(row)]]);
      expect(hub.acked("edge-a")).toBe(3);
      expect(hub.live.node("edge-a")?.quarantined).toBe(1);
      expect(hub.live.node("edge-b")?.quarantined).toBe(0);
    },
  );

  test.each(["x\nevil value=1", "a,b=c", 'a"', "a\\", "😀", "x".repeat(300), "__proto__", ""])(
    "a point named %j is set aside",
    async (name) => {
      await hub.data("edge-a", 1, [[name, now, 1]]);
      expect(hub.store.rows.size).toBe(0);
      expect(hub.acked("edge-a")).toBe(1);
      expect(hub.quarantine.count()).toBe(1);
    },
  );

  test.each<[string, unknown]>([
    ["a number", 7],
    ["null", null],
    ["a text", "row"],
    ["an empty object", {}],
    ["an empty array", []],
    ["a skip of 0", { skip: 0 }],
    ["an unknown event", { event: { type: "party" } }],
    ["an event of a far type", { event: { ...opened, door: "../../etc" } }],
  ])("%s is set aside and counts as one sequence number", async (_, row) => {
    await hub.data("edge-a", 1, [row, ["a01.t", now, 1]]);
    expect(hub.acked("edge-a")).toBe(2);
    expect(hub.quarantine.count()).toBe(1);
    expect(hub.store.values("a01.t")).toEqual([1]);
  });

  test("10,050 of them: the newest 10,000 are kept, all are counted, also after a restart", async () => {
    for (let batch = 0; batch < 11; batch += 1) {
      const rows = Array.from({ length: batch < 10 ? 1_000 : 50 }, (_, i) => [`x${i}`, now, 1]);
      await hub.data("edge-a", 1 + batch * 1_000, rows);
    }
    expect(hub.quarantine.count()).toBe(10_050);
    const kept = hub.quarantine.list({ limit: 20_000 });
    expect(kept).toHaveLength(10_000);
    expect(kept[0]).toMatchObject({ seq: 10_050 });
    expect(kept.at(-1)).toMatchObject({ seq: 51 });
    expect(hub.quarantine.countByNode("edge-a")).toBe(10_050);
  });
});

describe("events", () => {
  test("are recorded once with node, epoch and sequence, and then acknowledged", async () => {
    const event = { ...opened, at: now };
    hub.send("edge-a", "live", { at: now, rows: [["door-1.open", now - 1_000, 0]] });
    await hub.data("edge-a", 7, [["a01.t", now, 1], { event }], { floor: 7 });
    expect(hub.events).toEqual([
      { node: "edge-a", epoch: "epoch-1", seq: 8, receivedAt: now, event },
    ]);
    expect(hub.acked("edge-a")).toBe(8);
    expect(hub.live.door("door-1")).toMatchObject({ state: "open", since: now });
  });

  test("are recorded at once even while the history is away; the acknowledgement waits", async () => {
    hub.store.failure = () => new StoreError("retry", "away");
    await hub.data("edge-a", 1, [{ event: { ...opened, at: now } }, ["a01.t", now, 1]]);
    expect(hub.events).toHaveLength(1);
    expect(hub.acks).toEqual([]);
  });

  test("of another node's alarm are set aside; the others are recorded and passed on, also when sent again", async () => {
    const raised = { type: "alarm", rule: "hot", what: "raised", at: now, occurrence: 1 };
    const rest = { priority: 1, value: 40, clock: "synced" };
    const rows = ["b01.t", "a01.t", "a09.t"].map((subject) => ({
      event: { ...raised, ...rest, subject },
    }));
    await hub.data("edge-a", 1, rows);
    expect(hub.quarantined().map(([node, why]) => [node, why])).toEqual([
      ["edge-a", "alarm's point belongs to another node"],
    ]);
    expect(hub.events.map(({ seq }) => seq)).toEqual([2, 3]);
    await hub.data("edge-a", 1, rows);
    expect(hub.alarmEvents.map(({ subject }) => subject)).toEqual([
      "a01.t",
      "a09.t",
      "a01.t",
      "a09.t",
    ]);
  });

  test("of another node's door are set aside; of an unknown door they are recorded", async () => {
    await hub.data("edge-b", 1, [
      { event: { ...opened, at: now } },
      { event: { ...opened, at: now, door: "door-9" } },
    ]);
    expect(hub.events.map(({ seq }) => seq)).toEqual([2]);
    expect(hub.quarantined()[0]?.[1]).toBe("door belongs to another node");
    expect(hub.live.door("door-1")).toMatchObject({ state: "unknown" });
  });

  test("that cannot be recorded are not acknowledged, and said to be the store's trouble", async () => {
    hub.ledgerFailure = new Database.SqliteError("database or disk is full", "SQLITE_FULL");
    const rows = [["a01.t", now, 1], { event: { ...opened, at: now } }];
    await hub.data("edge-a", 1, rows);
    expect(hub.acks).toEqual([]);
    expect(hub.ingest.storeError()).toMatch(/disk is full/);
    hub.ledgerFailure = undefined;
    await hub.data("edge-a", 1, rows);
    expect(hub.acked("edge-a")).toBe(2);
    expect(hub.ingest.storeError()).toBeNull();
  });
});

describe("when the store fails", () => {
  test("rows wait and are tried again until it is back, with what is wrong and since when", async () => {
    hub.store.failure = () => new StoreError("retry", "no space left on device");
    await hub.data("edge-a", 1, [["a01.t", now, 21]]);
    await hub.settle(3_600_000);
    expect(hub.acks).toEqual([]);
    expect(hub.ingest.storeError()).toBe("no space left on device");
    expect(hub.ingest.storeLagMs()).toBeGreaterThan(3_600_000);
    expect(hub.store.writes.length).toBeLessThan(3_600 / 4);
    hub.store.failure = () => undefined;
    await hub.settle(5_000);
    expect(hub.acked("edge-a")).toBe(1);
    expect(hub.ingest.storeError()).toBeNull();
    expect(hub.ingest.storeLagMs()).toBe(0);
  });

  test("rows it refuses for ever are set aside, the others stored, all acknowledged", async () => {
    hub.store.failure = (rows) => {
      const poison = rows.flatMap(({ reading }, i) => (reading.point === "a02.t" ? [i] : []));
      return poison.length > 0
        ? new StoreError("poison", "field type conflict", poison)
        : undefined;
    };
    await hub.data("edge-a", 1, [
      ["a01.t", now, 1],
      ["a02.t", now, 2],
      ["a01.t", now + 1, 3],
    ]);
    expect(hub.store.values("a01.t")).toEqual([1, 3]);
    expect(hub.quarantined()).toEqual([
      ["edge-a", "field type conflict", JSON.stringify(["a02.t", now, 2])],
    ]);
    expect(hub.acked("edge-a")).toBe(3);
    expect(hub.live.node("edge-a")).toMatchObject({ stored: 2, quarantined: 1 });
  });

  test("live values go on, and a node's waiting rows are bounded: it sends the rest again later", async () => {
    hub.store.failure = () => new StoreError("retry", "away");
    const batch = (first: number) =>
      Array.from({ length: 1_000 }, (_, i) => ["a01.t", now - 100_000 + first + i, 1]);
    for (let first = 1; first < 100_000; first += 1_000)
      hub.send("edge-a", "data", { epoch: "epoch-1", floor: 1, first, rows: batch(first) });
    hub.send("edge-a", "live", { at: now, rows: [["a01.t", now, 33]] });
    expect(hub.live.point("a01.t")?.reading).toMatchObject({ value: 33 });
    await hub.settle(60_000);
    hub.store.failure = () => undefined;
    await hub.settle(60_000);
    const upto = hub.acked("edge-a") ?? 0;
    expect(upto).toBeGreaterThanOrEqual(8_000);
    expect(upto).toBeLessThanOrEqual(20_000);
    expect(hub.store.rows.size).toBe(upto);
    await hub.data("edge-a", upto + 1, batch(upto + 1), { floor: upto + 1 });
    expect(hub.acked("edge-a")).toBe(upto + 1_000);
  });

  test("a node with much waiting does not hold up one with little", async () => {
    hub.store.failure = () => new StoreError("retry", "away");
    for (let first = 1; first <= 8_000; first += 1_000) {
      const rows = Array.from({ length: 1_000 }, (_, i) => ["a01.t", now - 9_000 + first + i, 1]);
      hub.send("edge-a", "data", { epoch: "epoch-1", floor: 1, first, rows });
    }
    await hub.data("edge-b", 1, [["b01.t", now, 5]]);
    hub.store.failure = () => undefined;
    const order: string[] = [];
    const push = hub.acks.push.bind(hub.acks);
    hub.acks.push = (...acks) => {
      order.push(...acks.map(([node, { upto }]) => `${node} ${upto}`));
      return push(...acks);
    };
    await hub.settle(10_000);
    expect(order.indexOf("edge-b 1")).toBeLessThan(order.indexOf("edge-a 8000"));
  });

  test("stopping while it is away ends at once and acknowledges nothing", async () => {
    hub.store.failure = () => new StoreError("retry", "away");
    await hub.data("edge-a", 1, [["a01.t", now, 1]]);
    await hub.stop();
    expect(hub.acks).toEqual([]);
  });
});

describe("live values", () => {
  test("are shown with their age, and refused ones counted without troubling the others", async () => {
    hub.send("edge-a", "live", {
      at: now + 5_000,
      rows: [
        ["a01.t", now, 21.5],
        ["b01.t", now, 99],
        ["never", now, 1],
        ["a02.t", now + 300_001, 50],
        "nonsense",
        ["a02.t", now + 4_000, null, "no-answer"],
      ],
    });
    expect(hub.live.point("a01.t")).toMatchObject({
      reading: { value: 21.5 },
      receivedAt: now,
      ageOnArrivalMs: 5_000,
    });
    expect(hub.live.point("a02.t")?.reading).toMatchObject({ quality: "bad" });
    expect(hub.live.point("b01.t")?.reading).toBeNull();
    expect(hub.live.node("edge-a")?.refused).toBe(4);
    await hub.settle();
    expect(hub.store.rows.size).toBe(0);
    expect(hub.acks).toEqual([]);
  });
});
