import { readdir, readFile, realpath } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../contract/clock.ts";
import { blockingCall } from "./blocking.ts";
import { errorCode } from "./errno.ts";
import { DeviceError, type Port } from "./port.ts";

/** The kernel waits for its chip; an adapter gives up after a second, a driver after a few tries. */
const READ_MS = 5_000;

/** Sensors that the kernel reads. */
export interface KernelSensorPort extends Port {
  /**
   * The text of `attribute`. A sensor is named by the kernel's word for it, and where several have the
   * same, by its place too: `sht3x` or `sht3x@1-0044`. Throws `DeviceError`: "no-answer" when the sensor
   * is not there or its chip does not answer, "identity" when the name fits several, "unsupported" when
   * it has no such attribute.
   */
  read(folder: string, sensor: string, attribute: string): Promise<string>;
}

export async function openKernelSensors(deps: {
  /** Where sysfs is. */
  root: string;
  clock: Clock;
}): Promise<KernelSensorPort> {
  const limit = { ms: READ_MS, clock: deps.clock };
  /** `hwmon3` may be another sensor after the next start; a path through the device itself cannot. */
  const places = new Map<string, string>();

  const place = async (folder: string, sensor: string): Promise<string> => {
    const key = `${folder} ${sensor}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    const found = await find(path.join(deps.root, folder), sensor);
    places.set(key, found);
    return found;
  };

  return {
    read: (folder, sensor, attribute) =>
      blockingCall(
        `${deps.root} ${folder} ${sensor}`,
        async () => {
          const home = await place(folder, sensor);
          try {
            return await readFile(path.join(home, attribute), "latin1");
          } catch (error) {
            const there = await readable(path.join(home, "name"));
            if (there && errorCode(error) === "ENOENT")
              throw new DeviceError("unsupported", `${sensor} has no ${attribute}`);
            if (!there) places.delete(`${folder} ${sensor}`);
            throw new DeviceError("no-answer", `${sensor} ${attribute} (${errorCode(error)})`);
          }
        },
        limit,
      ),
    close: async () => undefined,
  };
}

async function find(folder: string, sensor: string): Promise<string> {
  const [name = "", device] = sensor.split("@");
  const homes = [];
  for (const entry of await listed(folder)) {
    const home = await realpath(path.join(folder, entry)).catch(() => undefined);
    if (home === undefined || (await readable(path.join(home, "name")))?.trim() !== name) continue;
    if (device === undefined || home.split(path.sep).includes(device)) homes.push(home);
  }
  const [only] = homes;
  if (only === undefined) throw new DeviceError("no-answer", `the kernel has no sensor ${sensor}`);
  if (homes.length > 1)
    throw new DeviceError(
      "identity",
      `${homes.length} sensors are named ${name}; write ${name}@<device> as in ${homes.join(", ")}`,
    );
  return only;
}

async function listed(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw new DeviceError("bus", `${folder} cannot be read (${errorCode(error)})`);
  }
}

async function readable(file: string): Promise<string | undefined> {
  return readFile(file, "latin1").catch(() => undefined);
}
