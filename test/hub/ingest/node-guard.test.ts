import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ROWS_AT_ONCE } from "../../../hub/ingest/node-limits.ts";
import { NAMES_AT_ONCE } from "../../../hub/live/name-budget.ts";
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

const rowsOf = (point: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => [point, now + from + i, 1]);

describe("a node that sends too much", () => {
  /** Sends without a pause what one may send in two seconds and more. */
  function flood(messages: number, first = 1): void {
    for (let i = 0; i < messages; i += 1)
      hub.send("edge-a", "live", { at: now, rows: rowsOf("a01.t", 1_000, first + i) });
  }

  test("is held back after 40,000 rows at once, and heard again as time passes; the other is served at once", async () => {
    flood(ROWS_AT_ONCE / 1_000 + 5);
    expect(hub.live.node("edge-a")).toMatchObject({ heldBack: 5 });
    expect(hub.ingest.isLoud("edge-a")).toBe(true);
    await hub.data("edge-b", 1, rowsOf("b01.t", 3));
    expect(hub.acked("edge-b")).toBe(3);
    await hub.data("edge-a", 1, rowsOf("a01.t", 2));
    expect(hub.acked("edge-a")).toBe(2);
    await hub.settle(60_000);
    expect(hub.ingest.isLoud("edge-a")).toBe(false);
  });

  /** Sends as many rows of its spool as it may at once. */
  const drain = () =>
    hub.send("edge-a", "data", {
      epoch: "epoch-1",
      floor: 1,
      first: 1,
      rows: rowsOf("a01.t", ROWS_AT_ONCE, -ROWS_AT_ONCE),
    });
  const next = { epoch: "epoch-1", floor: 1, first: ROWS_AT_ONCE + 1 };

  test("gets no acknowledgement for what was not taken, and all of it is stored when it is sent again", async () => {
    drain();
    hub.send("edge-a", "data", { ...next, rows: rowsOf("a01.t", 9) });
    expect(hub.ingest.totals()).toMatchObject({ dropped: 1 });
    await hub.settle(2_000);
    expect(hub.acked("edge-a")).toBe(ROWS_AT_ONCE);
    hub.send("edge-a", "data", { ...next, rows: rowsOf("a01.t", 9) });
    await hub.settle(2_000);
    expect(hub.acked("edge-a")).toBe(ROWS_AT_ONCE + 9);
  });

  test("from its spool is still seen live", () => {
    drain();
    hub.send("edge-a", "data", { ...next, rows: rowsOf("a01.t", 9) });
    expect(hub.ingest.isLoud("edge-a")).toBe(true);
    hub.send("edge-a", "live", { at: now, rows: [["a01.t", now, 31]] });
    expect(hub.live.point("a01.t")?.reading).toMatchObject({ value: 31 });
  });

  test("is held back by bytes, too: after 8 MB at once", () => {
    const text = JSON.stringify({ at: now, rows: [], padding: "x".repeat(250_000) });
    for (let i = 0; i < 40; i += 1) hub.sendText("edge-a", "live", text);
    expect(hub.live.node("edge-a")?.heldBack).toBeGreaterThan(5);
    expect(hub.live.node("edge-b")?.heldBack).toBe(0);
  });
});

describe("a node that offers too much", () => {
  const names = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `n${from + i}.t`);

  test("10,000 new names: 5,000 are taken, the rest refused, the node is over its quota, the other is not", () => {
    for (let from = 0; from < 10_000; from += 2_000)
      hub.send("edge-a", "birth", birthOf("edge-a", names(from, 2_000)));
    // a01.t from the beginning is one of the 5,000.
    expect(hub.live.point("n3999.t")).toBeUndefined();
    expect(hub.live.node("edge-a")).toMatchObject({ overQuota: true });
    expect(hub.live.node("edge-a")?.refused).toBe(10_001 - NAMES_AT_ONCE);
    hub.send("edge-b", "birth", birthOf("edge-b", ["b01.t", "b02.t"]));
    expect(hub.live.point("b02.t")?.node).toBe("edge-b");
    expect(hub.live.node("edge-b")).toMatchObject({ overQuota: false, refused: 0 });
  });

  test("names it had before are no new ones, and a day later there is room for others", async () => {
    for (const from of [0, 2_500, 5_000])
      hub.send("edge-a", "birth", birthOf("edge-a", names(from, 2_500)));
    expect(hub.live.node("edge-a")?.overQuota).toBe(true);
    hub.send("edge-a", "birth", birthOf("edge-a", names(0, 2_000)));
    expect(hub.live.node("edge-a")?.overQuota).toBe(false);
    await hub.settle(86_400_000);
    hub.send("edge-a", "birth", birthOf("edge-a", names(8_000, 2_500)));
    expect(hub.live.node("edge-a")?.overQuota).toBe(false);
  });

  test("more than 5,000 points in one birth: refused whole and over its quota", () => {
    hub.send("edge-a", "birth", birthOf("edge-a", names(0, 5_001)));
    expect(hub.live.node("edge-a")).toMatchObject({ overQuota: true });
    expect(hub.live.point("a01.t")?.node).toBe("edge-a");
  });

  test("nobody but the hub has points or doors whose name begins with hub.", () => {
    hub.send("edge-a", "birth", birthOf("edge-a", ["hub.store-lag", "hub-probe.beat"], ["hub.d"]));
    expect(hub.live.point("hub.store-lag")).toBeUndefined();
    expect(hub.live.point("hub-probe.beat")).toBeUndefined();
    expect(hub.live.door("hub.d")).toBeUndefined();
  });
});

describe("stamps", () => {
  test.each([
    ["0", 0],
    ["in seconds instead of milliseconds", Math.floor(Date.UTC(2026, 0, 1) / 1_000)],
    ["in 2024", Date.UTC(2024, 11, 31)],
    ["91 days ago", Date.UTC(2026, 0, 1) - 91 * 86_400_000],
    ["tomorrow", Date.UTC(2026, 0, 2)],
    ["in the year 2100", Date.UTC(2100, 0, 1)],
  ])("%s: in quarantine, and acknowledged", async (_, at) => {
    hub.send("edge-b", "live", { at: now, rows: [] });
    await hub.data("edge-a", 1, [["a01.t", at, 99]]);
    expect(hub.quarantined()).toHaveLength(1);
    expect(hub.store.rows.size).toBe(0);
    expect(hub.acked("edge-a")).toBe(1);
  });

  test("all nodes 100 days behind the hub: its clock is wrong, rows are held and not set aside", async () => {
    const then = now - 100 * 86_400_000;
    for (const node of ["edge-a", "edge-b"]) hub.send(node, "live", { at: then, rows: [] });
    await hub.data("edge-a", 1, [["a01.t", then, 20]]);
    expect(hub.quarantine.count()).toBe(0);
    expect(hub.acks).toEqual([]);
    hub.clock.stepWall(-100 * 86_400_000);
    await hub.data("edge-a", 1, [["a01.t", then, 20]]);
    expect(hub.acked("edge-a")).toBe(1);
  });

  test("a live value of a node that does not know the time is shown in doubt, so no limit judges it", () => {
    hub.send("edge-a", "live", { at: 5_000, rows: [["a01.t", 4_000, 99]] });
    expect(hub.live.point("a01.t")?.reading).toMatchObject({
      ...{ quality: "uncertain", value: 99, reason: "clock" },
    });
  });

  test("how far a node's clock is ahead is known from its newest message", () => {
    hub.send("edge-a", "live", { at: now + 7_000, rows: [] });
    expect(hub.live.node("edge-a")?.skewMs).toBe(7_000);
    hub.send("edge-a", "status", { v: 1, state: "online", session: 2, at: now - 300 });
    expect(hub.live.node("edge-a")?.skewMs).toBe(-300);
  });
});
