import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../contract/clock.ts";
import { blockingCall, refuseIfBusy } from "./blocking.ts";
import { errorCode } from "./errno.ts";
import { DeviceError, type OneWirePort } from "./port.ts";
import { turnstile } from "./turn.ts";

export const W1_DEVICES = "/sys/bus/w1/devices";
const ROM_PATTERN = /^[0-9a-f]{2}-[0-9a-f]{12}$/;
/** A 12-bit conversion takes 750 ms; a long or crowded bus retries inside the kernel. */
const READ_MS = 5_000;

/** The kernel's 1-Wire devices, or a folder laid out like them. */
export async function openOneWireFolder(deps: {
  path: string;
  clock: Clock;
}): Promise<OneWirePort> {
  const { path: folder, clock } = deps;
  const turn = turnstile();
  const limit = { ms: READ_MS, clock };

  const list = () =>
    turn(async () => {
      try {
        const names = await blockingCall(folder, () => readdir(folder), limit);
        return names.filter((name) => ROM_PATTERN.test(name)).sort();
      } catch (error) {
        if (error instanceof DeviceError) throw error;
        throw new DeviceError("bus", `${folder} cannot be read (${errorCode(error)})`);
      }
    });

  refuseIfBusy(folder);
  await list();
  return {
    list,
    read: (id) =>
      turn(async () => {
        const file = path.join(folder, id, "w1_slave");
        try {
          return await blockingCall(folder, () => readFile(file, "latin1"), limit);
        } catch (error) {
          if (error instanceof DeviceError) throw error;
          const code = errorCode(error);
          const gone = code === "ENOENT" || code === "ENODEV";
          throw new DeviceError(gone ? "no-answer" : "bus", `${file} cannot be read (${code})`);
        }
      }),
    close: async () => undefined,
  };
}
