import { afterEach, beforeEach, describe, expect, test } from "vitest";
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

describe("when the hub's clock is wrong", () => {
  const live = (node: string, aheadMs: number) =>
    hub.send(node, "live", { at: hub.clock.nowMs() + aheadMs, rows: [] });
  const TEN_MINUTES = 600_000;

  test("ten minutes behind all nodes: rows are held, not set aside, until it is right again", async () => {
    live("edge-a", TEN_MINUTES);
    live("edge-b", TEN_MINUTES);
    const rows = [
      ["a01.t", now + TEN_MINUTES, 21],
      { event: { ...opened, at: now + TEN_MINUTES } },
    ];
    await hub.data("edge-a", 1, rows);
    expect(hub.acks).toEqual([]);
    expect(hub.quarantine.count()).toBe(0);
    expect(hub.events).toEqual([]);
    expect(hub.ingest.clockDiffers()).toBe(true);
    hub.clock.stepWall(TEN_MINUTES);
    expect(hub.ingest.clockDiffers()).toBe(false);
    await hub.data("edge-a", 1, rows);
    expect(hub.acked("edge-a")).toBe(2);
    expect(hub.store.values("a01.t")).toEqual([21]);
    expect(hub.events).toHaveLength(1);
  });

  test("live values are still shown meanwhile; one beyond its node's own time is not", () => {
    live("edge-b", TEN_MINUTES);
    const at = now + TEN_MINUTES;
    hub.send("edge-a", "live", {
      at,
      rows: [
        ["a01.t", at - 1_000, 21],
        ["a02.t", at + 300_001, 22],
      ],
    });
    expect(hub.live.point("a01.t")).toMatchObject({
      reading: { value: 21 },
      ageOnArrivalMs: 1_000,
    });
    expect(hub.live.point("a02.t")?.reading).toBeNull();
  });

  test("one node ahead while another agrees with the hub: the node is wrong, its rows are set aside", async () => {
    live("edge-a", TEN_MINUTES);
    live("edge-b", 0);
    await hub.data("edge-a", 1, [["a01.t", now + TEN_MINUTES, 21]]);
    expect(hub.acked("edge-a")).toBe(1);
    expect(hub.quarantine.count()).toBe(1);
    expect(hub.ingest.clockDiffers()).toBe(false);
  });

  test.each([
    ["a minute ahead", 60_001, true],
    ["a minute behind", -60_001, true],
    ["less than a minute ahead", 59_999, false],
  ])("all nodes %s: %s ms differ is %s", (_, aheadMs, differs) => {
    live("edge-a", aheadMs);
    live("edge-b", aheadMs * 2);
    expect(hub.ingest.clockDiffers()).toBe(differs);
  });

  test("nodes to both sides say nothing about the hub; neither does one that is offline or silent for 5 min", async () => {
    live("edge-a", TEN_MINUTES);
    live("edge-b", -TEN_MINUTES);
    expect(hub.ingest.clockDiffers()).toBe(false);
    hub.live.gone("edge-b");
    expect(hub.ingest.clockDiffers()).toBe(true);
    await hub.settle(300_001);
    expect(hub.ingest.clockDiffers()).toBe(false);
  });
});
