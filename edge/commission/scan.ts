import type { Clock } from "../../contract/clock.ts";
import type { NutPort } from "../bus/nut-client.ts";
import { DeviceError, type ModbusLink } from "../bus/port.ts";
import type { Ports } from "../buses.ts";
import type { BusConfig } from "../config/schema.ts";
import { ALL_UPS_VALUES } from "../poll/nut-loop.ts";
import type { Profile } from "../profiles/schema.ts";
import type { UpsValue } from "../ups/model.ts";
import { upsFromNut } from "../ups/nut.ts";
import type { ScanTargets } from "./machine.ts";
import { Progress, type ProgressState } from "./progress.ts";
import { type ChipFinding, I2C_ADDRESSES, scanI2c } from "./scan-i2c.ts";
import {
  askTimeoutMs,
  askUnit,
  identifyUnit,
  QUESTIONS_PER_UNIT,
  type SerialSetting,
  settingText,
  type UnitModel,
} from "./scan-modbus.ts";

const TCP_ANSWER_MS = 1_500;
/** A TCP device that answers to so many units at once is one device that does not look at the unit. */
const ANY_UNIT = 5;

type Bus<T extends BusConfig["type"]> = Extract<BusConfig, { type: T }>;
export type UnitFinding = { unit: number } & UnitModel;
/** One UPS of a NUT server, and what it measures. */
export interface UpsFinding {
  ups: string;
  description: string;
  values: UpsValue[];
}

/** One bus and what was found on it, or why it could not be looked at. */
export type BusFinding =
  | { kind: "i2c"; bus: Bus<"i2c">; chips: ChipFinding[] }
  | { kind: "one-wire"; bus: Bus<"one-wire">; roms: string[] }
  | { kind: "gpio"; bus: Bus<"gpio">; lines?: number }
  | { kind: "modbus"; bus: Bus<"modbus-rtu" | "modbus-tcp">; units: UnitFinding[]; note?: string }
  | { kind: "nut"; bus: Bus<"nut">; upses: UpsFinding[] }
  | { kind: "failed"; where: string; why: string };

export interface ScanDeps {
  targets: ScanTargets;
  ports: Pick<Ports, "gpio" | "i2c" | "modbus" | "nut" | "oneWire">;
  /** Profiles a Modbus unit is compared with. */
  profiles: readonly Profile[];
  /** Settings to try on a serial line, in order. */
  settings: readonly SerialSetting[];
  /** Modbus units to ask for, in order. */
  units: readonly number[];
  clock: Clock;
  onProgress: (state: ProgressState) => void;
}

/** Looks at every target, one after another. Nothing is written to any device. */
export async function scan(deps: ScanDeps): Promise<BusFinding[]> {
  const { targets } = deps;
  const progress = new Progress(deps.clock, plannedSteps(deps), deps.onProgress);
  const found: BusFinding[] = [];
  const look = async (where: string, work: () => Promise<BusFinding>) => {
    try {
      found.push(await work());
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      found.push({ kind: "failed", where, why: error.message });
    }
  };
  for (const bus of targets.i2c)
    await look(`I2C bus ${bus.id} (${bus.device})`, () => scanI2cBus(deps, bus, progress));
  for (const bus of targets.oneWire)
    await look(`1-Wire bus ${bus.id} (${bus.path})`, () => scanOneWire(deps, bus, progress));
  for (const { lines, ...bus } of targets.gpio)
    found.push({ kind: "gpio", bus, ...(lines === undefined ? {} : { lines }) });
  for (const line of targets.serial)
    await look(`serial line ${line.id} (${line.device})`, () => scanSerial(deps, line, progress));
  for (const bus of targets.modbusTcp)
    await look(`Modbus TCP ${bus.host}:${bus.port}`, () => scanTcp(deps, bus, progress));
  for (const bus of targets.nut)
    await look(`NUT server ${bus.host}:${bus.port}`, () => scanNut(deps, bus, progress));
  return found;
}

function plannedSteps({ targets, settings, units, profiles }: ScanDeps): number {
  return (
    targets.i2c.length * I2C_ADDRESSES.length +
    targets.oneWire.length +
    targets.serial.length * settings.length * units.length * QUESTIONS_PER_UNIT +
    targets.modbusTcp.length * (units.length * QUESTIONS_PER_UNIT + profiles.length) +
    targets.nut.length
  );
}

async function scanI2cBus(deps: ScanDeps, bus: Bus<"i2c">, progress: Progress) {
  const { ports, clock } = deps;
  const port = await ports.i2c(bus);
  try {
    const chips = await scanI2c(port, clock, (address) =>
      progress.step(`${bus.id} address 0x${address.toString(16)}`),
    );
    return { kind: "i2c" as const, bus, chips };
  } finally {
    await port.close();
  }
}

async function scanOneWire({ ports }: ScanDeps, bus: Bus<"one-wire">, progress: Progress) {
  const port = await ports.oneWire(bus);
  try {
    const roms = await port.list();
    progress.step(`1-Wire bus ${bus.id}`);
    return { kind: "one-wire" as const, bus, roms };
  } finally {
    await port.close();
  }
}

async function scanNut({ ports }: ScanDeps, bus: Bus<"nut">, progress: Progress) {
  const port = await ports.nut(bus);
  try {
    const upses: UpsFinding[] = [];
    for (const [ups, description] of await port.units())
      upses.push({ ups, description, values: await valuesOf(port, ups) });
    progress.step(`NUT server ${bus.host}`);
    return { kind: "nut" as const, bus, upses };
  } finally {
    await port.close();
  }
}

/** Every value while the UPS cannot be read just now, for then nobody knows which it lacks. */
async function valuesOf(port: NutPort, ups: string): Promise<UpsValue[]> {
  try {
    const measured = upsFromNut(await port.list(ups), ALL_UPS_VALUES);
    return ALL_UPS_VALUES.filter((value) => measured.get(value)?.quality !== "bad");
  } catch (error) {
    if (error instanceof DeviceError && error.reason !== "bus") return [...ALL_UPS_VALUES];
    throw error;
  }
}

/** Tries one setting after another until some unit answers, and then asks for the other units at that one. */
async function scanSerial(
  deps: ScanDeps,
  line: { id: string; device: string },
  progress: Progress,
): Promise<BusFinding> {
  const { ports, settings, units } = deps;
  const stepsPerSetting = units.length * QUESTIONS_PER_UNIT;
  let garbledAt: string | undefined;
  let left = settings.length;
  for (const setting of settings) {
    const bus: Bus<"modbus-rtu"> = { ...line, type: "modbus-rtu", ...setting };
    const link = await ports.modbus(bus);
    left -= 1;
    try {
      const name = `${line.id} ${settingText(setting)}`;
      const asked = await askUnits(deps, link, {
        name,
        timeoutMs: askTimeoutMs(setting.baud),
        progress,
      });
      if (asked.garbled) garbledAt ??= settingText(setting);
      if (asked.there.length === 0) continue;
      progress.skip(left * stepsPerSetting);
      const profiles = deps.profiles.filter((profile) => profile.link.rtu !== undefined);
      progress.add(asked.there.length * profiles.length);
      const found = await identifyAll(link, profiles, { name, there: asked.there, progress });
      return { kind: "modbus", bus, units: found };
    } finally {
      await link.close();
    }
  }
  const tried = `${settings.length} settings and units ${unitsText(units)}`;
  const heard = garbledAt ? `; at ${garbledAt} something spoke that was not understood` : "";
  throw new DeviceError("no-answer", `nobody answered at ${tried}${heard}`);
}

async function scanTcp(
  deps: ScanDeps,
  bus: Bus<"modbus-tcp">,
  progress: Progress,
): Promise<BusFinding> {
  const link = await deps.ports.modbus(bus);
  const name = `${bus.host}:${bus.port}`;
  try {
    const { there } = await askUnits(deps, link, { name, timeoutMs: TCP_ANSWER_MS, progress });
    const indifferent = there.length >= ANY_UNIT && there.length === deps.units.length;
    const distinct = indifferent ? there.slice(0, 1) : there;
    progress.add(Math.max(0, distinct.length - 1) * deps.profiles.length);
    // Behind a gateway any device of a serial line may stand.
    const units = await identifyAll(link, deps.profiles, { name, there: distinct, progress });
    const note = "it answers to every unit alike, so only the first is written down";
    return { kind: "modbus", bus, units, ...(indifferent ? { note } : {}) };
  } finally {
    await link.close();
  }
}

interface Asking {
  name: string;
  timeoutMs: number;
  progress: Progress;
}

async function askUnits(deps: ScanDeps, link: ModbusLink, asking: Asking) {
  const there: number[] = [];
  let garbled = false;
  for (const unit of deps.units) {
    const presence = await askUnit(link, unit, asking.timeoutMs);
    if (presence === "there") there.push(unit);
    garbled ||= presence === "garbled";
    asking.progress.step(`${asking.name} unit ${unit}`, QUESTIONS_PER_UNIT);
  }
  return { there, garbled };
}

async function identifyAll(
  link: ModbusLink,
  profiles: readonly Profile[],
  what: { name: string; there: number[]; progress: Progress },
): Promise<UnitFinding[]> {
  const found: UnitFinding[] = [];
  for (const unit of what.there) {
    const onProfile = (profile: string) =>
      what.progress.step(`${what.name} unit ${unit} compared with ${profile}`);
    found.push({ unit, ...(await identifyUnit(link, unit, profiles, onProfile)) });
  }
  return found;
}

/** `1–10` or `1, 2, 247` */
export function unitsText(units: readonly number[]): string {
  const [first = 0] = units;
  const last = units.at(-1) ?? 0;
  const gapless = units.length > 2 && units.every((unit, i) => unit === first + i);
  return gapless ? `${first}–${last}` : units.join(", ");
}
