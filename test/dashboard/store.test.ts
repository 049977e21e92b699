import { expect, test, vi } from "vitest";
import { Store } from "../../dashboard/store.ts";
import { type EventStream, StreamKeeper } from "../../dashboard/stream.ts";
import { fixtureAlarm } from "./fixture-alarms.ts";
import { fixtureSnapshot } from "./fixture-world.ts";

const HUB_T = Date.UTC(2026, 10, 22, 12);

/** A page whose machine is `driftMs` behind the hub, and a hub that speaks only when told. */
function page(driftMs = 0) {
  let mono = 1_000;
  const store = new Store({ monoMs: () => mono, wallMs: () => HUB_T + mono - 1_000 - driftMs });
  const pass = (ms: number) => {
    mono += ms;
    store.tick();
  };
  const hubNow = () => HUB_T + mono - 1_000;
  return { store, pass, hubNow, monoMs: () => mono };
}

test("ages follow the hub's clock even when the machine's own is an hour wrong", () => {
  const { store, pass } = page(3_600_000);
  store.snapshot(fixtureSnapshot("normal", HUB_T));
  expect(store.show("a03.inlet-top")).toMatchObject({ kind: "value", ageMs: 1_200 });
  pass(28_000);
  expect(store.show("a03.inlet-top").kind).toBe("value");
  pass(2_000);
  expect(store.show("a03.inlet-top")).toMatchObject({ kind: "stale", ageMs: 31_200 });
  expect(store.driftMs.value).toBe(3_600_000);
});

test("a delta replaces value and age; one of an unknown point changes nothing", () => {
  const { store, pass, hubNow } = page();
  store.snapshot(fixtureSnapshot("normal", HUB_T));
  pass(60_000);
  store.points({
    "a03.inlet-top": [29.5, hubNow() - 500, "good", null],
    "z99.inlet-top": [1, hubNow(), "good", null],
  });
  expect(store.show("a03.inlet-top")).toMatchObject({ kind: "value", value: 29.5, ageMs: 500 });
  expect(store.show("z99.inlet-top")).toEqual({ kind: "never" });
});

test("an unplugged sensor has no number and counts from its last value", () => {
  const { store, pass, hubNow } = page();
  store.snapshot(fixtureSnapshot("normal", HUB_T));
  for (let s = 0; s < 240; s += 5) {
    pass(5_000);
    store.points({ "a03.inlet-top": [null, hubNow(), "bad", "no-answer"] });
  }
  expect(store.show("a03.inlet-top")).toEqual({
    kind: "bad",
    reason: "no-answer",
    ageMs: 240_000 + 1_200,
  });
});

test("a page opened later takes the age of a missing reading from the hub's alarm", () => {
  const { store } = page();
  const snap = fixtureSnapshot("stale", HUB_T);
  store.snapshot(snap);
  expect(store.show("a05.inlet-top")).toMatchObject({ kind: "bad", ageMs: 250_000 });
});

test("a snapshot replaces everything: a point the hub dropped is gone", () => {
  const { store } = page();
  const snap = fixtureSnapshot("normal", HUB_T);
  store.snapshot(snap);
  store.snapshot({ ...snap, points: snap.points.filter((point) => point.id !== "leak.rope") });
  expect(store.show("leak.rope")).toEqual({ kind: "never" });
  expect(store.pointIds.value).not.toContain("leak.rope");
});

test("the hub is lost after 15 s without a word, and any word ends that", () => {
  const { store, pass, hubNow } = page();
  const snap = fixtureSnapshot("normal", HUB_T);
  store.snapshot(snap);
  pass(14_000);
  expect(store.lost.value).toBe(false);
  pass(1_000);
  expect(store.lost.value).toBe(true);
  expect(store.heardAt.value).toBe(HUB_T);
  store.beat({ ...snap.health, at: hubNow() });
  expect(store.lost.value).toBe(false);
});

test("only heartbeats move the live bar", () => {
  const { store, pass, hubNow } = page();
  const snap = fixtureSnapshot("normal", HUB_T);
  store.snapshot(snap);
  pass(5_000);
  store.points({ "a03.inlet-top": [24, hubNow(), "good", null] });
  expect(store.beats.value).toBe(0);
  store.beat({ ...snap.health, at: hubNow() });
  expect(store.beats.value).toBe(1);
});

test("incidents come with the snapshot or by themselves; a hub that has none leaves them null", () => {
  const { store, opened } = kept();
  opened[0]?.say("snap", fixtureSnapshot("normal", HUB_T));
  expect(store.incidents.value).toBeNull();
  opened[0]?.say("snap", fixtureSnapshot("incident", HUB_T));
  expect(store.incidents.value).toHaveLength(4);
  opened[0]?.say("incidents", []);
  expect(store.incidents.value).toEqual([]);
});

test("the last cleared alarm is remembered, and since when it has been calm", () => {
  const { store, pass, hubNow } = page();
  store.snapshot(fixtureSnapshot("normal", HUB_T));
  store.setAlarms([fixtureAlarm({ id: "r.a", priority: 2, title: "A05 inlet", raisedAt: HUB_T })]);
  pass(60_000);
  store.setAlarms([]);
  expect(store.lastCleared.value).toEqual({ title: "A05 inlet", priority: 2, at: hubNow() });
  expect(store.calmSince.value).toBe(hubNow());
});

class PaperStream implements EventStream {
  readyState = 1;
  isClosed = false;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(type, listener);
  }
  say(type: string, data: unknown): void {
    this.#listeners.get(type)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }
  close(): void {
    this.isClosed = true;
  }
}

function kept() {
  const { store, pass, hubNow, monoMs } = page();
  const opened: PaperStream[] = [];
  const onNewBuild = vi.fn();
  const onRefused = vi.fn();
  const open = () => {
    const stream = new PaperStream();
    opened.push(stream);
    return stream;
  };
  const keeper = new StreamKeeper({ store, open, monoMs, onNewBuild, onRefused });
  const second = (n = 1) => {
    for (let i = 0; i < n; i++) {
      pass(1_000);
      keeper.check();
    }
  };
  return { store, opened, second, hubNow, onNewBuild, onRefused };
}

test("a silent stream is replaced after 15 s and not more often than every 15 s", () => {
  const { opened, second } = kept();
  opened[0]?.say("snap", fixtureSnapshot("normal", HUB_T));
  second(14);
  expect(opened).toHaveLength(1);
  second(1);
  expect(opened).toHaveLength(2);
  expect(opened[0]?.isClosed).toBe(true);
  second(29);
  expect(opened).toHaveLength(3);
});

test("what a replaced stream still delivers is not taken", () => {
  const { store, opened, second } = kept();
  opened[0]?.say("snap", fixtureSnapshot("normal", HUB_T));
  second(15);
  opened[0]?.say("hb", fixtureSnapshot("normal", HUB_T).health);
  expect(store.beats.value).toBe(0);
});

test("a stream the browser gave up on is opened again after 3 s, and the session is asked about", () => {
  const { opened, second, onRefused } = kept();
  opened[0]!.readyState = 2;
  second(3);
  expect(opened).toHaveLength(2);
  expect(onRefused).toHaveBeenCalledOnce();
});

test("a hub with other pages is noticed once it says so, not at the first hello", () => {
  const { opened, onNewBuild } = kept();
  opened[0]?.say("hello", { version: "1", build: "a", at: HUB_T });
  expect(onNewBuild).not.toHaveBeenCalled();
  opened[0]?.say("hello", { version: "1", build: "b", at: HUB_T });
  expect(onNewBuild).toHaveBeenCalledOnce();
});
