import { expect, test } from "vitest";
import type { Reading } from "../../contract/reading.ts";
import { checkSite } from "../../hub/config/site-check.ts";
import { openKnownNodes } from "../../hub/live/known-nodes.ts";
import { LiveState } from "../../hub/live/live-state.ts";
import { OwnPoints } from "../../hub/own-points.ts";
import { withOwnRules } from "../../hub/own-rules.ts";
import type { ProbeState } from "../../hub/probe/probe.ts";
import {
  CLOCK_DIFFERS_POINT,
  HISTORY_FAILING_POINT,
  HUB_NODE,
  runSelfWatch,
} from "../../hub/self-watch.ts";
import { openHubDb } from "../../hub/state/hub-db.ts";
import { FakeClock } from "../fake-clock.ts";
import { silent } from "./http/stand-in.ts";
import { birthOf } from "./live/births.ts";

function watching() {
  const clock = new FakeClock();
  const known = openKnownNodes(openHubDb(":memory:"), silent);
  const live = new LiveState({ clock, log: silent, known });
  const totals = { stored: 0, refused: 0, quarantined: 0, dropped: 0 };
  const trouble = {
    ...{ error: null as string | null, lagMs: 0, clock: false, waiting: 0, loud: false },
    ...{ probe: { kind: "good", at: 0, tookMs: 1 } as ProbeState, full: false },
  };
  const own = new OwnPoints({
    ingest: {
      storeError: () => trouble.error,
      storeLagMs: () => trouble.lagMs,
      clockDiffers: () => trouble.clock,
      waiting: () => trouble.waiting,
      totals: () => totals,
      isLoud: () => trouble.loud,
    },
    ...{ live, clock, folder: "." },
    quarantine: { held: () => 7 },
    probe: { state: () => trouble.probe },
    heartbeat: { overdue: () => 0 },
    refusedElsewhere: () => 0,
  });
  const kept: Reading[] = [];
  const gaps: { from: number; to: number; count: number }[] = [];
  const stop = new AbortController();
  const running = runSelfWatch(
    {
      ...{ live, clock, bootId: "b", gauges: own.gauges },
      keep: (readings) => {
        if (!trouble.full) kept.push(...readings);
        return !trouble.full;
      },
      onGap: (gap) => gaps.push(gap),
    },
    stop.signal,
  ).finally(() => own.close());
  const value = (id: string) => {
    const reading = live.point(id)?.reading;
    return reading && "value" in reading ? reading.value : reading?.quality;
  };
  return { clock, live, trouble, totals, kept, gaps, stop, running, value };
}

test("The hub's history point is 0 while all is well and stays fresh", async () => {
  const { clock, live, value } = watching();
  await clock.advance(60_000);
  expect(live.node(HUB_NODE)?.online).toBe(true);
  expect(value(HISTORY_FAILING_POINT)).toBe(0);
  expect(live.isStale(live.point(HISTORY_FAILING_POINT)!, clock.nowMs())).toBe(false);
});

test.each([
  ["the store refuses", { error: "disk full", lagMs: 0 }],
  ["a write hangs for 31 s", { error: null, lagMs: 31_000 }],
])("It turns 1 within 5 s when %s, and back", async (_, wrong) => {
  const { clock, trouble, value } = watching();
  await clock.advance(1_000);
  Object.assign(trouble, wrong);
  await clock.advance(5_000);
  expect(value(HISTORY_FAILING_POINT)).toBe(1);
  Object.assign(trouble, { error: null, lagMs: 0 });
  await clock.advance(5_000);
  expect(value(HISTORY_FAILING_POINT)).toBe(0);
});

test("It goes on when the clock is set back by an hour", async () => {
  const { clock, trouble, value } = watching();
  await clock.advance(1_000);
  clock.stepWall(-3_600_000);
  trouble.error = "disk full";
  await clock.advance(5_000);
  expect(value(HISTORY_FAILING_POINT)).toBe(1);
});

test("When the watch itself stops, its point turns stale", async () => {
  const { clock, live, stop, running } = watching();
  await clock.advance(1_000);
  stop.abort();
  await running;
  await clock.advance(31_000);
  expect(live.isStale(live.point(HISTORY_FAILING_POINT)!, clock.nowMs())).toBe(true);
});

test("Lag, queue, disk, memory and delay are points with a unit, and go into the history every 5 s", async () => {
  const { clock, live, trouble, kept, value } = watching();
  Object.assign(trouble, { lagMs: 2_500, waiting: 40 });
  await clock.advance(11_000);
  expect(value("hub.store-lag")).toBe(2.5);
  expect(value("hub.queue")).toBe(40);
  expect(value("hub.quarantine")).toBe(7);
  expect(value("hub.store-disk-free")).toBeGreaterThan(0);
  expect(value("hub.memory")).toBeGreaterThan(10);
  expect(value("hub.loop-lag")).toBeGreaterThanOrEqual(0);
  expect(live.point("hub.store-lag")?.info).toMatchObject({
    ...{ quantity: "duration", label: "Oldest reading not stored yet", periodMs: 5_000 },
  });
  expect(kept.filter(({ point }) => point === "hub.queue")).toHaveLength(3);
});

test("Dropped, quarantined and refused are counted over the last 10 min and then forgotten", async () => {
  const { clock, totals, value } = watching();
  await clock.advance(1_000);
  Object.assign(totals, { dropped: 5, quarantined: 2, refused: 9 });
  await clock.advance(5_000);
  const counts = () => ["hub.dropped", "hub.quarantined", "hub.refused"].map(value);
  expect(counts()).toEqual([5, 2, 9]);
  await clock.advance(590_000);
  expect(counts()).toEqual([5, 2, 9]);
  await clock.advance(30_000);
  expect(counts()).toEqual([0, 0, 0]);
});

test("A node's clock error is a point of its own while the node is online", async () => {
  const { clock, live, value } = watching();
  live.announce(birthOf("edge-a", ["a01.t"]));
  live.status("edge-a", { v: 1, state: "online", session: 1, at: 0 });
  live.node("edge-a")!.skewMs = -7_500;
  await clock.advance(5_000);
  expect(value("hub.skew.edge-a")).toBe(7.5);
  live.gone("edge-a");
  await clock.advance(5_000);
  expect(live.point("hub.skew.edge-a")).toBeUndefined();
  expect(live.point(HISTORY_FAILING_POINT)).toBeDefined();
});

test("A node that is loud, over its quota or in conflict gets a point of 1, and of 0 once it is over", async () => {
  const { clock, live, trouble, value } = watching();
  live.announce(birthOf("edge-a", ["a01.t"]));
  const node = live.node("edge-a")!;
  const points = () =>
    ["loud", "over-quota", "identity"].map((role) => value(`hub.${role}.edge-a`));
  await clock.advance(5_000);
  expect(points()).toEqual([undefined, undefined, undefined]);
  trouble.loud = true;
  Object.assign(node, { overQuota: true, inConflict: true });
  await clock.advance(5_000);
  expect(points()).toEqual([1, 1, 1]);
  trouble.loud = false;
  Object.assign(node, { overQuota: false, inConflict: false });
  await clock.advance(5_000);
  expect(points()).toEqual([0, 0, 0]);
});

test("A failed self-check is a code with words; while the store's own alarm says it, another one", async () => {
  const { clock, live, trouble, value } = watching();
  trouble.probe = { kind: "failed", at: 0, stage: "store", why: "" };
  await clock.advance(5_000);
  expect(value("hub.self-check")).toBe(3);
  trouble.error = "disk full";
  await clock.advance(5_000);
  expect(value("hub.self-check")).toBe(6);
  expect(live.point("hub.self-check")?.info.states?.["3"]).toBe("fails at the history store");
  trouble.probe = { kind: "starting" };
  await clock.advance(5_000);
  expect(value("hub.self-check")).toBe("bad");
});

test("What the history had no room for is declared as a gap once it takes readings again", async () => {
  const { clock, trouble, gaps } = watching();
  await clock.advance(1_000);
  const startMs = clock.nowMs();
  trouble.full = true;
  await clock.advance(20_000);
  expect(gaps).toEqual([]);
  trouble.full = false;
  await clock.advance(5_000);
  expect(gaps).toHaveLength(1);
  expect(gaps[0]).toMatchObject({ from: startMs + 4_000, to: startMs + 19_000, count: 4 * 13 });
});

function rulesOf(alarms: string) {
  const site =
    "{ id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }";
  const receiver =
    '{ id: desk, webhook: { url: "https://desk.example.net/hook", secret: "env:S" } }';
  const text = `site: ${site}\nstorage: { path: ./d }\nreceivers: [ ${receiver} ]\nalarms: ${alarms}\n`;
  const result = checkSite(text, "/tmp/site.yaml", () => ({ value: "secret-0123456789" }));
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return withOwnRules(result.config);
}

test("Every site gets rules on the history store and the hub's clock, told to all receivers", () => {
  expect(rulesOf("[]").find(({ id }) => id === "history-failing")).toMatchObject({
    id: "history-failing",
    points: expect.arrayContaining([HISTORY_FAILING_POINT]),
    onDelayMs: 30_000,
    receivers: ["desk"],
  });
});

test("Every point the hub measures of itself has a rule, and every such rule its point", async () => {
  const { clock, live, trouble } = watching();
  live.announce(birthOf("edge-a", ["a01.t"]));
  live.status("edge-a", { v: 1, state: "online", session: 1, at: 0 });
  Object.assign(live.node("edge-a")!, { skewMs: 0, overQuota: true, inConflict: true });
  trouble.loud = true;
  await clock.advance(5_000);
  const points = [...live.points()].filter(({ node }) => node === HUB_NODE);
  const watched = rulesOf("[]").flatMap((rule) => rule.points);
  const names = points.map(({ info }) => info.id.replace("edge-a", "*"));
  // Those of identities, of listeners without TLS, of drills, channels and screens are made where these are.
  const elsewhere = /^hub\.(identity-|plain-|drill$|channel\.|wall\.)/;
  const plain = watched.filter((name) => name.startsWith("hub.") && !elsewhere.test(name));
  // How many rows are in quarantine is worth a look, not an alarm: that is their coming.
  expect(names.filter((name) => !plain.includes(name))).toEqual(["hub.quarantine"]);
  expect(plain.filter((pattern) => !names.includes(pattern))).toEqual([]);
});

test("A clock that differs from all nodes' turns its point 1, and the rule on it has priority 2", async () => {
  const { clock, trouble, value } = watching();
  trouble.clock = true;
  await clock.advance(5_000);
  expect(value(CLOCK_DIFFERS_POINT)).toBe(1);
  expect(rulesOf("[]").find(({ id }) => id === "hub-clock")).toMatchObject({
    points: [CLOCK_DIFFERS_POINT],
    priority: 2,
    title: "Hub clock differs from all nodes",
    receivers: ["desk"],
  });
});

test("A site's own rule of that id takes its place", () => {
  const own = `[ { id: history-failing, points: [${HISTORY_FAILING_POINT}], equals: 1, onDelay: 5m, offDelay: 0s, priority: 3, title: History, receivers: [] } ]`;
  const rules = rulesOf(own).filter(({ id }) => id === "history-failing");
  expect(rules).toMatchObject([{ onDelayMs: 300_000, receivers: [] }]);
});
