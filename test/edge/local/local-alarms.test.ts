import { afterEach, beforeEach, expect, test } from "vitest";
import type { AlarmEvent, PointInfo } from "../../../contract/message.ts";
import { bad, good, type Measurement } from "../../../contract/reading.ts";
import { createLocalAlarms, type LocalAlarms } from "../../../edge/local/local-alarms.ts";
import type { LocalRule } from "../../../edge/local/local-rule.ts";
import type { ClockState } from "../../../edge/readings.ts";
import type { SqliteSpool } from "../../../edge/spool/sqlite-spool.ts";
import { SYNCED, silent, TempSpool } from "../spool/temp-spool.ts";

const INLET: PointInfo = {
  id: "a03.inlet-top",
  quantity: "temperature",
  label: "A03 inlet top",
  periodMs: 2_000,
};
const HOT: LocalRule = {
  id: "inlet-hot",
  priority: 1,
  condition: { kind: "limit", above: 35, deadband: 0.5 },
  onDelayMs: 15_000,
  offDelayMs: 60_000,
  latch: false,
  points: ["*.inlet-*"],
};
const LATCHED: LocalRule = {
  ...HOT,
  id: "inlet-latched",
  onDelayMs: 0,
  offDelayMs: 0,
  latch: true,
};
const MISSING: LocalRule = {
  ...HOT,
  id: "no-reading",
  condition: { kind: "stale" },
  onDelayMs: 0,
  offDelayMs: 0,
};

let temp: TempSpool;
let spool: SqliteSpool;
let stop: AbortController;
let clockState: ClockState;
let failures: unknown[];
beforeEach(() => {
  temp = new TempSpool();
  spool = temp.open();
  stop = new AbortController();
  clockState = "synced";
  failures = [];
});
afterEach(() => {
  stop.abort();
  spool.close();
  temp.remove();
});

function start(rules: LocalRule[] = [HOT]): LocalAlarms {
  const alarms = createLocalAlarms({
    rules,
    points: [INLET],
    spool,
    event: (event) => spool.addEvent(event, SYNCED),
    clock: temp.clock,
    clockState: () => clockState,
    log: silent,
    fatal: (error) => failures.push(error),
  });
  void alarms.run(stop.signal);
  return alarms;
}

function read(alarms: LocalAlarms, measurement: Measurement): void {
  alarms.judge({ point: INLET.id, at: temp.clock.nowMs(), ...measurement });
}

async function hold(alarms: LocalAlarms, value: number, seconds: number): Promise<void> {
  for (let gone = 0; gone < seconds; gone += 2) {
    read(alarms, good(value));
    await temp.clock.advance(2_000);
  }
}

function events(): AlarmEvent[] {
  return (spool.batch(0, 1_000)?.rows ?? []).flatMap((row) => {
    if ("skip" in row) return [];
    const { event } = JSON.parse(row.payload) as { event: AlarmEvent };
    return event.type === "alarm" ? [event] : [];
  });
}

test("a breach longer than its delay is raised, spooled with value and time, and cleared after its delay", async () => {
  const alarms = start();
  await hold(alarms, 36, 14);
  expect(events()).toEqual([]);
  await hold(alarms, 36, 2);
  expect(events()).toEqual([
    {
      type: "alarm",
      rule: "inlet-hot",
      subject: "a03.inlet-top",
      occurrence: 1,
      what: "raised",
      at: temp.clock.nowMs() - 1_000,
      priority: 1,
      value: 36,
      clock: "synced",
    },
  ]);
  await hold(alarms, 30, 62);
  expect(events().map(({ what, occurrence }) => [what, occurrence])).toEqual([
    ["raised", 1],
    ["cleared", 1],
  ]);
  expect(alarms.standing()).toEqual([]);
});

test("an alarm that stood when the program ended stands at the next start, without being raised again", async () => {
  const first = start();
  await hold(first, 36, 20);
  const before = first.standing();
  stop.abort();
  spool.close();
  stop = new AbortController();
  spool = temp.open();
  const second = start();
  expect(second.standing()).toEqual(before);
  await hold(second, 36, 30);
  expect(events().map(({ what }) => what)).toEqual(["raised"]);
  await hold(second, 30, 62);
  await hold(second, 36, 20);
  expect(events().map(({ what, occurrence }) => [what, occurrence])).toEqual([
    ["raised", 1],
    ["cleared", 1],
    ["raised", 2],
  ]);
});

test("an order from the hub silences the alarm here too, names who gave it, and survives a restart", async () => {
  const alarms = start([LATCHED]);
  await hold(alarms, 36, 2);
  expect(alarms.sounding()).toMatchObject([{ acknowledged: false, occurrence: 1 }]);
  alarms.order("inlet-latched", INLET.id, { do: "acknowledge", by: "anna" });
  expect(alarms.sounding()).toMatchObject([{ acknowledged: true }]);
  await hold(alarms, 30, 2);
  expect(alarms.standing()).toMatchObject([{ acknowledged: true }]);
  alarms.order("inlet-latched", INLET.id, { do: "reset", by: "anna" });
  expect(alarms.standing()).toEqual([]);
  expect(events().map(({ what, by }) => [what, by])).toEqual([
    ["raised", undefined],
    ["acknowledged", "anna"],
    ["cleared", undefined],
    ["reset", "anna"],
    ["ended", "anna"],
  ]);
});

test("a shelved alarm does not sound, and sounds again when the time is over", async () => {
  const alarms = start([{ ...HOT, onDelayMs: 0 }]);
  await hold(alarms, 36, 2);
  const until = temp.clock.nowMs() + 10_000;
  alarms.order("inlet-hot", INLET.id, { do: "shelve", by: "anna", reason: "work", until });
  expect([alarms.sounding(), alarms.standing().length]).toEqual([[], 1]);
  await hold(alarms, 36, 12);
  expect(alarms.sounding()).toHaveLength(1);
});

test("an order for an alarm this node does not judge changes nothing", () => {
  const alarms = start();
  alarms.order("unknown", INLET.id, { do: "acknowledge", by: "anna" });
  alarms.order("inlet-hot", "b01.inlet-top", { do: "acknowledge", by: "anna" });
  expect([events(), failures]).toEqual([[], []]);
});

test("a bad reading neither raises nor clears a limit, but is what a rule on missing readings is about", async () => {
  const alarms = start([{ ...HOT, onDelayMs: 0, offDelayMs: 0 }, MISSING]);
  await hold(alarms, 36, 2);
  read(alarms, bad("no-answer"));
  expect(alarms.standing().map(({ rule }) => rule)).toEqual(["no-reading", "inlet-hot"]);
  expect(events().at(-1)).toMatchObject({ rule: "no-reading", value: null });
});

test("a point that says nothing at all is missing after 30 s", async () => {
  const alarms = start([MISSING]);
  await temp.clock.advance(30_000);
  expect(alarms.standing()).toEqual([]);
  await temp.clock.advance(2_000);
  expect(alarms.standing()).toHaveLength(1);
});

test("the wall clock being set while an alarm is pending neither raises nor delays it, and dates follow", async () => {
  clockState = "unsynced";
  const alarms = start();
  await hold(alarms, 36, 10);
  temp.clock.stepWall(170_000_000_000);
  clockState = "synced";
  await hold(alarms, 36, 4);
  expect(events()).toEqual([]);
  await hold(alarms, 36, 4);
  expect(events()).toHaveLength(1);
  expect(events()[0]?.at).toBe(temp.clock.nowMs() - 3_000);
});

test("an alarm raised under a wrong clock stands with its true time once the clock is set", async () => {
  clockState = "unsynced";
  const alarms = start([{ ...HOT, onDelayMs: 0 }]);
  await hold(alarms, 36, 10);
  temp.clock.stepWall(170_000_000_000);
  clockState = "synced";
  await hold(alarms, 36, 2);
  expect(alarms.standing()[0]?.raisedAt).toBe(temp.clock.nowMs() - 12_000);
});

test("a disk that refuses a change is fatal, and the change counts as not made", async () => {
  const alarms = start([{ ...HOT, onDelayMs: 0 }]);
  spool.close();
  read(alarms, good(36));
  expect(failures).toHaveLength(1);
  expect(alarms.standing()).toEqual([]);
});
