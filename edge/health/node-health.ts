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
import {
  busErrors,
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
  const hasWrites = (await writtenBytes()) !== undefined;
  const histogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  histogram.enable();
  const buses = new Set(meteredPoints(deps.config).map(({ bus }) => bus));
  return [
    ...optional.filter((_, i) => present[i]),
    ...(hasFirmware ? firmwareGauges(run) : []),
    ...(kernel ? [kernel] : []),
    ...(deps.spoolPath === null ? [] : [diskFree(deps.spoolPath)]),
    ...(hasWrites ? diskWrites(writesPerDay(deps.monoMs)) : []),
    clockSynced(deps.synced),
    ...((await answers(run, "chronyc", ["-c", "tracking"])) ? [clockOffset(run)] : []),
    ...[...buses].map((bus) => busErrors(bus, () => deps.busHealth(bus))),
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
  },
): BusLoop {
  const items = named(deps.node, deps.gauges).map(({ point, gauge }) => ({
    id: point,
    everyMs: HEALTH_PERIOD_MS,
    points: [point],
    read: async () => [{ point, measurement: await measured(gauge) }],
  }));
  const open = async () => ({ close: async () => undefined });
  return readLoop({ ...deps, bus: "node", open }, items);
}

/** Not ready yet is no failure, and nothing for the log. Throws `DeviceError` for everything else. */
async function measured(gauge: Gauge): Promise<Measurement> {
  try {
    return good(await gauge.read());
  } catch (error) {
    if (error instanceof DeviceError && error.reason === "not-ready") return bad("not-ready");
    throw error;
  }
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

function writesPerDay(monoMs: () => number): () => Promise<number | undefined> {
  const budget = new WriteBudget();
  return async () => {
    const bytes = await writtenBytes();
    if (bytes !== undefined) budget.note(bytes, monoMs());
    return budget.bytesPerDay();
  };
}
