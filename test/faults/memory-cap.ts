import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isRoot, nameOf } from "./workplace.ts";

const CONTROLLER = "/sys/fs/cgroup/memory";

/** Ends the process when it takes more: one query may otherwise take all there is. Without root nothing is capped. */
export function capMemory(folder: string, pid: number, limitMb: number): void {
  if (!isRoot || !existsSync(path.join(CONTROLLER, "memory.limit_in_bytes"))) return;
  const cgroup = path.join(CONTROLLER, nameOf(folder));
  mkdirSync(cgroup, { recursive: true });
  writeFileSync(path.join(cgroup, "memory.limit_in_bytes"), String(limitMb * 1_048_576));
  writeFileSync(path.join(cgroup, "cgroup.procs"), String(pid));
}
