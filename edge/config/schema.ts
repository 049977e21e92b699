import { z } from "zod";
import { block, duration, says } from "../../contract/yaml-words.ts";
import { PULSE_DEBOUNCE_MS } from "../doors/pulse-loop.ts";
import { UPS_VALUES, type UpsValue, USUAL_UPS_VALUES } from "../ups/model.ts";
import { amount, id, oneOf, path, text, whole } from "./words.ts";

const UPS_VALUE_NAMES = Object.keys(UPS_VALUES) as [UpsValue, ...UpsValue[]];

export const hubUrl = says(
  "write mqtts://host:port, or mqtt://host:port for a hub on this machine",
);
const TCP = "tcp://[^\\s/:]+:\\d{1,5}";
const i2cDevice = says("write /dev/i2c-<number>, or tcp://host:port for a simulated room");
const gpioChip = says(
  "write auto, a chip's label such as pinctrl-bcm2711, or tcp://host:port for a simulated room",
);

export const BAUDS = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200] as const;

const secret = says("write env:NAME or file:PATH; a secret does not stand in this file");

/** Chips whose lines serve as those of a GPIO bus, and how many each has. */
export const EXPANDER_LINES = { mcp23017: 16, pcf8574: 8 } as const;
export type ExpanderChip = keyof typeof EXPANDER_LINES;
const EXPANDER_CHIPS = Object.keys(EXPANDER_LINES) as [ExpanderChip, ...ExpanderChip[]];
/** Inputs of an ADS1115. */
export const LOOP_LINES = 4;

const bus = {
  i2c: block("an I2C bus", {
    id: id("a bus id"),
    type: z.literal("i2c"),
    device: z.string(i2cDevice).regex(new RegExp(`^(/dev/i2c-\\d{1,4}|${TCP})$`), i2cDevice),
    /** The header's pins of this bus, to clock a slave free that holds it. */
    recover: block("recover", {
      sda: whole(0, 53, "the pin of SDA"),
      scl: whole(0, 53, "the pin of SCL"),
    }).optional(),
  }),
  i2cMux: block("a channel of an I2C multiplexer", {
    id: id("a bus id"),
    type: z.literal("i2c-mux"),
    bus: id("a bus id"),
    address: whole(0x70, 0x77, "the address of a TCA9548A"),
    channel: whole(0, 7, "a channel"),
  }),
  i2cGpio: block("a GPIO expander on I2C", {
    id: id("a bus id"),
    type: z.literal("i2c-gpio"),
    bus: id("a bus id"),
    chip: oneOf(EXPANDER_CHIPS, "chip"),
    address: whole(0x20, 0x3f, "the address of an expander"),
    /** Between two looks at the lines. */
    every: duration("20ms", "5s").default(100),
  }),
  i2cLoops: block("supervised door loops on I2C", {
    id: id("a bus id"),
    type: z.literal("i2c-loops"),
    bus: id("a bus id"),
    chip: z.literal("ads1115", says("chip is ads1115")),
    address: whole(0x48, 0x4b, "the address of an ADS1115"),
    every: duration("50ms", "5s").default(100),
    /** Of the pull-ups. */
    supplyV: amount("the supply of the pull-ups in V,", 1, 5.5).default(3.3),
    pullUpOhm: amount("the pull-up in Ω,", 100, 100_000).default(2_200),
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
    /** Speaks to it only through TLS, and only if its certificate is right. */
    tls: z.boolean(says("tls is true or false")).optional(),
    /** What signed its certificate; left out, what this machine trusts. Means TLS by itself. */
    ca: path.optional(),
  }),
  kernel: block("the kernel's sensors", {
    id: id("a bus id"),
    type: z.literal("kernel"),
    path: path.default("/sys"),
  }),
};

export const BUS_TYPES = [
  "i2c",
  "i2c-mux",
  "i2c-gpio",
  "i2c-loops",
  "one-wire",
  "gpio",
  "modbus-rtu",
  "modbus-tcp",
  "nut",
  "kernel",
] as const;
export const busSchema = z.discriminatedUnion(
  "type",
  [
    bus.i2c,
    bus.i2cMux,
    bus.i2cGpio,
    bus.i2cLoops,
    bus.oneWire,
    bus.gpio,
    bus.modbusRtu,
    bus.modbusTcp,
    bus.nut,
    bus.kernel,
  ],
  says(`a bus type is ${BUS_TYPES.join(", ")}`),
);
export type BusConfig = z.output<typeof busSchema>;

const points = z.record(
  z.string(),
  id("a point"),
  says("write which point each value becomes, such as { temperature: a01.inlet-top }"),
);
const every = duration("500ms", "1h");
/** What is added to a channel, found against a reference instrument; bounded by the cross-check. */
const offset = z.record(z.string(), z.number(says("an offset is a number"))).optional();

export const i2cDeviceSchema = block("an I2C device", {
  id: id("a device id"),
  label: text("a label").optional(),
  bus: id("a bus id"),
  driver: z.string(says("name the sensor's driver, such as sht31")),
  address: whole(0x00, 0xff, "an address, such as 0x44,"),
  every,
  /** Checked by the driver's own schema. */
  options: z.unknown().optional(),
  /** Whether its heater may drive condensed water off. */
  heater: z.boolean(says("heater is true or false")).optional(),
  offset,
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
  offset,
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
    .default([...USUAL_UPS_VALUES]),
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
  offset,
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
