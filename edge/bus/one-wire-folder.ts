import { constants } from "node:fs";
import { readdir, readFile, realpath, writeFile } from "node:fs/promises";
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
/** The shortest conversion, at 9 bits, takes 94 ms; the kernel waits for it. */
const SHORTEST_CONVERSION_MS = 90;

/** The kernel's 1-Wire devices, or a folder laid out like them. */
export async function openOneWireFolder(deps: {
  path: string;
  clock: Clock;
  /** Writes a command into a file that is there; may block until it was carried out. */
  command?: (file: string, text: string) => Promise<void>;
}): Promise<Required<OneWirePort>> {
  const { path: folder, clock, command = writeCommand } = deps;
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
    convertWith: (id) =>
      turn(() => blockingCall(folder, () => convert(path.join(folder, id), clock, command), limit)),
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

/** Every thermometer stands in the folder of its bus master, whose `therm_bulk_read` starts them all. */
async function convert(
  thermometer: string,
  clock: Clock,
  command: (file: string, text: string) => Promise<void>,
): Promise<string[]> {
  try {
    const wire = path.dirname(await realpath(thermometer));
    const bulk = path.join(wire, "therm_bulk_read");
    const startedMs = clock.monoMs();
    await command(bulk, "trigger\n");
    if (clock.monoMs() - startedMs >= SHORTEST_CONVERSION_MS)
      return (await readdir(wire)).filter((name) => ROM_PATTERN.test(name));
    // The kernel reports no failure; it shows by the wait that was left out. "0": nothing was promised.
    if ((await readFile(bulk, "latin1")).trim() === "0") return [];
  } catch (error) {
    const code = errorCode(error);
    if (["ENOENT", "ENODEV", "EACCES", "EPERM"].includes(code)) return [];
    throw new DeviceError("bus", `no common conversion at ${thermometer} (${code})`);
  }
  throw new DeviceError("not-ready", `the thermometers beside ${thermometer} did not convert`);
}

const writeCommand = (file: string, text: string): Promise<void> =>
  writeFile(file, text, { flag: constants.O_WRONLY });
