import type { Clock } from "../../contract/clock.ts";
import type { I2cDevice } from "../drivers/driver.ts";
import { DeviceError, type I2cPort } from "./port.ts";

/** One chip on a bus as its driver sees it. Its pauses end with "not-ready" when `signal` aborts. */
export function deviceAt(
  port: I2cPort,
  address: number,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): I2cDevice {
  return {
    write: (bytes) => port.write(address, Uint8Array.from(bytes)),
    read: (length) => port.read(address, length),
    writeRead: (bytes, length) => port.writeRead(address, Uint8Array.from(bytes), length),
    pause: async (ms) => {
      await clock.sleep(ms, signal);
      if (signal.aborted) throw new DeviceError("not-ready", "the program ends");
    },
  };
}
