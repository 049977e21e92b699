import { good } from "../../contract/reading.ts";
import type { OneWirePort } from "../bus/port.ts";
import { DeviceError } from "../bus/port.ts";
import { oneWireDriverFor } from "../drivers/index.ts";
import type { BusLoop } from "./loop.ts";
import { type LoopDeps, readLoop } from "./read-loop.ts";

/** One thermometer on a 1-Wire bus; its family code, the first two digits of the id, says which kind. */
export interface OneWireDeviceSpec {
  /** ROM id such as `28-000000000a01`. */
  id: string;
  everyMs: number;
  point: string;
}

/** Reads the thermometers of one 1-Wire bus. */
export function oneWireLoop(
  deps: LoopDeps<OneWirePort> & { devices: readonly OneWireDeviceSpec[] },
): BusLoop {
  const items = deps.devices.map(({ id, everyMs, point }) => ({
    id,
    everyMs,
    points: [point],
    read: async (port: OneWirePort) => {
      const driver = oneWireDriverFor(id);
      if (!driver) throw new DeviceError("unsupported", `no driver for 1-Wire family of ${id}`);
      return [{ point, measurement: good(driver.decode(await port.read(id))) }];
    },
  }));
  return readLoop(deps, items);
}
