import { z } from "zod";
import { ID_PATTERN } from "../../contract/id.ts";

/** Every message completes the sentence "<what was found> …": first what is wrong, then what is allowed. */
function says(allowed: string) {
  return {
    error: (issue: { input?: unknown }) =>
      issue.input === undefined ? `is missing; ${allowed}` : `is not allowed; ${allowed}`,
  };
}

/** A block whose unknown keys are reported with the names it does have, separated by blanks. */
function block<T extends z.ZodRawShape>(what: string, shape: T) {
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

function duration(least: string, most: string) {
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

const whole = (least: number, most: number, what: string) => {
  const help = says(`${what} is a whole number from ${least} to ${most}`);
  return z.int(help).min(least, help).max(most, help);
};

const oneOf = <const T extends [string, ...string[]]>(values: T, what: string) =>
  z.enum(values, says(`${what} is ${values.join(", ")}`));

const text = (what: string) => {
  const help = says(`${what} is a text of 1–80 characters`);
  return z.string(help).min(1, help).max(80, help);
};

const path = z.string(says("write a file or folder, from this file's folder on")).min(1);

const id = (what: string) => {
  const help = says(
    `${what} is 1–64 characters of a–z 0–9 _ . - beginning with a letter or digit, in quotes when it is a plain number`,
  );
  return z.string(help).regex(ID_PATTERN, help);
};

const hubUrl = says("write mqtt://host or mqtt://host:port");
const TCP = "tcp://[^\\s/:]+:\\d{1,5}";
const i2cDevice = says("write /dev/i2c-<number>, or tcp://host:port for a simulated room");
const gpioChip = says(
  "write auto, a chip's label such as pinctrl-bcm2711, or tcp://host:port for a simulated room",
);

export const BAUDS = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200] as const;

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
};

export const BUS_TYPES = ["i2c", "one-wire", "gpio", "modbus-rtu", "modbus-tcp"] as const;
export const busSchema = z.discriminatedUnion(
  "type",
  [bus.i2c, bus.oneWire, bus.gpio, bus.modbusRtu, bus.modbusTcp],
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
});

const contact = oneOf(["nc", "no"], "contact").default("nc");
const line = whole(0, 511, "a GPIO line");
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

const list = <T extends z.ZodType>(item: T, what: string) =>
  z.array(item, says(`write a list of ${what}, each beginning with -`)).default([]);

const top = {
  node: id("a node id"),
  label: text("a label").optional(),
  hub: block("hub", { url: z.string(hubUrl).regex(/^mqtt:\/\/[^\s/:]+(:\d{1,5})?$/, hubUrl) }),
  spool: block("spool", {
    path,
    quotaMb: whole(8, 65_536, "quotaMb").default(256),
    commitEvery: duration("500ms", "1m").default(2_000),
  }),
};

/** Everything but the entries of the lists, which are checked one by one so that one mistake hides no other. */
export const frameSchema = block("the file", {
  ...top,
  buses: list(z.unknown(), "buses"),
  devices: list(z.unknown(), "devices"),
  doors: list(z.unknown(), "doors"),
  inputs: list(z.unknown(), "inputs"),
});

/** The whole file, for editors. */
export const edgeSchema = block("the file", {
  ...top,
  buses: list(busSchema, "buses"),
  devices: list(z.union([i2cDeviceSchema, oneWireDeviceSchema, modbusDeviceSchema]), "devices"),
  doors: list(doorSchema, "doors"),
  inputs: list(inputSchema, "inputs"),
});

export type I2cDeviceConfig = z.output<typeof i2cDeviceSchema>;
export type OneWireDeviceConfig = z.output<typeof oneWireDeviceSchema>;
export type ModbusDeviceConfig = z.output<typeof modbusDeviceSchema>;
export type DoorConfig = z.output<typeof doorSchema>;
export type InputConfig = z.output<typeof inputSchema>;
