import { describe, expect, test } from "vitest";
import { good, uncertain } from "../../../contract/reading.ts";
import type { AnyI2cDriver } from "../../../edge/drivers/driver.ts";
import { hdc302x } from "../../../edge/drivers/hdc302x.ts";
import { sht4x } from "../../../edge/drivers/sht4x.ts";
import { sht31 } from "../../../edge/drivers/sht31.ts";
import { i2cLoop } from "../../../edge/poll/i2c-loop.ts";
import { judgeTruth, truthRules } from "../../../edge/truth/truth.ts";
import { DRY, isWet, stepWet } from "../../../edge/truth/wet.ts";
import { FakeClock } from "../../fake-clock.ts";
import { framed, scriptedI2c } from "../drivers/scripted-device.ts";
import { collector } from "../poll/collector.ts";

type Story = [minute: number, temperatureC: number, humidityRh: number, wet: boolean][];

test.each<[string, Story]>([
  [
    "dry air that cools",
    [
      [0, 24, 60, false],
      [10, 20, 80, false],
      [20, 18, 98.9, false],
    ],
  ],
  [
    "fog of a steady temperature passes for half an hour",
    [
      [0, 20, 99.5, false],
      [29, 20.1, 99.5, false],
    ],
  ],
  [
    "above 99 % while it cools by 0.2 °C",
    [
      [0, 20, 99.5, false],
      [1, 19.9, 99.5, false],
      [2, 19.8, 99.6, true],
    ],
  ],
  [
    "it stays wet while it warms again, until it dries",
    [
      [0, 20, 99.5, false],
      [2, 19.5, 99.5, true],
      [9, 21, 99.2, true],
      [10, 22, 99, false],
    ],
  ],
  [
    "100.0 % for 30 minutes",
    [
      [0, 20, 100, false],
      [29, 20, 99.96, false],
      [30, 20, 100, true],
    ],
  ],
  [
    "99.5 % between breaks the half hour",
    [
      [0, 20, 100, false],
      [20, 20, 99.5, false],
      [21, 20, 100, false],
      [40, 20, 100, false],
    ],
  ],
])("%s", (_name, story) => {
  let state = DRY;
  for (const [minute, temperatureC, humidityRh, wet] of story) {
    state = stepWet(state, { temperatureC, humidityRh }, minute * 60_000);
    expect([minute, isWet(state, minute * 60_000)]).toEqual([minute, wet]);
  }
});

describe("a heater", () => {
  const POINTS = { temperature: "t", humidity: "h" };

  /** A sensor in a cooling, wet room. */
  function rig(heater: boolean, failing = false) {
    const clock = new FakeClock();
    const seen = collector(clock);
    const pulses: number[] = [];
    const offs: number[] = [];
    let celsius = 20;
    const driver: AnyI2cDriver = {
      model: "wet",
      channels: { temperature: "temperature", humidity: "humidity" },
      addresses: [0x44],
      read: async () => {
        celsius -= 0.01;
        return { temperature: celsius, humidity: 99.5 };
      },
      heater: {
        pulse: async () => {
          pulses.push(clock.monoMs());
          if (failing) throw new Error("not reached");
        },
        off: async () => {
          offs.push(clock.monoMs());
        },
      },
    };
    const port = {
      write: async () => undefined,
      read: async () => new Uint8Array(),
      writeRead: async () => new Uint8Array(),
      close: async () => undefined,
    };
    const device = { id: "w", driver, address: 0x44, everyMs: 10_000, heater, points: POINTS };
    const loop = i2cLoop({ bus: "i2c", open: async () => port, clock, ...seen, devices: [device] });
    const stop = new AbortController();
    const done = loop.run(stop.signal);
    return {
      ...{ clock, seen, pulses, offs },
      end: () => {
        stop.abort();
        return done;
      },
    };
  }

  test("dries a wet sensor once an hour, and for 120 s after it nothing is measured", async () => {
    const { clock, seen, pulses, offs, end } = rig(true);
    await clock.advance(2 * 3_600_000);
    await end();
    expect(offs).toEqual([0]);
    expect(pulses).toEqual([200_000, 3_800_000]);
    const after = seen.taken.filter(({ atMs }) => atMs > 200_000 && atMs < 320_000);
    expect(after.length).toBeGreaterThanOrEqual(22);
    for (const { measurement } of after)
      expect(measurement).toEqual({ quality: "bad", reason: "not-available" });
    const first = seen.taken.filter(({ atMs }) => atMs >= 320_000)[0];
    expect(first?.measurement.quality).toBe("good");
  });

  test("that nobody allowed is never used; the humidity is in doubt, the temperature is not", async () => {
    const { clock, seen, pulses, offs, end } = rig(false);
    await clock.advance(600_000);
    await end();
    expect([pulses, offs]).toEqual([[], []]);
    const newest = (point: string) => seen.taken.filter((each) => each.point === point).at(-1);
    expect(newest("h")?.measurement).toEqual(uncertain(99.5, "condensed"));
    expect(newest("t")?.measurement.quality).toBe("good");
  });

  test("of an SHT4x is one burst of a second that ends by itself with a measurement", async () => {
    const device = scriptedI2c([
      { write: [0x39] },
      { read: [...framed(0x9000), ...framed(0x2000)] },
    ]);
    await sht4x.heater?.pulse(device);
    expect(device.pausedMs).toBeGreaterThanOrEqual(1_100);
    expect(device.left()).toBe(0);
  });

  test("of an SHT3x is switched off again, and the status word must say so", async () => {
    const conversation = (status: number) =>
      scriptedI2c([
        ...[{ write: [0x30, 0x6d] }, { write: [0x30, 0x66] }],
        ...[{ write: [0xf3, 0x2d] }, { read: framed(status) }],
      ]);
    await sht31.heater?.pulse(conversation(0x0000));
    await expect(sht31.heater?.pulse(conversation(0x2000))).rejects.toMatchObject({
      reason: "not-available",
    });
  });

  test("of an HDC302x is set to half power first", async () => {
    const device = scriptedI2c([
      { write: [0x30, 0x6e, 0x03, 0xff, 0x00] },
      ...[{ write: [0x30, 0x6d] }, { write: [0x30, 0x66] }],
      ...[{ write: [0xf3, 0x2d] }, { read: framed(0) }],
    ]);
    await hdc302x.heater?.pulse(device);
    expect(device.left()).toBe(0);
  });
});

describe("an offset", () => {
  const rules = (offset: number) => truthRules({ quantity: "humidity", coarse: false, offset });

  test("is added to good and doubtful values, and never makes a value of a bad one", () => {
    const judge = (measurement: Parameters<typeof judgeTruth>[2]) =>
      judgeTruth({}, rules(-3), measurement, 0).measurement;
    expect(judge(good(50))).toEqual(good(47));
    expect(judge(uncertain(50, "condensed"))).toEqual(uncertain(47, "condensed"));
    expect(judge({ quality: "bad", reason: "no-answer" })).toEqual({
      quality: "bad",
      reason: "no-answer",
    });
  });

  test("takes no humidity beyond 0–100 %", () => {
    expect(judgeTruth({}, rules(5), good(98), 0).measurement).toEqual(good(100));
    expect(judgeTruth({}, rules(-5), good(2), 0).measurement).toEqual(good(0));
  });

  test("hides no doubt: a sensor at 100 % for 30 minutes is condensed whatever is taken off", () => {
    let state = {};
    let last = good(0);
    for (let minute = 0; minute <= 31; minute += 1) {
      const judged = judgeTruth(state, rules(-4), good(100), minute * 60_000);
      state = judged.state;
      last = judged.measurement;
    }
    expect(last).toEqual(uncertain(96, "condensed"));
  });
});
