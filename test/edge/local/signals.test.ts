import { afterEach, beforeEach, expect, test } from "vitest";
import type { SoundingAlarm } from "../../../edge/local/local-alarms.ts";
import type { Output } from "../../../edge/local/output.ts";
import { createSignals, type SignalRule } from "../../../edge/local/signals.ts";
import { FakeClock } from "../../fake-clock.ts";

let clock: FakeClock;
let stop: AbortController;
let sounding: SoundingAlarm[];
let connected: boolean;
let seen: string[];
let change: () => void;
beforeEach(() => {
  clock = new FakeClock();
  stop = new AbortController();
  sounding = [];
  connected = true;
  seen = [];
});
afterEach(() => stop.abort());

const alarm = (extra: Partial<SoundingAlarm> = {}): SoundingAlarm => ({
  ...{ rule: "hot", subject: "a03.inlet-top", occurrence: 1, acknowledged: false },
  ...extra,
});

function start(rule: Partial<SignalRule> = {}): void {
  const output: Output = {
    id: "beacon",
    govern: () => seen.push("govern"),
    demand: (cause) => seen.push(`on ${cause}`),
    release: (cause) => seen.push(`off ${cause}`),
  };
  const signals = createSignals({
    alarms: {
      sounding: () => sounding,
      onChange: (listener) => {
        change = listener;
      },
    },
    signals: [{ output, rule: { rules: [], until: "cleared", aloneMs: 0, ...rule } }],
    connected: () => connected,
    clock,
  });
  void signals.run(stop.signal);
}

test("an output goes on with each alarm at once, and off when that one is over", () => {
  start();
  sounding = [alarm()];
  change();
  sounding = [alarm({ acknowledged: true }), alarm({ rule: "leak", subject: "leak.rope" })];
  change();
  change();
  sounding = [alarm({ rule: "leak", subject: "leak.rope" })];
  change();
  expect(seen).toEqual([
    "govern",
    "on hot.a03.inlet-top 1",
    "on leak.leak.rope 1",
    "off hot.a03.inlet-top 1",
  ]);
});

test("a buzzer is silent once the alarm is acknowledged, and sounds for its next occurrence", () => {
  start({ until: "acknowledged" });
  sounding = [alarm()];
  change();
  sounding = [alarm({ acknowledged: true })];
  change();
  sounding = [alarm({ occurrence: 2 })];
  change();
  expect(seen.slice(1)).toEqual([
    "on hot.a03.inlet-top 1",
    "off hot.a03.inlet-top 1",
    "on hot.a03.inlet-top 2",
  ]);
});

test("an output follows only the rules it names", () => {
  start({ rules: ["leak"] });
  sounding = [alarm()];
  change();
  expect(seen).toEqual(["govern"]);
});

test("an output for times without a hub waits 5 min, and goes off when the hub is back", async () => {
  start({ aloneMs: 300_000 });
  sounding = [alarm()];
  await clock.advance(600_000);
  connected = false;
  await clock.advance(299_000);
  expect(seen).toEqual(["govern"]);
  await clock.advance(2_000);
  expect(seen.at(-1)).toBe("on hot.a03.inlet-top 1");
  connected = true;
  await clock.advance(1_000);
  expect(seen.at(-1)).toBe("off hot.a03.inlet-top 1");
});
