import { expect, test } from "vitest";
import { checkSite } from "../../hub/config/site-check.ts";
import { openKnownNodes } from "../../hub/live/known-nodes.ts";
import { LiveState } from "../../hub/live/live-state.ts";
import { withOwnRules } from "../../hub/own-rules.ts";
import {
  CLOCK_DIFFERS_POINT,
  HISTORY_FAILING_POINT,
  HUB_NODE,
  runSelfWatch,
} from "../../hub/self-watch.ts";
import { openHubDb } from "../../hub/state/hub-db.ts";
import { FakeClock } from "../fake-clock.ts";
import { silent } from "./http/stand-in.ts";

function watching() {
  const clock = new FakeClock();
  const known = openKnownNodes(openHubDb(":memory:"), silent);
  const live = new LiveState({ clock, log: silent, known });
  const trouble = { error: null as string | null, lagMs: 0, clock: false };
  const ingest = {
    storeError: () => trouble.error,
    storeLagMs: () => trouble.lagMs,
    clockDiffers: () => trouble.clock,
  };
  const stop = new AbortController();
  const running = runSelfWatch({ live, ingest, clock, bootId: "b" }, stop.signal);
  const shown = () => live.point(HISTORY_FAILING_POINT)?.reading;
  return { clock, live, trouble, stop, running, shown };
}

test("The hub's history point is 0 while all is well and stays fresh", async () => {
  const { clock, live, shown } = watching();
  await clock.advance(60_000);
  expect(live.node(HUB_NODE)?.online).toBe(true);
  expect(shown()).toMatchObject({ quality: "good", value: 0 });
  expect(live.isStale(live.point(HISTORY_FAILING_POINT)!, clock.nowMs())).toBe(false);
});

test.each([
  ["the store refuses", { error: "disk full", lagMs: 0 }],
  ["a write hangs for 31 s", { error: null, lagMs: 31_000 }],
])("It turns 1 within 5 s when %s, and back", async (_, wrong) => {
  const { clock, trouble, shown } = watching();
  await clock.advance(1_000);
  Object.assign(trouble, wrong);
  await clock.advance(5_000);
  expect(shown()).toMatchObject({ value: 1 });
  Object.assign(trouble, { error: null, lagMs: 0 });
  await clock.advance(5_000);
  expect(shown()).toMatchObject({ value: 0 });
});

test("It goes on when the clock is set back by an hour", async () => {
  const { clock, trouble, shown } = watching();
  await clock.advance(1_000);
  clock.stepWall(-3_600_000);
  trouble.error = "disk full";
  await clock.advance(5_000);
  expect(shown()).toMatchObject({ value: 1 });
});

test("When the watch itself stops, its point turns stale", async () => {
  const { clock, live, stop, running } = watching();
  await clock.advance(1_000);
  stop.abort();
  await running;
  await clock.advance(31_000);
  expect(live.isStale(live.point(HISTORY_FAILING_POINT)!, clock.nowMs())).toBe(true);
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
    points: [HISTORY_FAILING_POINT],
    onDelayMs: 30_000,
    receivers: ["desk"],
  });
});

test("A clock that differs from all nodes' turns its point 1, and the rule on it has priority 2", async () => {
  const { clock, live, trouble } = watching();
  trouble.clock = true;
  await clock.advance(5_000);
  expect(live.point(CLOCK_DIFFERS_POINT)?.reading).toMatchObject({ value: 1 });
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
