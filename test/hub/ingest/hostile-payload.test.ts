import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NODE_LANES } from "../../../contract/topic.ts";
import { birthOf } from "../live/births.ts";
import { TestHub } from "./test-hub.ts";

let hub: TestHub;
let now: number;

beforeEach(() => {
  hub = new TestHub();
  now = hub.clock.nowMs();
  hub.join("edge-a", ["a01.t"]);
  hub.join("edge-b", ["b01.t"]);
});
afterEach(() => hub.stop());

/** Another node's rows still come through, and objects are as they were. */
async function expectOthersServed() {
  await hub.data("edge-b", 1, [["b01.t", now, 5]]);
  expect(hub.acked("edge-b")).toBe(1);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}

const frame = (rows: string, rest = "") =>
  `{"epoch":"epoch-1","floor":1,"first":1,"rows":${rows}${rest}}`;

test.each([
  ["nothing", ""],
  ["no JSON", "hello"],
  ["truncated JSON", frame('[["a01.t",1').slice(0, -1)],
  ["a number", "7"],
  ["null", "null"],
  ["an array", "[]"],
  ["NaN", '{"epoch":NaN}'],
  ["no epoch", '{"floor":1,"first":1,"rows":[1]}'],
  ["no rows", '{"epoch":"epoch-1","floor":1,"first":1}'],
  ["empty rows", frame("[]")],
  ["rows that are a text", frame('"rows"')],
  ["a first that is a text", '{"epoch":"e","floor":1,"first":"1","rows":[1]}'],
  ["a negative floor", '{"epoch":"e","floor":-1,"first":1,"rows":[1]}'],
  ["a first beyond counting", '{"epoch":"e","floor":1,"first":1e300,"rows":[1]}'],
  ["an epoch of 65 characters", `{"epoch":"${"e".repeat(65)}","floor":1,"first":1,"rows":[1]}`],
  ["200,000 nested arrays that never end", "[".repeat(200_000)],
  ["100,000 nested arrays", "[".repeat(100_000) + "]".repeat(100_000)],
  ["its prototype as a frame", '{"__proto__":{"epoch":"e","floor":1,"first":1,"rows":[1]}}'],
])("%s on every lane is refused and counted, and changes nothing", async (_, text) => {
  for (const lane of NODE_LANES) hub.sendText("edge-a", lane, text);
  await hub.settle();
  expect(hub.acked("edge-a")).toBeUndefined();
  expect(hub.live.node("edge-a")).toMatchObject({ online: true, refused: 4, quarantined: 0 });
  await expectOthersServed();
});

test.each([
  ["a row of 100,000 nested arrays", frame(`[${"[".repeat(100_000)}${"]".repeat(100_000)}]`)],
  ["a row with __proto__", frame('[{"__proto__":{"polluted":1,"skip":5}}]')],
  ["a row with constructor", frame('[{"constructor":{"prototype":{"polluted":1}}}]')],
  ["a frame with __proto__ beside", frame("[7]", ',"__proto__":{"polluted":1}')],
  ["a row of 200 KB", frame(`["${"x".repeat(200_000)}"]`)],
])("%s is set aside in short and acknowledged, so it is not sent for ever", async (_, text) => {
  hub.sendText("edge-a", "data", text);
  await hub.settle();
  expect(hub.acked("edge-a")).toBe(1);
  expect(hub.quarantine.list({ limit: 10 })).toHaveLength(1);
  expect(hub.quarantine.list({ limit: 1 })[0]?.row.length).toBeLessThanOrEqual(2_000);
  await expectOthersServed();
});

test("a message of 1,001 rows is counted, but its rows are kept and acknowledged", async () => {
  const rows = Array.from({ length: 1_001 }, (_, i) => ["a01.t", now + i, i]);
  await hub.data("edge-a", 1, rows);
  expect(hub.acked("edge-a")).toBe(1_001);
  expect(hub.store.rows.size).toBe(1_001);
  expect(hub.live.node("edge-a")?.refused).toBe(1);
});

test("a skip beyond counting is refused", async () => {
  await hub.data("edge-a", 1, [{ skip: Number.MAX_SAFE_INTEGER }, { skip: 10 }]);
  expect(hub.acked("edge-a")).toBeUndefined();
  expect(hub.live.node("edge-a")?.refused).toBe(1);
});

test("a birth in another node's name is refused", () => {
  hub.send("edge-a", "birth", birthOf("edge-b", []));
  expect(hub.live.point("b01.t")?.node).toBe("edge-b");
  expect(hub.live.node("edge-a")?.refused).toBe(1);
});

test("a birth with points of another node keeps its own, and the others are counted", () => {
  hub.send("edge-a", "birth", birthOf("edge-a", ["a01.t", "b01.t", "a03.t"]));
  expect(hub.live.point("b01.t")?.node).toBe("edge-b");
  expect(hub.live.point("a03.t")?.node).toBe("edge-a");
  expect(hub.live.node("edge-a")?.refused).toBe(1);
});

test.each([
  [
    "5,001 points",
    birthOf(
      "edge-a",
      Array.from({ length: 5_001 }, (_, i) => `p${i}`),
    ),
  ],
  ["version 2", { ...birthOf("edge-a", []), v: 2 }],
  ["a point that is no id", birthOf("edge-a", ["../x"])],
  ["a period of 0", { ...birthOf("edge-a", []), points: [{ id: "x", periodMs: 0 }] }],
])("a birth with %s is refused whole, and the known points stay", (_, birth) => {
  hub.send("edge-a", "birth", birth);
  expect(hub.live.point("a01.t")?.node).toBe("edge-a");
  expect(hub.live.node("edge-a")?.refused).toBe(1);
});

test("whatever JSON comes on whatever lane, nothing throws and the other node is served", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...NODE_LANES), fc.json(), async (lane, text) => {
      hub.sendText("edge-a", lane, text);
    }),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }), async (rows) => {
      hub.send("edge-a", "data", { epoch: "epoch-x", floor: 1, first: 1, rows });
      hub.send("edge-a", "live", { at: 1, rows });
    }),
    { numRuns: 300 },
  );
  await hub.settle(2_000);
  await expectOthersServed();
});

test("whatever bytes come, nothing throws", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...NODE_LANES),
      fc.uint8Array({ maxLength: 200 }),
      (lane, bytes) => {
        hub.ingest.onMessage("edge-a", lane, bytes);
        hub.ingest.onMessage("nobody", lane, bytes);
      },
    ),
  );
});
