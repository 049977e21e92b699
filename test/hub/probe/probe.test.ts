import { setMaxListeners } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { good } from "../../../contract/reading.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { PROBE_NODE } from "../../../hub/own-nodes.ts";
import { PROBE_POINT, Probe, type ProbeLink } from "../../../hub/probe/probe.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";
import { silent } from "../http/stand-in.ts";
import { birthOf } from "../live/births.ts";

/** A hub played by a few lines, each of which can be broken. */
class PlayedHub {
  readonly clock = new FakeClock();
  readonly #db = openHubDb(":memory:");
  readonly live = new LiveState({
    ...{ clock: this.clock, log: silent, known: openKnownNodes(this.#db, silent) },
  });
  readonly broken = new Set<string>();
  readonly rows = new Map<number, number>();
  good = 0;
  connects = 0;
  readonly probe: Probe;
  readonly #stop = new AbortController();
  readonly running: Promise<void>;

  constructor() {
    setMaxListeners(0, this.#stop.signal);
    this.live.announce(birthOf(PROBE_NODE, [PROBE_POINT]));
    const { clock, live } = this;
    this.probe = new Probe({
      ...{ clock, live, log: silent },
      connect: async () => this.#link(),
      store: { totals: async ({ fromMs }) => this.#totals(fromMs) },
      alarms: { tickedMs: () => (this.broken.has("alarms") ? 0 : clock.monoMs() + 1) },
      onGood: () => {
        this.good += 1;
      },
    });
    this.running = this.probe.run(this.#stop.signal);
  }

  #link(): ProbeLink {
    this.connects += 1;
    if (this.broken.has("connect")) throw new Error("ECONNREFUSED");
    let stored: number | undefined;
    return {
      send: async ({ at, value }) => {
        if (this.broken.has("broker")) return new Promise(() => undefined);
        const point = this.live.point(PROBE_POINT);
        if (this.broken.has("ingest") || !point) return;
        this.live.reading(point, { point: PROBE_POINT, at, ...good(value) }, 0);
        if (this.broken.has("store")) return;
        if (!this.broken.has("read-back")) this.rows.set(at, value);
        stored = value;
      },
      stored: () => stored,
      close: async () => undefined,
    };
  }

  #totals(fromMs: number) {
    if (this.broken.has("query")) return new Promise<never>(() => undefined);
    const value = this.rows.get(fromMs);
    const rows = value === undefined ? 0 : 1;
    return Promise.resolve({ rows, good: rows, sum: value ?? 0, firstAt: null, lastAt: null });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.running;
  }
}

let hub: PlayedHub;
beforeEach(() => {
  hub = new PlayedHub();
});
afterEach(() => hub.stop());

test("A round begins at once and then every 30 s, on one connection", async () => {
  expect(hub.probe.state()).toEqual({ kind: "starting" });
  await hub.clock.advance(1_000);
  expect(hub.probe.state()).toMatchObject({ kind: "good" });
  await hub.clock.advance(60_000);
  expect(hub.good).toBe(3);
  expect(hub.connects).toBe(1);
});

test.each([
  ["the broker cannot be reached", "connect", "broker", /takes no message: ECONNREFUSED/],
  ["the broker never confirms", "broker", "broker", /takes no message/],
  ["the ingest loses it", "ingest", "ingest", /does not become a live value/],
  ["the store refuses it", "store", "store", /not stored and acknowledged/],
  ["it is acknowledged but not there", "read-back", "read-back", /0 rows with the sum 0/],
  ["the store does not answer", "query", "read-back", /not in the history/],
  ["the alarm engine stands still", "alarms", "alarms", /does not look/],
])(
  "When %s, it is noticed within 36 s and named; no beat goes out",
  async (_, part, stage, why) => {
    await hub.clock.advance(1_000);
    hub.broken.add(part);
    if (part === "connect") {
      // A fresh connection is only made after a failure.
      hub.broken.add("broker");
      await hub.clock.advance(36_000);
    }
    await hub.clock.advance(36_000);
    expect(hub.probe.state()).toMatchObject({
      kind: "failed",
      stage,
      why: expect.stringMatching(why),
    });
    expect(hub.good).toBe(1);
  },
);

test("Once the part works again, the next round is good, on a new connection", async () => {
  await hub.clock.advance(1_000);
  hub.broken.add("store");
  await hub.clock.advance(36_000);
  expect(hub.probe.state()).toMatchObject({ kind: "failed" });
  hub.broken.clear();
  await hub.clock.advance(30_000);
  expect(hub.probe.state()).toMatchObject({ kind: "good" });
  expect(hub.connects).toBe(2);
});

test("A round that does not end is a failure of its own after 90 s", async () => {
  await hub.clock.advance(1_000);
  await hub.stop();
  await hub.clock.advance(88_000);
  expect(hub.probe.state()).toMatchObject({ kind: "good" });
  await hub.clock.advance(3_000);
  expect(hub.probe.state()).toMatchObject({ kind: "failed", stage: "probe" });
});
