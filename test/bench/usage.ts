import { readFileSync } from "node:fs";

/** Clock ticks per second of /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_S = 100;

export interface Usage {
  cpuS: number;
  rssMb: number;
}

/** CPU seconds a process has used so far, and its resident memory in MB, now and at most, from /proc. */
export function usageOf(pid: number): { cpuS: number; rssMb: number; peakRssMb: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1024;
  return {
    cpuS: (user + system) / TICKS_PER_S,
    rssMb: megabytes("VmRSS"),
    peakRssMb: megabytes("VmHWM"),
  };
}

/** The value below which the share `p` (0…1) of the samples lies; NaN without samples. */
export function percentile(samples: number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}

/** Prints one result as one JSON line. */
export function report(result: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(result, (_key, value) => round(value))}\n`);
}

function round(value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value)
    ? Number(value.toPrecision(4))
    : value;
}
