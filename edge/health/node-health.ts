import { execFile } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { promisify } from "node:util";
import { ID_PATTERN } from "../../contract/id.ts";
import type { PointInfo } from "../../contract/message.ts";
import { bad, good, type Measurement } from "../../contract/reading.ts";
import { errorCode } from "../bus/errno.ts";
import { DeviceError } from "../bus/port.ts";
import type { BusHealth, BusLoop } from "../poll/loop.ts";
import { type LoopDeps, readLoop } from "../poll/read-loop.ts";
import { WriteBudget, writtenBytes } from "../write-budget.ts";
import { busErrors, busLateness, deviceGauges, MOST_DEVICES } from "./bus-gauges.ts";
import {
  clockOffset,
  clockSynced,
  cpuTemperature,
  diskFree,
  diskWrites,
  firmwareGauges,
  type Gauge,
  kernelUnderVoltage,
  loopLag,
  memoryUsed,
  type Run,
  spoolBacklog,
  supplyVoltage,
} from "./gauges.ts";
import type { KnownPoints } from "./known-points.ts";
import { type Metered, meteredPoints } from "./metered-points.ts";

/** The node's own points are measured this often. */
export const HEALTH_PERIOD_MS = 10_000;
const COMMAND_MS = 3_000;
/** One answer serves every gauge that asks within this time. */
const COMMAND_FRESH_MS = 1_000;
const LAG_RESOLUTION_MS = 20;

export interface NodeGaugesDeps {
  config: Metered;
  busHealth: (bus: string) => BusHealth | undefined;
  /** Null while rows are kept in memory only. */
  spoolPath: string | null;
  backlog: () => number;
  synced: () => boolean;
  monoMs: () => number;
  run?: Run;
}

/** Every gauge this machine has. What it cannot measure is not announced, rather than bad for ever. */
export async function nodeGauges(deps: NodeGaugesDeps): Promise<Gauge[]> {
  const run = shared(deps.run ?? runCommand, deps.monoMs);
  const [underVoltage] = firmwareGauges(run);
  const hasFirmware = underVoltage !== undefined && (await works(underVoltage));
  const kernel = hasFirmware ? undefined : await kernelUnderVoltage();
  const optional = [cpuTemperature(), supplyVoltage(run)];
  const present = await Promise.all(optional.map(works));
  const written = await writtenBytes();
  const histogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  histogram.enable();
  const buses = new Set(meteredPoints(deps.config).map(({ bus }) => bus));
  const health = freshly(deps.busHealth, deps.monoMs);
  const meters = deps.config.devices.filter(({ kind }) => kind === "modbus");
  return [
    ...optional.filter((_, i) => present[i]),
    ...(hasFirmware ? firmwareGauges(run) : []),
    ...(kernel ? [kernel] : []),
    ...(deps.spoolPath === null ? [] : [diskFree(deps.spoolPath)]),
    ...(written === undefined ? [] : diskWrites(writesPerDay(written, deps.monoMs))),
    clockSynced(deps.synced),
    ...((await answers(run, "chronyc", ["-c", "tracking"])) ? [clockOffset(run)] : []),
    ...[...buses].flatMap((bus) => [
      busErrors(bus, () => health(bus)),
      busLateness(bus, () => health(bus)),
    ]),
    ...meters
      .slice(0, MOST_DEVICES)
      .flatMap(({ id, bus }) => deviceGauges(id, bus, () => health(bus))),
    loopLag(histogram, LAG_RESOLUTION_MS),
    memoryUsed(),
    spoolBacklog(deps.backlog),
  ];
}

/** What a node announces about itself; the node's id is the place of each point. */
export function healthPoints(node: string, gauges: readonly Gauge[]): PointInfo[] {
  return named(node, gauges).map(({ point, gauge: { quantity, label } }) => ({
    id: point,
    quantity,
    label,
    periodMs: HEALTH_PERIOD_MS,
  }));
}

/** The loop that measures the node itself, like any bus. */
export function healthLoop(
  deps: Omit<LoopDeps<{ close(): Promise<void> }>, "bus" | "open"> & {
    node: string;
    gauges: readonly Gauge[];
    known: Pick<KnownPoints, "add">;
  },
): BusLoop {
  const items = named(deps.node, deps.gauges).map(({ point, gauge }) => {
    const measure = steadily(gauge);
    return {
      id: point,
      everyMs: HEALTH_PERIOD_MS,
      points: [point],
      read: async () => {
        const measurement = await measure().catch((error: unknown) => {
          deps.known.add(point);
          throw error;
        });
        if (!measurement) return [];
        deps.known.add(point);
        return [{ point, measurement }];
      },
    };
  });
  const open = async () => ({ close: async () => undefined });
  return readLoop({ ...deps, bus: "node", open }, items);
}

/**
 * Not ready is no failure, and nothing for the log; before the first value it is not even a reading. Throws
 * `DeviceError` for everything else.
 */
function steadily(gauge: Gauge): () => Promise<Measurement | undefined> {
  let started = false;
  return async () => {
    try {
      const value = await gauge.read();
      started = true;
      return good(value);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.reason !== "not-ready") throw error;
      return started ? bad("not-ready") : undefined;
    }
  };
}

/** Node and bus ids may together be longer than a point's name may be; such a gauge is left out. */
function named(node: string, gauges: readonly Gauge[]): { point: string; gauge: Gauge }[] {
  return gauges
    .map((gauge) => ({ point: `${node}.${gauge.role.replaceAll(".", "-")}`, gauge }))
    .filter(({ point }) => ID_PATTERN.test(point));
}

async function works(gauge: Gauge): Promise<boolean> {
  try {
    await gauge.read();
    return true;
  } catch (error) {
    if (error instanceof DeviceError) return false;
    throw error;
  }
}

async function answers(run: Run, command: string, args: string[]): Promise<boolean> {
  return works({
    role: command,
    quantity: "flag",
    label: command,
    read: async () => (await run(command, args)).length,
  });
}

/** Runs a command of this machine without a shell. */
export const runCommand: Run = async (command, args) => {
  try {
    return (await promisify(execFile)(command, [...args], { timeout: COMMAND_MS })).stdout;
  } catch (error) {
    throw new DeviceError("not-available", `${command} failed (${errorCode(error)})`);
  }
};

/** Gauges that ask the same question at the same time share one answer. */
function shared(run: Run, monoMs: () => number): Run {
  const answered = new Map<string, { atMs: number; answer: Promise<string> }>();
  return (command, args) => {
    const question = [command, ...args].join(" ");
    const known = answered.get(question);
    if (known && monoMs() - known.atMs < COMMAND_FRESH_MS) return known.answer;
    const answer = run(command, args);
    answered.set(question, { atMs: monoMs(), answer });
    return answer;
  };
}

/** One look at a bus serves every gauge that asks within a second: the numbers of many units take a while. */
function freshly(
  look: (bus: string) => BusHealth | undefined,
  monoMs: () => number,
): (bus: string) => BusHealth | undefined {
  const seen = new Map<string, { atMs: number; health: BusHealth | undefined }>();
  return (bus) => {
    const known = seen.get(bus);
    if (known && monoMs() - known.atMs < COMMAND_FRESH_MS) return known.health;
    const health = look(bus);
    seen.set(bus, { atMs: monoMs(), health });
    return health;
  };
}

function writesPerDay(sofarBytes: number, monoMs: () => number): () => Promise<number | undefined> {
  const budget = new WriteBudget();
  budget.note(sofarBytes, monoMs());
  return async () => {
    const bytes = await writtenBytes();
    if (bytes !== undefined) budget.note(bytes, monoMs());
    return budget.bytesPerDay();
  };
}
