import { type BadReason, bad, good } from "../../contract/reading.ts";
import type { KernelSensorPort } from "../bus/kernel-sensors.ts";
import { DeviceError } from "../bus/port.ts";
import type { KernelSensorDriver } from "../drivers/kernel-sensor.ts";
import { laneLoop } from "./lane-loop.ts";
import type { BusLoop, Sample } from "./loop.ts";
import type { LoopDeps } from "./read-loop.ts";

/** The kernel's reads occupy Node's few pool threads. */
const LANES = 2;
/** A failure of these kinds concerns one attribute, not the sensor. */
const OF_ONE_CHANNEL: readonly BadReason[] = [
  "unsupported",
  "wire",
  "range",
  "not-available",
  "checksum",
];

/** One sensor of the kernel and the points its channels feed. */
export interface KernelSensorSpec {
  id: string;
  driver: KernelSensorDriver;
  /** `sht3x`, or where several have this name `sht3x@1-0044`. */
  sensor: string;
  everyMs: number;
  points: Readonly<Record<string, string>>;
}

/** Reads sensors whose chips the kernel owns. */
export function kernelSensorLoop(
  deps: LoopDeps<KernelSensorPort> & { devices: readonly KernelSensorSpec[] },
): BusLoop {
  const items = deps.devices.map(({ id, driver, sensor, everyMs, points }) => ({
    id,
    everyMs,
    points: Object.values(points),
    read: async (port: KernelSensorPort) => {
      const samples: Sample[] = [];
      for (const [channel, point] of Object.entries(points)) {
        const read = (attribute: string) => port.read(driver.folder, sensor, attribute);
        samples.push({ point, measurement: await measure(() => driver.read(read, channel)) });
      }
      return samples;
    },
  }));
  return laneLoop(deps, items, LANES);
}

async function measure(read: () => Promise<number>) {
  try {
    return good(await read());
  } catch (error) {
    if (!(error instanceof DeviceError && OF_ONE_CHANNEL.includes(error.reason))) throw error;
    return bad(error.reason);
  }
}
