import { afterEach, beforeEach, expect, test } from "vitest";
import { TestHub } from "./test-hub.ts";

let hub: TestHub;
beforeEach(() => {
  hub = new TestHub();
  hub.join("edge-a", ["a01.t"]);
});
afterEach(() => hub.stop());

/** Rows of one point, 1 s apart, the last of them now. */
const rows = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => [
    "a01.t",
    hub.clock.nowMs() + (first + i - 6_000) * 1_000,
    20,
  ]);
const send = (first: number, count: number) =>
  hub.send("edge-a", "data", {
    ...{ epoch: "epoch-1", floor: 1, first },
    rows: rows(first, count),
  });

test("a few rows wait 50 ms for others, and then share one write with them", async () => {
  send(1, 10);
  await hub.settle(49);
  expect(hub.store.writes).toEqual([]);
  send(11, 10);
  await hub.settle(1);
  expect(hub.store.writes).toEqual([20]);
  expect(hub.acked("edge-a")).toBe(20);
});

test("5,000 rows are written at once, also when they come in while others are waited for", async () => {
  send(1, 1_000);
  await hub.settle(0);
  expect(hub.store.writes).toEqual([]);
  for (let first = 1_001; first < 5_000; first += 1_000) send(first, 1_000);
  await hub.settle(0);
  expect(hub.store.writes).toEqual([5_000]);
});

test("a store that says it takes 20,000 rows at once gets 6,000 in one write", async () => {
  await hub.stop();
  hub = new TestHub({ rowsAtOnce: 20_000 });
  hub.join("edge-a", ["a01.t"]);
  for (let first = 1; first < 6_000; first += 1_000) send(first, 1_000);
  await hub.settle(0);
  expect(hub.store.writes).toEqual([6_000]);
  expect(hub.acked("edge-a")).toBe(6_000);
});
