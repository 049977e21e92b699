import type { Logger } from "pino";
import type { Clock } from "../contract/clock.ts";
import { type I2cTree, i2cTree, type LineBus } from "./bus/i2c-tree.ts";
import type { KernelSensorPort } from "./bus/kernel-sensors.ts";
import type { NutPort } from "./bus/nut-client.ts";
import type { GpioPort, I2cPort, ModbusLink, OneWirePort } from "./bus/port.ts";
import type { Catalogue } from "./config/catalogue.ts";
import { type DeviceConfig, doorPoint, type Parts } from "./config/edge-config.ts";
import { deviceProfile } from "./config/points.ts";
import type { BusConfig } from "./config/schema.ts";
import { secretOf } from "./config/secret.ts";
import type { DoorLog } from "./doors/door-log.ts";
import { type Contact, gpioLoop } from "./doors/gpio-loop.ts";
import { type Memory, pulseLoop } from "./doors/pulse-loop.ts";
import { DRIVERS, KERNEL_DRIVERS } from "./drivers/index.ts";
import { type OutputLoop, outputLoop } from "./outputs/output-loop.ts";
import { i2cLoop } from "./poll/i2c-loop.ts";
import { kernelSensorLoop } from "./poll/kernel-sensor-loop.ts";
import type { BusLoop, Sink } from "./poll/loop.ts";
import { modbusLoop } from "./poll/modbus-loop.ts";
import { nutLoop } from "./poll/nut-loop.ts";
import { oneWireLoop } from "./poll/one-wire-loop.ts";
import { upsSink } from "./ups/modbus.ts";

type Bus<T extends BusConfig["type"]> = Extract<BusConfig, { type: T }>;

/** Opens real buses, or in a test others. Each throws `DeviceError` when the bus is not there. */
export interface Ports {
  i2c(bus: Bus<"i2c">): Promise<I2cPort>;
  oneWire(bus: Bus<"one-wire">): Promise<OneWirePort>;
  gpio(bus: Bus<"gpio">): Promise<GpioPort>;
  modbus(bus: Bus<"modbus-rtu" | "modbus-tcp">): Promise<ModbusLink>;
  nut(bus: Bus<"nut">): Promise<NutPort>;
  kernel(bus: Bus<"kernel">): Promise<KernelSensorPort>;
  /** Clocks a slave free that holds an I2C bus, by the pins in `recover`; absent where nobody can. */
  recoverI2c?(bus: Bus<"i2c">): Promise<void>;
}

/** The buses of this machine. Native packages load when their bus is first opened, so a node needs only its own. */
export function machinePorts(clock: Clock, log?: Logger): Ports {
  return {
    i2c: async ({ id, device }) =>
      (await import("./bus/open.ts")).openI2c({ device, bus: id, clock }),
    recoverI2c: async ({ id, recover }) => {
      if (!recover) return;
      const clocks = await (await import("./bus/i2c-recover.ts")).clockFree(recover, { clock });
      log?.warn({ bus: id, clocks }, "I2C bus clocked free");
    },
    oneWire: async ({ path }) =>
      (await import("./bus/one-wire-folder.ts")).openOneWireFolder({ path, clock }),
    gpio: async ({ chip }) =>
      (await import("./bus/open.ts")).openGpio({ chip, clock, ...(log && { log }) }),
    modbus: async (bus) => {
      const { openModbusRtu, openModbusTcp } = await import("./bus/modbus-link.ts");
      return bus.type === "modbus-tcp"
        ? openModbusTcp({ host: bus.host, port: bus.port, clock })
        : openModbusRtu({ ...bus, clock });
    },
    nut: async ({ host, port, user, password, ca, tls }) => {
      const login =
        user === undefined || password === undefined
          ? {}
          : { login: { user, password: secretOf(password) } };
      const secure = tls || ca !== undefined ? { tls: ca === undefined ? {} : { ca } } : {};
      return (await import("./bus/open.ts")).openNut({ host, port, clock, ...login, ...secure });
    },
    kernel: async ({ path }) =>
      (await import("./bus/kernel-sensors.ts")).openKernelSensors({ root: path, clock }),
  };
}

export interface BusDeps {
  config: Parts;
  catalogue: Catalogue;
  ports: Ports;
  sink: Sink;
  /** For contacts, which do not wait for the next live message. */
  urgentSink: Sink;
  doors: DoorLog;
  /** What survives a restart. */
  memory: Memory;
  clock: Clock;
  log: Logger;
}

/** The I2C buses of a node, for `busLoops` and `outputLoops` together: each is opened once. */
export function sharedBuses({ config, ports, clock }: BusDeps): I2cTree {
  const { recoverI2c: recover } = ports;
  return i2cTree({ config, open: ports.i2c, clock, ...(recover && { recover }) });
}

/** One loop for each bus that is read, and one more for the pulse meters of a GPIO chip. */
export function busLoops(deps: BusDeps, shared = sharedBuses(deps)): BusLoop[] {
  const { devices, doors, inputs, pulses, buses } = deps.config;
  const used = new Set([...devices, ...doors, ...inputs].map(({ bus }) => bus));
  const counted = new Set(pulses.map(({ bus }) => bus));
  return [
    ...buses.filter(({ id }) => used.has(id)).map((bus) => busLoop(bus, deps, shared)),
    ...lineBuses(deps, counted).flatMap((bus) =>
      bus.type === "gpio" ? [pulsesOf(bus, deps)] : [],
    ),
  ];
}

/** The name of the loop that drives the outputs of a GPIO bus. */
export const outputBus = (bus: string) => `${bus}.outputs`;

/** One loop for the outputs of each GPIO chip or expander that has some. */
export function outputLoops(deps: BusDeps, shared = sharedBuses(deps)): OutputLoop[] {
  const { ports, urgentSink, clock, log, config } = deps;
  const used = new Set(config.outputs.map(({ bus }) => bus));
  return lineBuses(deps, used).map((bus) =>
    outputLoop({
      bus: outputBus(bus.id),
      open: () => (bus.type === "gpio" ? ports.gpio(bus) : shared.lines(bus)),
      outputs: config.outputs
        .filter((output) => output.bus === bus.id)
        .map(({ autoOff, ...output }) => ({
          ...output,
          ...(autoOff === undefined ? {} : { autoOffMs: autoOff }),
        })),
      sink: urgentSink,
      clock,
      log: log.child({ bus: bus.id }),
    }),
  );
}

const LINE_BUSES: readonly string[] = ["gpio", "i2c-gpio", "i2c-loops"];

function lineBuses({ config }: BusDeps, ids: ReadonlySet<string>): (Bus<"gpio"> | LineBus)[] {
  return config.buses.filter(
    (bus): bus is Bus<"gpio"> | LineBus => LINE_BUSES.includes(bus.type) && ids.has(bus.id),
  );
}

function pulsesOf(bus: Bus<"gpio">, { config, ports, memory, sink, clock, log }: BusDeps): BusLoop {
  return pulseLoop({
    bus: `${bus.id}.pulses`,
    open: () => ports.gpio(bus),
    meters: config.pulses
      .filter((meter) => meter.bus === bus.id)
      .map(({ debounce, power, ...meter }) => ({
        ...meter,
        debounceMs: debounce,
        ...(power === undefined ? {} : { powerPoint: power }),
      })),
    memory,
    sink,
    clock,
    log: log.child({ bus: bus.id }),
  });
}

function busLoop(bus: BusConfig, deps: BusDeps, shared: I2cTree): BusLoop {
  const { ports, sink, clock, log } = deps;
  const common = { bus: bus.id, clock, sink, log: log.child({ bus: bus.id }) };
  switch (bus.type) {
    case "i2c":
    case "i2c-mux":
      return i2cLoop({
        ...common,
        open: () => shared.chips(bus),
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
    case "i2c-gpio":
    case "i2c-loops":
      return gpioLoop({
        ...common,
        sink: deps.urgentSink,
        open: () => (bus.type === "gpio" ? ports.gpio(bus) : shared.lines(bus)),
        contacts: contactsOn(deps, bus.id),
        doors: deps.doors,
      });
    case "modbus-rtu":
    case "modbus-tcp":
      return modbusOf(bus, deps);
    case "nut":
      return nutLoop({
        ...common,
        open: () => ports.nut(bus),
        devices: devicesOn(deps, bus.id, "nut").map(({ every, ...ups }) => ({
          ...ups,
          everyMs: every,
        })),
      });
    case "kernel":
      return kernelSensorLoop({
        ...common,
        open: () => ports.kernel(bus),
        devices: devicesOn(deps, bus.id, "kernel").map(({ every, driver, ...sensor }) => ({
          ...sensor,
          everyMs: every,
          driver: required(KERNEL_DRIVERS.get(driver), driver),
        })),
      });
  }
}

/** The states of a UPS mean the same whether it is read by Modbus or by NUT. */
function modbusOf(bus: Bus<"modbus-rtu" | "modbus-tcp">, deps: BusDeps): BusLoop {
  const { ports, clock, log, catalogue } = deps;
  const devices = devicesOn(deps, bus.id, "modbus").map((device) => ({
    id: device.id,
    unit: device.unit,
    profile: deviceProfile(device, catalogue),
  }));
  const upses = devices
    .filter(({ profile }) => profile.points.some(({ id }) => id === "on-battery"))
    .map(({ id }) => id);
  const sink = upses.length > 0 ? upsSink(upses, deps.sink) : deps.sink;
  return modbusLoop({
    ...{ bus: bus.id, clock, sink, devices },
    log: log.child({ bus: bus.id }),
    open: () => ports.modbus(bus),
  });
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
