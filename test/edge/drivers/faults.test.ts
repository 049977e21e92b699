import { describe, expect, test } from "vitest";
import { DeviceError, type I2cPort } from "../../../edge/bus/port.ts";
import { sensirionCrc8 } from "../../../edge/drivers/crc8.ts";
import { DRIVERS } from "../../../edge/drivers/index.ts";
import { i2cLoop } from "../../../edge/poll/i2c-loop.ts";
import { truthRules } from "../../../edge/truth/truth.ts";
import { FakeClock } from "../../fake-clock.ts";
import { collector } from "../poll/collector.ts";
import { framed } from "./scripted-device.ts";

type Trouble = "no-answer" | "bus" | undefined;

/** A chip that answers commands and keeps registers; a test breaks it. */
class Chip implements I2cPort {
  /** Answers by the last bytes written, in hex. */
  readonly answers: Record<string, readonly number[]>;
  readonly registers = new Map<number, number[]>();
  /** Registers that cannot be written, as ids. */
  readonly fixed: ReadonlySet<number>;
  trouble: Trouble;
  #last = "";
  #pointer = 0;

  constructor(
    answers: Record<string, readonly number[]>,
    registers: Record<number, readonly number[]> = {},
  ) {
    this.answers = { ...answers };
    for (const [at, held] of Object.entries(registers)) this.registers.set(Number(at), [...held]);
    this.fixed = new Set(this.registers.keys());
  }

  write = async (_address: number, bytes: Uint8Array): Promise<void> => {
    this.#fail();
    this.#last = Buffer.from(bytes).toString("hex");
    const [register = 0, ...held] = bytes;
    this.#pointer = register;
    if (held.length > 0 && !this.fixed.has(register)) this.registers.set(register, held);
  };
  read = async (_address: number, length: number): Promise<Uint8Array> => {
    this.#fail();
    const held = this.answers[this.#last] ?? this.registers.get(this.#pointer) ?? [];
    return Uint8Array.from({ length }, (_, i) => held[i] ?? 0);
  };
  writeRead = async (address: number, bytes: Uint8Array, length: number): Promise<Uint8Array> => {
    await this.write(address, bytes);
    return this.read(address, length);
  };
  close = async (): Promise<void> => undefined;

  #fail(): void {
    if (this.trouble) throw new DeviceError(this.trouble, `the test says ${this.trouble}`);
  }
}

const words = (...values: number[]) => values.flatMap((value) => [...framed(value)]);
const damaged = (frame: readonly number[]) => frame.map((byte, i) => (i === 2 ? byte ^ 1 : byte));
const aht = (...bytes: number[]) => [...bytes, sensirionCrc8(bytes)];
const T_RH = [0x648b, 0xa133] as const; // 23.7 °C, 63 %
const BOSCH_CALIBRATION = [
  ...[0x70, 0x6b, 0x43, 0x67, 0x18, 0xfc, 0x7d, 0x8e, 0x43, 0xd6, 0xd0, 0x0b, 0x27],
  ...[0x0b, 0x8c, 0x00, 0xf9, 0xff, 0x8c, 0x3c, 0xf8, 0xc6, 0x70, 0x17, 0x00, 0x4b],
];
const bosch = (id: number, values: number[], calibration = BOSCH_CALIBRATION) =>
  new Chip({ f3: [0x00, 0x24] }, { 208: [id], 136: calibration, 247: values, 225: [0, 1, 0] });
const BOSCH_VALUES = [0x65, 0x5a, 0xc0, 0x7e, 0xed, 0x00, 0x80, 0x01];
const INA = { shuntOhm: 0.01, maxA: 4 };
/** Current and bus voltage registers of an INA that measures 12 V. */
const ina = (ids: Record<number, number[]>) =>
  new Chip({}, { 1: [0x00, 0x64], 2: [0x25, 0x80], 3: [0, 1], 4: [0, 10], 6: [0, 0], ...ids });

interface Row {
  model: string;
  what: string;
  /** The first value, or why there is none. */
  shows: string | number;
  chip: () => Chip;
  options?: unknown;
  /** Happens after the first sound reading. */
  later?: (chip: Chip) => void;
}
const sht31 = (frame: readonly number[]) => () => new Chip({ "2400": frame });
const hdc302x =
  (frame: readonly number[], maker = 0x3000) =>
  () =>
    new Chip({ "3781": words(maker), f32d: words(0), "2400": frame });
const shtc3 =
  (frame: readonly number[], id = 0x0807) =>
  () =>
    new Chip({ efc8: words(id), "7866": frame });
const scd4x = (ready: number, frame: readonly number[]) => () =>
  new Chip({ "3682": words(1, 2, 3), e4b8: words(ready), ec05: frame });
const sdp3x =
  (frame: readonly number[], product = 0x0301) =>
  () =>
    new Chip({ e102: words(product, 0, 0, 0, 0, 0), "3615": frame });
const hdc1080 =
  (frame: readonly number[], id = [0x10, 0x50]) =>
  () =>
    new Chip({ "00": frame }, { 254: [0x54, 0x49], 255: id });
const tmp117 =
  (t: readonly number[], id = [0x01, 0x17]) =>
  () =>
    new Chip({}, { 15: id, 0: t });
const mcp9808 =
  (t: readonly number[], maker = [0x00, 0x54]) =>
  () =>
    new Chip({}, { 5: t, 6: maker, 7: [0x04, 0x00] });
const lm75 = (t: readonly number[]) => () => new Chip({}, { 0: t });
const brownOut = (register: number) => (chip: Chip) => chip.registers.set(register, [0x39, 0x9f]);
const expander = () => {
  const chip = new Chip({});
  chip.registers.set(0x12, [0xff, 0xff]);
  return chip;
};

const ROWS: Row[] = [
  { model: "sht31", what: "a good frame", shows: 23.7, chip: sht31(words(...T_RH)) },
  { model: "sht31", what: "zeros with sound checksums", shows: "range", chip: sht31(words(0, 0)) },
  {
    model: "sht31",
    what: "ones with sound checksums",
    shows: "range",
    chip: sht31(words(0xffff, 0xffff)),
  },
  {
    model: "sht31",
    what: "a damaged word",
    shows: "checksum",
    chip: sht31(damaged(words(...T_RH))),
  },
  {
    model: "sht31",
    what: "a bus of only zeros",
    shows: "checksum",
    chip: sht31([0, 0, 0, 0, 0, 0]),
  },
  {
    model: "sht4x",
    what: "zeros with sound checksums",
    shows: "range",
    chip: () => new Chip({ fd: words(0, 0) }),
  },
  {
    model: "sht4x",
    what: "a chip that static killed",
    shows: "not-available",
    chip: () => new Chip({ fd: words(0x8000, 0x8000) }),
  },
  { model: "shtc3", what: "zeros with sound checksums", shows: "range", chip: shtc3(words(0, 0)) },
  {
    model: "shtc3",
    what: "another chip in its place",
    shows: "identity",
    chip: shtc3(words(...T_RH), 0x0001),
  },
  {
    model: "hdc302x",
    what: "zeros with sound checksums",
    shows: "range",
    chip: hdc302x(words(0, 0)),
  },
  {
    model: "hdc302x",
    what: "an SHT3x in its place",
    shows: "identity",
    chip: hdc302x(words(...T_RH), 0x1234),
  },
  { model: "hdc1080", what: "zeros", shows: "range", chip: hdc1080([0, 0, 0, 0]) },
  {
    model: "hdc1080",
    what: "an INA in its place",
    shows: "identity",
    chip: hdc1080([0x66, 0, 0x80, 0], [0x22, 0x60]),
  },
  {
    model: "aht20",
    what: "the humidity of a broken chip",
    shows: "range",
    chip: () => new Chip({ "71": [0x18], ac3300: aht(0x18, 0, 0, 0x05, 0x99, 0x9a) }),
  },
  {
    model: "aht20",
    what: "still measuring",
    shows: "not-ready",
    chip: () => new Chip({ "71": [0x18], ac3300: aht(0x98, 1, 0, 5, 0x99, 0x9a) }),
  },
  {
    model: "aht20",
    what: "not calibrated since power-on",
    shows: "not-ready",
    chip: () => new Chip({ "71": [0x10], ac3300: aht(0x10, 1, 0, 5, 0x99, 0x9a) }),
  },
  {
    model: "bme280",
    what: "a BMP280 in its place",
    shows: "identity",
    chip: () => bosch(0x58, BOSCH_VALUES),
  },
  {
    model: "bmp280",
    what: "a BME280 in its place",
    shows: "identity",
    chip: () => bosch(0x60, BOSCH_VALUES),
  },
  { model: "bmp280", what: "a good frame", shows: 25.1, chip: () => bosch(0x58, BOSCH_VALUES) },
  {
    model: "bmp280",
    what: "a value the chip skipped",
    shows: "not-available",
    chip: () => bosch(0x58, [0x65, 0x5a, 0xc0, 0x80, 0, 0]),
  },
  {
    model: "bmp280",
    what: "still starting: no calibration",
    shows: "not-ready",
    chip: () =>
      bosch(
        0x58,
        BOSCH_VALUES,
        BOSCH_CALIBRATION.map(() => 0),
      ),
  },
  {
    model: "bmp280",
    what: "power lost while measuring",
    shows: "reset",
    chip: () => bosch(0x58, BOSCH_VALUES),
    later: (chip) => {
      chip.answers.f3 = [0, 0];
    },
  },
  { model: "tmp117", what: "the power-on value", shows: "not-ready", chip: tmp117([0x80, 0x00]) },
  {
    model: "tmp117",
    what: "an LM75 in its place",
    shows: "identity",
    chip: tmp117([0x0c, 0x80], [0, 0]),
  },
  {
    model: "mcp9808",
    what: "another maker's chip",
    shows: "identity",
    chip: mcp9808([0xc1, 0x90], [0x00, 0x33]),
  },
  { model: "lm75", what: "a floating bus", shows: "bus", chip: lm75([0xff, 0xff]) },
  { model: "tmp102", what: "a floating bus", shows: "bus", chip: lm75([0xff, 0xff]) },
  {
    model: "scd4x",
    what: "an idle chip after a power failure",
    shows: "not-ready",
    chip: scd4x(0x8000, words(500, ...T_RH)),
  },
  {
    model: "scd4x",
    what: "zeros with sound checksums",
    shows: "not-ready",
    chip: scd4x(1, words(0, 0, 0)),
  },
  {
    model: "sdp3x",
    what: "zeros with sound checksums",
    shows: "range",
    chip: sdp3x(words(0, 0, 0)),
  },
  {
    model: "sdp3x",
    what: "another product",
    shows: "identity",
    chip: sdp3x(words(60, 4_000, 60), 0x0701),
  },
  {
    model: "ads1115",
    what: "a floating bus",
    shows: "bus",
    options: { a0: { kind: "voltage" } },
    chip: () => new Chip({ "01": [0xff, 0xff] }),
  },
  {
    model: "ads1115",
    what: "an input beyond its scale",
    shows: "range",
    options: { a0: { kind: "voltage" } },
    chip: () => new Chip({ "01": [0xc3, 0x83], "00": [0x7f, 0xff] }),
  },
  {
    model: "ads1115",
    what: "power lost in the conversion",
    shows: "reset",
    options: { a0: { kind: "voltage" } },
    chip: () => new Chip({ "01": [0x85, 0x83] }),
  },
  { model: "ina219", what: "a good reading", shows: 4.8, options: INA, chip: () => ina({}) },
  {
    model: "ina219",
    what: "calibration lost with the power",
    shows: "reset",
    options: INA,
    chip: () => ina({}),
    later: brownOut(5),
  },
  {
    model: "ina226",
    what: "calibration lost with the power",
    shows: "reset",
    options: INA,
    chip: () => ina({ 254: [0x54, 0x49], 255: [0x22, 0x60] }),
    later: brownOut(5),
  },
  {
    model: "ina226",
    what: "an INA219 in its place",
    shows: "identity",
    options: INA,
    chip: () => ina({ 254: [0, 0], 255: [0, 0] }),
  },
  {
    model: "ina228",
    what: "set-up lost with the power",
    shows: "reset",
    options: INA,
    chip: () => new Chip({}, { 62: [0x54, 0x49], 63: [0x22, 0x81] }),
    later: brownOut(1),
  },
  {
    model: "ina228",
    what: "an INA226 in its place",
    shows: "identity",
    options: INA,
    chip: () => ina({ 62: [0, 0], 63: [0, 0] }),
  },
  {
    model: "ina3221",
    what: "set-up lost with the power",
    shows: "reset",
    options: { shuntOhm1: 0.1, shuntOhm2: 0.1, shuntOhm3: 0.1 },
    chip: () => new Chip({}, { 254: [0x54, 0x49], 255: [0x32, 0x20] }),
    later: brownOut(0),
  },
  {
    model: "mcp23017",
    what: "pull-ups lost with the power",
    shows: "reset",
    chip: expander,
    later: (chip) => chip.registers.set(0, [0xff, 0xff]),
  },
];

/** What the first point shows at last. */
async function shown(
  { model, chip: make, options, later }: Omit<Row, "what" | "shows">,
  trouble?: Trouble,
) {
  const driver = DRIVERS.get(model);
  if (!driver) throw new Error(`no driver ${model}`);
  const clock = new FakeClock();
  const seen = collector(clock);
  const chip = make();
  const [channel = ""] = Object.keys(driver.channels);
  const points = { [channel]: "p.x" };
  const device = { id: "p", driver, address: driver.addresses[0] ?? 0, everyMs: 10_000, points };
  const more = options === undefined ? {} : { options };
  const loop = i2cLoop({
    bus: "i2c",
    open: async () => chip,
    clock,
    ...seen,
    devices: [{ ...device, ...more }],
  });
  const stop = new AbortController();
  const done = loop.run(stop.signal);
  await clock.advance(8_000);
  if (later) {
    expect(typeof seen.of("p.x").at(-1)).toBe("number");
    later(chip);
    await clock.advance(10_000);
  }
  if (trouble) {
    chip.trouble = trouble;
    await clock.advance(10_000);
  }
  stop.abort();
  await done;
  return seen.of("p.x").at(-1);
}

describe("what a chip shows when it is not well is a reason, never a number", () => {
  test.each(ROWS)("$model: $what is $shows", async ({ shows, ...row }) => {
    const found = await shown(row);
    if (typeof shows === "number") expect(found).toBeCloseTo(shows, 1);
    else expect(found).toBe(shows);
  });

  test.each([...DRIVERS.keys()])(
    "%s: unplugged is no-answer, a stuck bus is bus",
    async (model) => {
      const row = { chip: () => new Chip({}), ...ROWS.find((each) => each.model === model), model };
      const examples = DRIVERS.get(model)?.optionsSchema?.meta()?.examples;
      const options = Array.isArray(examples) ? { options: examples[0] } : {};
      const { later: _, ...plain } = { later: undefined, ...row };
      expect(await shown({ ...options, ...plain }, "no-answer")).toBe("no-answer");
      expect(await shown({ ...options, ...plain }, "bus")).toBe("bus");
    },
  );
});

test("a frozen value is noticed on every chip with noise in its last bit, and on no other", () => {
  const watched = [...DRIVERS.values()].filter(({ channels, coarse = false }) =>
    Object.values(channels).some((quantity) => truthRules({ quantity, coarse }).frozen),
  );
  expect(watched.map(({ model }) => model).sort()).toEqual([
    ...["aht20", "bme280", "bmp280", "hdc1080", "hdc302x", "ina228", "scd4x", "sdp3x"],
    ...["sht31", "sht4x", "shtc3", "tmp117"],
  ]);
});
