import { z } from "zod";
import { ID_PATTERN } from "../../contract/id.ts";
import { PULSE_DEBOUNCE_MS } from "../doors/pulse-loop.ts";
import { UPS_VALUES, type UpsValue } from "../ups/model.ts";

const UPS_VALUE_NAMES = Object.keys(UPS_VALUES) as [UpsValue, ...UpsValue[]];

/** Every message completes the sentence "<what was found> …": first what is wrong, then what is allowed. */
export function says(allowed: string) {
  return {
    error: (issue: { input?: unknown }) =>
      issue.input === undefined ? `is missing; ${allowed}` : `is not allowed; ${allowed}`,
  };
}

/** A block whose unknown keys are reported with the names it does have, separated by blanks. */
export function block<T extends z.ZodRawShape>(what: string, shape: T) {
  const names = Object.keys(shape);
  const wrong = says(`${what} is a block with ${names.join(", ")}`).error;
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? names.join(" ") : wrong(issue)),
  });
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(\d{1,9})(ms|s|m|h)$/;

function toMs(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

export function duration(least: string, most: string) {
  const help = says(`write a number and a unit, from ${least} to ${most}, such as 500ms, 2s or 5m`);
  return z
    .string(help)
    .regex(DURATION, help)
    .refine((text) => {
      const ms = toMs(text);
      return Number.isNaN(ms) || (ms >= toMs(least) && ms <= toMs(most));
    }, help)
    .transform(toMs);
}

export const whole = (least: number, most: number, what: string) => {
  const help = says(`${what} is a whole number from ${least} to ${most}`);
  return z.int(help).min(least, help).max(most, help);
};

const oneOf = <const T extends [string, ...string[]]>(values: T, what: string) =>
  z.enum(values, says(`${what} is ${values.join(", ")}`));

export const text = (what: string) => {
  const help = says(`${what} is a text of 1–80 characters`);
  return z.string(help).min(1, help).max(80, help);
};

export const path = z.string(says("write a file or folder, from this file's folder on")).min(1);

export const id = (what: string) => {
  const help = says(
    `${what} is 1–64 characters of a–z 0–9 _ . - beginning with a letter or digit, in quotes when it is a plain number`,
  );
  return z.string(help).regex(ID_PATTERN, help);
};

export const hubUrl = says("write mqtt://host or mqtt://host:port");
const TCP = "tcp://[^\\s/:]+:\\d{1,5}";
const i2cDevice = says("write /dev/i2c-<number>, or tcp://host:port for a simulated room");
const gpioChip = says(
  "write auto, a chip's label such as pinctrl-bcm2711, or tcp://host:port for a simulated room",
);

export const BAUDS = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200] as const;

const secret = says("write env:NAME or file:PATH; a secret does not stand in this file");

const bus = {
  i2c: block("an I2C bus", {
    id: id("a bus id"),
    type: z.literal("i2c"),
    device: z.string(i2cDevice).regex(new RegExp(`^(/dev/i2c-\\d{1,4}|${TCP})$`), i2cDevice),
  }),
  oneWire: block("a 1-Wire bus", {
    id: id("a bus id"),
    type: z.literal("one-wire"),
    path: path.default("/sys/bus/w1/devices"),
  }),
  gpio: block("a GPIO bus", {
    id: id("a bus id"),
    type: z.literal("gpio"),
    chip: z.string(gpioChip).regex(new RegExp(`^([A-Za-z0-9_.-]{1,64}|${TCP})$`), gpioChip),
  }),
  modbusRtu: block("a Modbus RTU bus", {
    id: id("a bus id"),
    type: z.literal("modbus-rtu"),
    device: path,
    baud: z.literal([...BAUDS], says(`baud is ${BAUDS.join(", ")}`)),
    parity: oneOf(["none", "even", "odd"], "parity"),
    stop: z.literal([1, 2], says("stop is 1 or 2")).default(1),
  }),
  modbusTcp: block("a Modbus TCP bus", {
    id: id("a bus id"),
    type: z.literal("modbus-tcp"),
    host: z.string(says("write a host name or an IP address")).min(1),
    port: whole(1, 65_535, "a port").default(502),
  }),
  nut: block("a NUT server", {
    id: id("a bus id"),
    type: z.literal("nut"),
    host: z.string(says("write a host name or an IP address")).min(1),
    port: whole(1, 65_535, "a port").default(3493),
    user: text("a user").optional(),
    password: z
      .string(secret)
      .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, secret)
      .optional(),
  }),
  kernel: block("the kernel's sensors", {
    id: id("a bus id"),
    type: z.literal("kernel"),
    path: path.default("/sys"),
  }),
};

export const BUS_TYPES = [
  "i2c",
  "one-wire",
  "gpio",
  "modbus-rtu",
  "modbus-tcp",
  "nut",
  "kernel",
] as const;
export const busSchema = z.discriminatedUnion(
  "type",
  [bus.i2c, bus.oneWire, bus.gpio, bus.modbusRtu, bus.modbusTcp, bus.nut, bus.kernel],
  says(`a bus type is ${BUS_TYPES.join(", ")}`),
);
export type BusConfig = z.output<typeof busSchema>;

const points = z.record(
  z.string(),
  id("a point"),
  says("write which point each value becomes, such as { temperature: a01.inlet-top }"),
);
const every = duration("500ms", "1h");

export const i2cDeviceSchema = block("an I2C device", {
  id: id("a device id"),
  label: text("a label").optional(),
  bus: id("a bus id"),
  driver: z.string(says("name the sensor's driver, such as sht31")),
  address: whole(0x00, 0xff, "an address, such as 0x44,"),
  every,
  /** Checked by the driver's own schema. */
  options: z.unknown().optional(),
  points,
});
export const oneWireDeviceSchema = block("a 1-Wire device", {
  id: z
    .string(says("a 1-Wire id is as the folder in /sys/bus/w1/devices, such as 28-000000000a01"))
    .regex(
      /^[0-9a-f]{2}-[0-9a-f]{12}$/,
      says("a 1-Wire id is as the folder in /sys/bus/w1/devices, such as 28-000000000a01"),
    ),
  label: text("a label").optional(),
  bus: id("a bus id"),
  driver: z.string(says("name the sensor's driver, such as ds18b20")),
  every,
  points,
});
export const modbusDeviceSchema = block("a Modbus device", {
  id: id("a device id"),
  label: text("a label").optional(),
  bus: id("a bus id"),
  profile: z.string(says("name the device's profile, such as eastron-sdm630")),
  unit: whole(1, 247, "a Modbus unit"),
  /** Period of the profile's poll class `normal`, instead of the profile's own. */
  every: every.optional(),
});

export const nutDeviceSchema = block("a UPS read by NUT", {
  id: id("a device id"),
  label: text("a label").optional(),
  bus: id("a bus id"),
  ups: z.string(says("name the UPS as in the server's ups.conf")).regex(/^[A-Za-z0-9_.-]{1,64}$/),
  every: every.default(5_000),
  /** What it measures; a UPS that lacks one of them shows it as bad. */
  values: z
    .array(oneOf(UPS_VALUE_NAMES, "a value"), says(`values are ${UPS_VALUE_NAMES.join(", ")}`))
    .default([...UPS_VALUE_NAMES]),
});
export const kernelDeviceSchema = block("a sensor of the kernel", {
  id: id("a device id"),
  label: text("a label").optional(),
  bus: id("a bus id"),
  driver: z.string(says("name the kind of sensor, such as hwmon or iio")),
  sensor: z
    .string(says("name the sensor as the kernel does, such as cpu_thermal or sht3x@1-0044"))
    .regex(/^[A-Za-z0-9_.@:-]{1,80}$/, says("a sensor is a name such as cpu_thermal")),
  every,
  points,
});

const contact = oneOf(["nc", "no"], "contact").default("nc");
const line = whole(0, 511, "a GPIO line");
const perKwh = says("perKwh is the pulses per kWh printed on the meter, such as 1000");
const debounce = duration("0ms", "1m");

export const doorSchema = block("a door", {
  id: id("a door id"),
  label: text("a label").optional(),
  bus: id("a bus id"),
  line,
  contact,
  debounce: debounce.default(100),
});
export const inputSchema = block("an input", {
  point: id("a point"),
  label: text("a label").optional(),
  bus: id("a bus id"),
  line,
  contact,
  debounce: debounce.default(100),
});

export const outputSchema = block("an output", {
  id: id("an output id"),
  label: text("a label").optional(),
  bus: id("a bus id"),
  line,
  active: oneOf(["high", "low"], "active").default("high"),
  /** What it does before the first judgement and after the stop. */
  safe: oneOf(["on", "off"], "safe").default("off"),
  /** How long one alarm keeps it on. */
  autoOff: duration("1s", "24h").optional(),
  /** Local rules it follows; left out: all of them. */
  rules: z.array(id("a rule"), says("write a list of local rules")).default([]),
  until: oneOf(["cleared", "acknowledged"], "until").default("cleared"),
  /** Only once the hub has been gone for so long. */
  alone: duration("1s", "24h").optional(),
});
export const pulseSchema = block("a pulse meter", {
  /** Energy in kWh. */
  point: id("a point"),
  label: text("a label").optional(),
  power: id("a point").optional(),
  bus: id("a bus id"),
  line,
  perKwh: z.number(perKwh).min(0.001, perKwh).max(1e6, perKwh),
  contact: oneOf(["nc", "no"], "contact").default("no"),
  debounce: duration("0ms", "1s").default(PULSE_DEBOUNCE_MS),
  /** What the meter's own display showed when it was wired. */
  startKwh: z.number(says("startKwh is a number of kWh")).min(0).default(0),
});

export type NutDeviceConfig = z.output<typeof nutDeviceSchema>;
export type KernelDeviceConfig = z.output<typeof kernelDeviceSchema>;
export type OutputConfig = z.output<typeof outputSchema>;
export type PulseConfig = z.output<typeof pulseSchema>;
export type I2cDeviceConfig = z.output<typeof i2cDeviceSchema>;
export type OneWireDeviceConfig = z.output<typeof oneWireDeviceSchema>;
export type ModbusDeviceConfig = z.output<typeof modbusDeviceSchema>;
export type DoorConfig = z.output<typeof doorSchema>;
export type InputConfig = z.output<typeof inputSchema>;
