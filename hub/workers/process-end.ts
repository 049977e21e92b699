import { readFileSync, readlinkSync } from "node:fs";

/** Names one process of this machine for as long as the machine runs; process numbers are used again. */
export interface ProcessName {
  pid: number;
  startedAt: string;
  /** Processes of different containers cannot see one another. */
  namespace: string;
}

export function processName(pid = process.pid): ProcessName | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name stands between parentheses and may hold anything; 20 fields after it is the start.
    const startedAt = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
    return { pid, startedAt, namespace: readlinkSync(`/proc/${pid}/ns/pid`) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}

/** Whether it has certainly ended; of another container's processes nobody here can tell. */
export function hasEnded({ pid, startedAt, namespace }: ProcessName): boolean {
  if (processName()?.namespace !== namespace) return false;
  return processName(pid)?.startedAt !== startedAt;
}

/**
 * Ends a process that let its lease run out: it hangs, and may hold the HTTP port and the lock of hub.db.
 * A stopped process ends, too. Returns false when it is not there (any more) or may not be ended.
 */
export function endProcess(target: ProcessName): boolean {
  if (target.pid === process.pid) return false;
  const now = processName(target.pid);
  if (now?.startedAt !== target.startedAt || now.namespace !== target.namespace) return false;
  try {
    process.kill(target.pid, "SIGKILL");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}
