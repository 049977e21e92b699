import { good } from "../../contract/reading.ts";
import { DeviceError, type OneWirePort } from "../bus/port.ts";
import { oneWireDriverFor } from "../drivers/index.ts";
import { laneLoop } from "./lane-loop.ts";
import type { BusLoop } from "./loop.ts";
import type { LoopDeps } from "./read-loop.ts";

/** A common conversion serves the thermometers that are read within this time; the kernel would serve it for ever. */
const FRESH_MS = 3_000;

/** One thermometer on a 1-Wire bus; its family code, the first two digits of the id, says which kind. */
export interface OneWireDeviceSpec {
  /** ROM id such as `28-000000000a01`. */
  id: string;
  everyMs: number;
  point: string;
}

/** Reads the thermometers of one 1-Wire bus. Where the kernel can, all convert at once: eight take 0.9 s instead of 6. */
export function oneWireLoop(
  deps: LoopDeps<OneWirePort> & { devices: readonly OneWireDeviceSpec[] },
): BusLoop {
  const { clock, devices } = deps;
  /** When thermometers converted whose result nobody has read yet. */
  const converted = new Map<string, number>();

  const convert = async (port: OneWirePort, id: string) => {
    const age = clock.monoMs() - (converted.get(id) ?? -Infinity);
    // An older result must not be read; only another common conversion makes the kernel forget it.
    if (age > FRESH_MS && devices.length > 1 && port.convertWith)
      for (const other of await port.convertWith(id)) converted.set(other, clock.monoMs());
    converted.delete(id);
  };

  const items = devices.map(({ id, everyMs, point }) => ({
    id,
    everyMs,
    points: [point],
    read: async (port: OneWirePort) => {
      const driver = oneWireDriverFor(id);
      if (!driver) throw new DeviceError("unsupported", `no driver for 1-Wire family of ${id}`);
      await convert(port, id);
      return [{ point, measurement: good(driver.decode(await port.read(id))) }];
    },
  }));
  return laneLoop(deps, items, 1);
}
