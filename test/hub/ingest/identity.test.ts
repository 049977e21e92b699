import { afterEach, beforeEach, expect, test } from "vitest";
import { birthOf } from "../live/births.ts";
import { TestHub } from "./test-hub.ts";

let hub: TestHub;
let now: number;
beforeEach(() => {
  hub = new TestHub();
  now = hub.clock.nowMs();
  born("boot-1");
});
afterEach(() => hub.stop());

/** A machine connects as edge-a. */
function born(bootId: string, epoch = "epoch-1"): void {
  hub.send("edge-a", "birth", { ...birthOf("edge-a", ["a01.t"]), bootId, epoch });
  online();
}
function online(alarms?: object[]): void {
  const status = { v: 1, state: "online", session: 1, at: hub.clock.nowMs(), alarms };
  hub.send("edge-a", "status", status);
}
const conflict = () => hub.live.node("edge-a")?.inConflict;
const records = () => hub.ledger.read({ type: "node", limit: 9, order: "oldest" }).items;
const send = (seq: number, value: number, epoch = "epoch-1") =>
  hub.data("edge-a", seq, [["a01.t", now + seq, value]], { epoch });

test("Two copies of one SD card that take turns: noticed at the first return, and nothing of either is taken", async () => {
  await send(1, 20);
  born("boot-2");
  await send(2, 77);
  await hub.settle(3_000);
  born("boot-1");
  expect(conflict()).toBe(true);
  expect(hub.ingest.isLoud("edge-a")).toBe(false);
  await send(2, 21);
  hub.send("edge-a", "live", { at: now, rows: [["a01.t", now + 5, 21]] });
  // The second machine took over while the first was there, so its row was never mixed in.
  expect(hub.store.values("a01.t")).toEqual([20]);
  expect(hub.live.point("a01.t")?.reading).toBeNull();
  expect(hub.acked("edge-a")).toBe(1);
  expect(records()).toMatchObject([
    {
      type: "node.identity-conflict",
      node: "edge-a",
      detail: { machines: [{ bootId: "boot-1" }, { bootId: "boot-2" }] },
    },
  ]);
});

test("When one machine stays for 2 min it is heard again with its own points, and the ledger says so", async () => {
  born("boot-2");
  born("boot-1");
  hub.send("edge-a", "birth", { ...birthOf("edge-a", ["a02.t"]), bootId: "boot-1" });
  await hub.settle(110_000);
  expect(conflict()).toBe(true);
  await hub.settle(20_000);
  expect(conflict()).toBe(false);
  expect(hub.live.point("a02.t")?.node).toBe("edge-a");
  await send(1, 20);
  expect(hub.acked("edge-a")).toBe(1);
  expect(records().at(-1)).toMatchObject({
    type: "node.identity-settled",
    detail: { machine: { bootId: "boot-1" } },
  });
});

test("While neither is connected, or as long as they go on taking turns, the conflict stands", async () => {
  born("boot-2");
  born("boot-1");
  hub.live.gone("edge-a");
  await hub.settle(600_000);
  expect(conflict()).toBe(true);
  for (let turn = 0; turn < 10; turn += 1) {
    born(`boot-${(turn % 2) + 1}`);
    await hub.settle(50_000);
  }
  expect(conflict()).toBe(true);
});

test("A machine that restarts again and again is one machine", async () => {
  for (let boot = 2; boot < 12; boot += 1) {
    hub.live.gone("edge-a");
    born(`boot-${boot}`);
    await hub.settle(2_000);
  }
  expect(conflict()).toBe(false);
  await send(1, 20);
  expect(hub.acked("edge-a")).toBe(1);
});

test("A restart while the old connection still stands waits 10 s for its rows; after a clean end it does not", async () => {
  born("boot-2");
  await send(1, 20);
  expect(hub.acks).toEqual([]);
  await hub.settle(10_000);
  await send(1, 20);
  expect(hub.acked("edge-a")).toBe(1);
  hub.live.gone("edge-a");
  born("boot-3");
  await send(2, 21);
  expect(hub.acked("edge-a")).toBe(2);
});

test("An old spool that is drained first is no conflict; two spools that take turns twice in a minute are", async () => {
  born("boot-1", "old");
  born("boot-1", "epoch-1");
  expect(conflict()).toBe(false);
  born("boot-1", "old");
  expect(conflict()).toBe(true);
});

test("Alarms that stand on a machine in conflict are not taken from its status", () => {
  born("boot-2");
  born("boot-1");
  const standing = { rule: "hot", subject: "a01.t", occurrence: 1, priority: 1, raisedAt: 1 };
  online([{ ...standing, acknowledged: false }]);
  expect(hub.live.node("edge-a")).toMatchObject({ online: true });
  expect(hub.live.node("edge-a")?.status?.alarms).toBeUndefined();
});
