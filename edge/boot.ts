import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { systemClock } from "../contract/clock.ts";
import type { Boot } from "./readings.ts";

const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";

/** This machine's boot. Where the kernel does not name it, each start of the program counts as one. */
export function readBoot(): Boot {
  if (!existsSync(BOOT_ID_FILE)) return { id: randomUUID(), baseMs: 0 };
  // On Linux hrtime counts from the boot, monoMs from the start of this program.
  const sinceBootMs = Number(process.hrtime.bigint() / 1_000_000n);
  return {
    id: readFileSync(BOOT_ID_FILE, "utf8").trim(),
    baseMs: sinceBootMs - Math.floor(systemClock.monoMs()),
  };
}
