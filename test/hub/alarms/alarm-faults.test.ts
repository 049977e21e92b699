import { afterEach, describe, expect, test } from "vitest";
import { HIGH, INLET, NO_READING, rule, SmallHubs, subjects } from "./small-hub.ts";

const ID = "inlet-high.a03.inlet-top";
const hubs = new SmallHubs();
const open = hubs.open;
afterEach(hubs.stop);

describe("restart", () => {
  test("a standing, acknowledged alarm stays so and is not told again; its end reaches those told before", async () => {
    const first = open();
    first.announce();
    await first.hold(30, 62);
    first.alarms.command(ID, { do: "acknowledge", by: "kn" });
    const hub = await hubs.reopen(first, [{ ...HIGH, receivers: ["desk"] }]);
    expect(hub.alarms.views()).toMatchObject([
      { id: ID, state: "acknowledged", ack: { by: "kn" }, title: "A03 inlet top no reading" },
    ]);
    hub.connect(true);
    await hub.hold(30, 120);
    expect(hub.sent).toEqual([]);
    await hub.hold(25, 62);
    expect(hub.sent.map(({ key }) => key.replace(/\d{13}/, "<time>"))).toEqual([
      `${ID}/1/cleared/<time>/duty`,
    ]);
    expect(hub.records()).toEqual([
      `raised ${ID}`,
      `acknowledged ${ID}`,
      `cleared ${ID}`,
      `ended ${ID}`,
    ]);
    await hub.hold(30, 62);
    expect(hub.view().occurrence).toBe(2);
  });

  test("a delay that was running begins anew: what happened meanwhile is not known", async () => {
    const first = open();
    first.announce();
    await first.hold(30, 50);
    const hub = await hubs.reopen(first);
    await hub.clock.advance(3_600_000);
    hub.connect(true);
    await hub.hold(30, 58);
    expect(hub.heard).toEqual([]);
    await hub.hold(30, 4);
    expect(hub.heard).toEqual([`${ID} active`]);
  });

  test("an alarm whose point is not known yet is kept and shown", async () => {
    const first = open();
    first.announce();
    await first.hold(30, 62);
    await first.stop();
    first.db.exec("DELETE FROM known_node");
    const hub = await hubs.reopen(first);
    await hub.clock.advance(5_000);
    expect(hub.alarms.views()).toMatchObject([{ id: ID, state: "active", place: "A03" }]);
    hub.announce();
    await hub.hold(25, 62);
    expect(hub.view().state).toBe("returned");
  });

  test("an alarm whose rule is gone ends, on record, and those told of it hear why", async () => {
    const first = open();
    first.announce();
    await first.hold(30, 62);
    const hub = await hubs.reopen(first, [NO_READING]);
    await hub.clock.advance(1);
    expect(hub.alarms.views()).toEqual([]);
    expect(hub.records()).toEqual([`raised ${ID}`, `withdrawn ${ID}`]);
    expect(subjects(hub)).toEqual([
      "NO LONGER WATCHED: P2 A03 inlet top 30.0 °C (limit 27) — Hall A",
    ]);
    expect(hub.sent[0]?.text).toContain("Why:         its rule was removed");
    const back = await hubs.reopen(hub, [HIGH]);
    back.connect(true);
    await back.hold(30, 62);
    expect(back.view()).toMatchObject({ state: "active", occurrence: 2 });
  });
});

describe("limits", () => {
  test("a change of one point looks at that point's rules only, not at 1,000 others", async () => {
    const hub = open([HIGH, NO_READING]);
    hub.announce(Array.from({ length: 1_000 }, (_, n) => ({ ...INLET, id: `r${n}.inlet-top` })));
    await hub.clock.advance(1_000);
    let looks = 0;
    const { isStale } = hub.live;
    hub.live.isStale = (point, now) => {
      looks += 1;
      return isStale.call(hub.live, point, now);
    };
    hub.read(30, "r7.inlet-top");
    expect(looks).toBeLessThanOrEqual(2);
  });

  test("a rule and a point that are too long together are refused, counted, and the rest is watched", async () => {
    const hub = open();
    const long = `${"x".repeat(50)}.inlet-top`;
    hub.announce([INLET, { ...INLET, id: long }]);
    hub.read(30, long);
    await hub.hold(30, 62);
    expect(hub.alarms.refused()).toBe(1);
    expect(hub.heard).toEqual([`${ID} active`]);
  });

  test("while the disk is full the wall is still told; record and message follow when there is room", async () => {
    const hub = open([{ ...HIGH, onDelayMs: 20_000 }]);
    const points = Array.from({ length: 60 }, (_, n) => `r${n}.inlet-top`);
    hub.announce(points.map((id) => ({ ...INLET, id })));
    hub.db.pragma(`max_page_count = ${hub.db.pragma("page_count", { simple: true })}`);
    for (const point of points) hub.read(30, point);
    await hub.clock.advance(22_000);
    expect(hub.heard).toHaveLength(60);
    expect(hub.alarms.views()).toHaveLength(60);
    expect(hub.alarms.saveError()).toBe("database or disk is full");
    expect(hub.records()).toEqual([]);
    expect(hub.sent).toEqual([]);
    hub.db.pragma("max_page_count = 1000000");
    await hub.clock.advance(2_000);
    expect(hub.alarms.saveError()).toBeNull();
    expect(hub.records()).toHaveLength(60);
    expect(hub.sent).toHaveLength(60);
    expect(hub.heard).toHaveLength(60);
    expect(hub.ledger.verify()).toMatchObject({ ok: true, count: 60 });
  });

  test("words of a standing alarm follow its value, heard at most once a second", async () => {
    const hub = open([rule({ id: "hot", condition: { kind: "limit", above: 27, deadband: 0 } })]);
    hub.announce();
    for (const value of [30, 30.01, 30.2, 30.4]) {
      hub.read(value);
      await hub.clock.advance(10);
    }
    expect(hub.views.map((view) => view.title)).toEqual(["A03 inlet top 30.0 °C"]);
    await hub.clock.advance(1_000);
    expect(hub.views.map((view) => view.title).slice(1)).toEqual(["A03 inlet top 30.4 °C"]);
    await hub.hold(30.4, 10);
    expect(hub.views).toHaveLength(2);
    expect(hub.records()).toHaveLength(1);
  });
});

describe("the hub's clock is set", () => {
  test.each([
    ["an hour ahead", 3_600_000],
    ["an hour back", -3_600_000],
  ])("%s: a delay of 60 s keeps its length", async (_name, stepMs) => {
    const hub = open();
    hub.announce();
    await hub.hold(30, 30);
    hub.clock.stepWall(stepMs);
    await hub.hold(30, 28);
    expect(hub.heard).toEqual([]);
    await hub.hold(30, 4);
    expect(hub.heard).toEqual([`${ID} active`]);
  });
});
