import type { Mischief, Sensor } from "./catalogue.ts";
import { COOLING, DOORS, FEEDS, GENERATOR, I2C_BUSES, LEAK_POINT, RACKS } from "./layout.ts";
import type { ModbusDevice, ModbusFault } from "./modbus/device.ts";
import { refuel } from "./power.ts";
import type { Sensors } from "./sensors.ts";
import type { I2cBus } from "./wire/hall-wire.ts";
import type { World } from "./world.ts";

/** What commands act on. */
export interface Controlled {
  world: World;
  sensors: Sensors;
  catalogue: ReadonlyMap<string, Sensor>;
  buses: ReadonlyMap<string, I2cBus>;
  modbus: ReadonlyMap<string, ModbusDevice & { serial: boolean }>;
  /** Power-up of the chip behind these points. */
  resetChip(plug: readonly string[]): void;
  pace: { speed: number };
}

/** A command that cannot be done. The message names what was found and what is allowed. */
export class CommandError extends Error {}

interface Command {
  /** Shown to people: what it does. */
  help: string;
  targets(on: Controlled): readonly string[];
  /** What the value means; absent when the command takes none. */
  value?: string;
  /** Returns what has been done, as a sentence. */
  run(on: Controlled, target: string, value: string): string;
}

const LATE_MS = 1_500;
const SPEED_MAX = 1_000;
const HEAT_MAX_C = 60;
const utilities = () => FEEDS.map((feed) => `utility-${feed}`);

export const COMMANDS: Readonly<Record<string, Command>> = {
  trip: cooling("stops a cooling unit", true),
  restore: {
    help: "brings back a tripped cooling unit or a lost utility feed",
    targets: () => [...COOLING.map(({ id }) => id), ...utilities()],
    run(on, target) {
      if (COOLING.some(({ id }) => id === target)) return setTripped(on, target, false);
      return setUtility(on, target, true);
    },
  },
  lose: {
    help: "cuts a utility feed",
    targets: utilities,
    run: (on, target) => setUtility(on, target, false),
  },
  fail: generator("keeps the generator from running", true),
  repair: generator("mends and refuels the generator", false),
  open: door("opens a door", true),
  close: door("closes a door", false),
  wet: leak("wets the leak rope", true),
  dry: leak("dries the leak rope", false),
  heat: {
    help: "makes a hot spot at a rack's inlets, reached within seconds",
    targets: () => RACKS.map(({ id }) => id),
    value: `extra °C, 0–${HEAT_MAX_C}; 0 ends it`,
    run(on, target, value) {
      const extraC = number(value, 0, HEAT_MAX_C);
      const rack = on.world.thermal.racks.find(({ id }) => id === target);
      if (rack) rack.hotTargetC = extraC;
      return `${target} inlets ${extraC} °C above their surroundings`;
    },
  },
  unplug: {
    ...mischief("takes a sensor off its wire; a contact's loop is cut", "unplug"),
    run(on, target) {
      for (const point of plugOf(on, target)) on.sensors.set(point, { unplugged: true });
      return `${target} unplugged`;
    },
  },
  plug: {
    ...mischief("puts an unplugged sensor back", "unplug"),
    run(on, target) {
      for (const point of plugOf(on, target)) on.sensors.set(point, { unplugged: false });
      on.resetChip(plugOf(on, target));
      return `${target} plugged in`;
    },
  },
  freeze: {
    ...mischief("holds a sensor at its present value", "freeze"),
    run(on, target) {
      on.sensors.freeze(target);
      return `${target} frozen at ${on.sensors.measure(target)}`;
    },
  },
  thaw: {
    ...mischief("ends freeze", "freeze"),
    run(on, target) {
      on.sensors.set(target, { frozenAt: undefined });
      return `${target} follows the truth again`;
    },
  },
  drift: {
    ...mischief("makes a sensor show too much or too little", "drift"),
    value: "offset in the point's unit; 0 ends it",
    run(on, target, value) {
      const drift = number(value, -1e6, 1e6);
      on.sensors.set(target, { drift });
      return `${target} shows ${drift} more than is true`;
    },
  },
  corrupt: {
    ...mischief("damages a sensor's check byte", "corrupt"),
    run(on, target) {
      on.sensors.set(target, { corrupt: true });
      return `${target} sends a wrong check byte`;
    },
  },
  clean: {
    ...mischief("ends corrupt", "corrupt"),
    run(on, target) {
      on.sensors.set(target, { corrupt: false });
      return `${target} sends right check bytes`;
    },
  },
  hang: bus("makes an I2C bus stop answering", true),
  unhang: bus("ends hang", false),
  silence: {
    help: "makes a Modbus device stop answering",
    targets: (on) => [...on.modbus.keys()],
    run: (on, target) => setFault(on, target, { kind: "silent" }),
  },
  disturb: {
    help: "spoils every answer of a Modbus device",
    targets: (on) => [...on.modbus.keys()],
    value: `late[:ms] (default ${LATE_MS}), exception[:1–11] (default 4), garbage, crc (serial line only) or close (TCP only)`,
    run: (on, target, value) => setFault(on, target, parseFault(on, target, value)),
  },
  answer: {
    help: "ends silence and disturb",
    targets: (on) => [...on.modbus.keys()],
    run: (on, target) => setFault(on, target, undefined),
  },
  speed: {
    help: "makes the physics run faster than time; wires keep their own pace",
    targets: () => [],
    value: `factor, 0–${SPEED_MAX}; 1 is real time, 0 stands still`,
    run(on, _target, value) {
      on.pace.speed = number(value, 0, SPEED_MAX);
      return `physics run ${on.pace.speed} times as fast as time`;
    },
  },
};

/** Carries out one command. Throws CommandError and leaves everything as it was. */
export function obey(on: Controlled, name: string, target = "", value = ""): string {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command)
    throw new CommandError(
      `"${name}" is not a command; allowed: ${Object.keys(COMMANDS).join(", ")}`,
    );
  const targets = command.targets(on);
  // `speed 10`: a command without targets takes its value in the target's place.
  if (targets.length === 0) return command.run(on, "", value || target);
  const meant = target === "leak" ? LEAK_POINT : target;
  if (!targets.includes(meant))
    throw new CommandError(`${name}: "${target}" is not a target; allowed: ${targets.join(", ")}`);
  if (command.value === undefined && value !== "")
    throw new CommandError(`${name} takes no value, found "${value}"`);
  return command.run(on, meant, value);
}

/** A command in plain words. */
export interface CommandWords {
  command: string;
  does: string;
  targets: readonly string[];
  value?: string;
}

export function describeCommands(on: Controlled): CommandWords[] {
  return Object.entries(COMMANDS).map(([command, { help, targets, value }]) => ({
    command,
    does: help,
    targets: targets(on),
    ...(value === undefined ? {} : { value }),
  }));
}

function cooling(help: string, tripped: boolean): Command {
  return {
    help,
    targets: () => COOLING.map(({ id }) => id),
    run: (on, target) => setTripped(on, target, tripped),
  };
}

function door(help: string, open: boolean): Command {
  return {
    help,
    targets: () => DOORS.map(({ id }) => id),
    run(on, target) {
      on.world.thermal.doorOpen.set(target, open);
      return `${target} ${open ? "open" : "closed"}`;
    },
  };
}

function leak(help: string, wet: boolean): Command {
  return {
    help,
    targets: () => [LEAK_POINT],
    run(on) {
      on.world.leakWet = wet;
      return `leak rope ${wet ? "wet" : "dry"}`;
    },
  };
}

function generator(help: string, failed: boolean): Command {
  return {
    help,
    targets: () => [GENERATOR],
    run(on) {
      on.world.power.generator.failed = failed;
      if (!failed) refuel(on.world.power.generator);
      return `${GENERATOR} ${failed ? "does not run" : "is ready"}`;
    },
  };
}

function bus(help: string, hung: boolean): Command {
  return {
    help,
    targets: () => I2C_BUSES,
    run(on, target) {
      const found = on.buses.get(target);
      if (found) found.hung = hung;
      return `${target} ${hung ? "hangs" : "answers"}`;
    },
  };
}

function mischief(help: string, kind: Mischief): Pick<Command, "help" | "targets"> {
  return {
    help,
    targets: (on) => [...on.catalogue].filter(([, { can }]) => can.has(kind)).map(([id]) => id),
  };
}

const plugOf = (on: Controlled, point: string) => on.catalogue.get(point)?.plug ?? [point];

function setTripped(on: Controlled, target: string, tripped: boolean): string {
  const unit = on.world.thermal.units.find(({ id }) => id === target);
  if (unit) unit.tripped = tripped;
  return `${target} ${tripped ? "tripped" : "runs"}`;
}

function setUtility(on: Controlled, target: string, present: boolean): string {
  for (const feed of FEEDS)
    if (target === `utility-${feed}`) on.world.power.utility[feed].present = present;
  return `${target} ${present ? "is back" : "lost"}`;
}

function setFault(on: Controlled, target: string, fault: ModbusFault | undefined): string {
  const device = on.modbus.get(target);
  if (device) device.fault = fault;
  return `${target} ${fault ? `answers are ${fault.kind}` : "answers"}`;
}

function parseFault(on: Controlled, target: string, value: string): ModbusFault {
  const [kind, detail] = value.split(":");
  const serial = on.modbus.get(target)?.serial === true;
  if (kind === "late")
    return { kind, delayMs: detail === undefined ? LATE_MS : number(detail, 1, 60_000) };
  if (kind === "exception") return { kind, code: detail === undefined ? 4 : number(detail, 1, 11) };
  if (kind === "garbage") return { kind };
  if (kind === "crc" && serial) return { kind };
  if (kind === "close" && !serial) return { kind };
  const allowed = ["late", "exception", "garbage", serial ? "crc" : "close"];
  throw new CommandError(`disturb ${target}: "${value}" found; allowed: ${allowed.join(", ")}`);
}

function number(text: string, min: number, max: number): number {
  const found = text.trim() === "" ? Number.NaN : Number(text);
  if (found >= min && found <= max) return found;
  throw new CommandError(`the value is "${text}"; allowed: a number from ${min} to ${max}`);
}
