import type { Logger } from "pino";
import type { Clock } from "../contract/clock.ts";
import type { GpioPort, I2cPort, ModbusLink, OneWirePort } from "./bus/port.ts";
import type { Catalogue } from "./config/catalogue.ts";
import { type DeviceConfig, doorPoint, type EdgeConfig } from "./config/edge-config.ts";
import type { BusConfig } from "./config/schema.ts";
import type { DoorLog } from "./doors/door-log.ts";
import { type Contact, gpioLoop } from "./doors/gpio-loop.ts";
import { DRIVERS } from "./drivers/index.ts";
import { i2cLoop } from "./poll/i2c-loop.ts";
import type { BusLoop, Sink } from "./poll/loop.ts";
import { modbusLoop } from "./poll/modbus-loop.ts";
import { oneWireLoop } from "./poll/one-wire-loop.ts";

type Bus<T extends BusConfig["type"]> = Extract<BusConfig, { type: T }>;

/** Opens real buses, or in a test others. Each throws `DeviceError` when the bus is not there. */
export interface Ports {
  i2c(bus: Bus<"i2c">): Promise<I2cPort>;
  oneWire(bus: Bus<"one-wire">): Promise<OneWirePort>;
  gpio(bus: Bus<"gpio">): Promise<GpioPort>;
  modbus(bus: Bus<"modbus-rtu" | "modbus-tcp">): Promise<ModbusLink>;
}

/** The buses of this machine. Native packages load when their bus is first opened, so a node needs only its own. */
export function machinePorts(clock: Clock): Ports {
  return {
    i2c: async ({ id, device }) =>
      (await import("./bus/open.ts")).openI2c({ device, bus: id, clock }),
    oneWire: async ({ path }) =>
      (await import("./bus/one-wire-folder.ts")).openOneWireFolder({ path, clock }),
    gpio: async ({ chip }) => (await import("./bus/open.ts")).openGpio({ chip, clock }),
    modbus: async (bus) => {
      const { openModbusRtu, openModbusTcp } = await import("./bus/modbus-link.ts");
      return bus.type === "modbus-tcp"
        ? openModbusTcp({ host: bus.host, port: bus.port, clock })
        : openModbusRtu({ ...bus, clock });
    },
  };
}

export interface BusDeps {
  config: Pick<EdgeConfig, "buses" | "devices" | "doors" | "inputs">;
  catalogue: Catalogue;
  ports: Ports;
  sink: Sink;
  /** For contacts, which do not wait for the next live message. */
  urgentSink: Sink;
  doors: DoorLog;
  clock: Clock;
  log: Logger;
}

/** One loop for each bus that has something on it. */
export function busLoops(deps: BusDeps): BusLoop[] {
  const { devices, doors, inputs, buses } = deps.config;
  const used = new Set([...devices, ...doors, ...inputs].map(({ bus }) => bus));
  return buses.filter(({ id }) => used.has(id)).map((bus) => busLoop(bus, deps));
}

function busLoop(bus: BusConfig, deps: BusDeps): BusLoop {
  const { ports, sink, clock, log, catalogue } = deps;
  const common = { bus: bus.id, clock, sink, log: log.child({ bus: bus.id }) };
  switch (bus.type) {
    case "i2c":
      return i2cLoop({
        ...common,
        open: () => ports.i2c(bus),
        devices: devicesOn(deps, bus.id, "i2c").map(({ every, driver, ...device }) => ({
          ...device,
          everyMs: every,
          driver: required(DRIVERS.get(driver), driver),
        })),
      });
    case "one-wire":
      return oneWireLoop({
        ...common,
        open: () => ports.oneWire(bus),
        devices: devicesOn(deps, bus.id, "one-wire").flatMap(({ id, every, points }) =>
          Object.values(points).map((point) => ({ id, everyMs: every, point })),
        ),
      });
    case "gpio":
      return gpioLoop({
        ...common,
        sink: deps.urgentSink,
        open: () => ports.gpio(bus),
        contacts: contactsOn(deps, bus.id),
        doors: deps.doors,
      });
    case "modbus-rtu":
    case "modbus-tcp":
      return modbusLoop({
        ...common,
        open: () => ports.modbus(bus),
        devices: devicesOn(deps, bus.id, "modbus").map(({ id, profile, unit }) => ({
          id,
          unit,
          profile: catalogue.profile(profile),
        })),
      });
  }
}

function devicesOn<K extends DeviceConfig["kind"]>(
  { config }: BusDeps,
  bus: string,
  kind: K,
): Extract<DeviceConfig, { kind: K }>[] {
  return config.devices.filter(
    (device): device is Extract<DeviceConfig, { kind: K }> =>
      device.bus === bus && device.kind === kind,
  );
}

function contactsOn({ config }: BusDeps, bus: string): Contact[] {
  const doors = config.doors.map((door) => ({ ...door, point: doorPoint(door.id), door: door.id }));
  return [...doors, ...config.inputs]
    .filter((contact) => contact.bus === bus)
    .map(({ debounce, ...contact }) => ({ ...contact, debounceMs: debounce }));
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`driver ${name} vanished after the check`);
  return value;
}
