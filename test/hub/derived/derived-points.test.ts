import { pino } from "pino";
import { expect, test } from "vitest";
import { bad, good, type Measurement, type Reading } from "../../../contract/reading.ts";
import { USUAL_CLIMATE } from "../../../hub/derived/climate.ts";
import { DerivedPoints } from "../../../hub/derived/derived-points.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";
import { infos, type Offered, SITE } from "./scene.ts";

const log = pino({ level: "silent" });
const CRAHS: Offered = {
  ...{ "crah-1.running": "flag", "crah-2.running": "flag", "crah-3.running": "flag" },
};

function rig(offered: Offered = CRAHS) {
  const clock = new FakeClock(Date.UTC(2026, 0, 5, 10));
  const live = new LiveState({ clock, log, known: openKnownNodes(openHubDb(":memory:"), log) });
  const stored: Reading[] = [];
  const gaps: { count: number }[] = [];
  const store = { room: true };
  const points = new DerivedPoints({
    ...{ site: SITE, climate: USUAL_CLIMATE, live, clock, log },
    keep: (_node, _epoch, readings) => {
      if (store.room) stored.push(...readings);
      return store.room;
    },
    onGap: (gap) => gaps.push(gap),
  });
  const announce = (more: Offered) => {
    const name = { node: "edge-plant", label: "Plant", software: "t", bootId: "b", epoch: "e" };
    live.announce({ v: 1, ...name, at: 0, points: infos(more), doors: [] });
  };
  announce(offered);
  const read = (id: string, value: number | Measurement) => {
    const measurement = typeof value === "number" ? good(value) : value;
    live.reading(live.point(id)!, { point: id, at: clock.nowMs(), ...measurement }, 0);
  };
  const shown = (id: string) => {
    const reading = live.point(id)?.reading;
    return reading?.quality === "good" ? reading.value : (reading?.quality ?? null);
  };
  return { clock, live, stored, gaps, store, points, announce, read, shown };
}

test("a derived point is live and stored within a second of its input, and repeated every 10 s", async () => {
  const { clock, points, read, shown, stored } = rig();
  const stop = new AbortController();
  const running = points.run(stop.signal);
  for (const n of [1, 2, 3]) read(`crah-${n}.running`, 1);
  await clock.advance(1_000);
  expect(shown("hall-a.cooling-redundancy")).toBe(0);
  read("crah-2.running", 0);
  await clock.advance(1_000);
  expect(shown("hall-a.cooling-redundancy")).toBe(1);
  const before = stored.filter(({ point }) => point === "hall-a.cooling-redundancy").length;
  await clock.advance(20_000);
  const after = stored.filter(({ point }) => point === "hall-a.cooling-redundancy").length;
  expect(after - before).toBe(2);
  stop.abort();
  await running;
});

test("an input that is bad or older than its stale time makes the derived value bad, not the last one", async () => {
  const { clock, points, read, shown } = rig();
  for (const n of [1, 2, 3]) read(`crah-${n}.running`, 1);
  points.look();
  expect(shown("crah-1.condition")).toBe(0);
  await clock.advance(1_000);
  read("crah-1.running", bad("no-answer"));
  await clock.advance(10_000);
  points.look();
  expect(shown("crah-1.condition")).toBe("bad");
  expect(shown("crah-2.condition")).toBe(0);
  await clock.advance(31_000);
  points.look();
  expect(shown("crah-2.condition")).toBe("bad");
});

test("a device that offers the name itself gets it, and a device that goes takes its derived points along", () => {
  const { live, points, announce } = rig();
  points.look();
  expect(live.point("crah-1.condition")?.node).toBe("hub-derived");
  announce({ ...CRAHS, "crah-1.condition": "state" });
  points.look();
  expect(live.point("crah-1.condition")?.node).toBe("edge-plant");
  announce({});
  points.look();
  expect(live.point("hall-a.cooling-redundancy")).toBeUndefined();
});

test("readings that the history has no room for are told as one gap with their number", async () => {
  const { clock, points, gaps, store } = rig();
  store.room = false;
  points.look();
  await clock.advance(10_000);
  points.look();
  store.room = true;
  await clock.advance(10_000);
  points.look();
  // Three conditions, the room's redundancy and its fighting, twice.
  expect(gaps.map(({ count }) => count)).toEqual([10]);
});
