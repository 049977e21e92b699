import { readFileSync, writeFileSync } from "node:fs";
import Sqlite from "better-sqlite3";
import type { Logger } from "pino";

/** After so many ends by a refusing disk within this time, a further restart will not mend it. */
export const TROUBLES = 3;
export const TROUBLE_WINDOW_MS = 600_000;
const DISK_ERRNOS = ["EIO", "EROFS", "ENOSPC", "EDQUOT"];
const DISK_SQLITE = /^SQLITE_(IOERR|FULL|READONLY|CANTOPEN)/;

/** Whether an error says that the disk, not the program, is wrong. */
export function isDiskError(error: unknown): boolean {
  if (error instanceof Sqlite.SqliteError) return DISK_SQLITE.test(error.code);
  return error instanceof Error && "code" in error && DISK_ERRNOS.includes(String(error.code));
}

export interface DiskTroubleDeps {
  /** On a file system in memory, such as `/run`, because the disk is what fails. */
  file: string;
  bootId: string;
  /** Milliseconds since the machine's boot. */
  upMs: () => number;
  log: Logger;
}

/** Remembers across restarts how often the disk has ended the program. */
export interface DiskTrouble {
  /** True when the disk must not be tried again for now. */
  memoryOnly(): boolean;
  /** Counts an end of the program, if the disk caused it. */
  note(error: unknown): void;
}

export function createDiskTrouble({ file, bootId, upMs, log }: DiskTroubleDeps): DiskTrouble {
  const recent = () =>
    read(file, bootId).filter((atMs) => upMs() - atMs < TROUBLE_WINDOW_MS && atMs <= upMs());
  return {
    memoryOnly: () => recent().length >= TROUBLES,
    note(error) {
      if (!isDiskError(error)) return;
      const atMs = [...recent(), upMs()].slice(-TROUBLES);
      try {
        writeFileSync(file, JSON.stringify({ bootId, atMs }));
      } catch (cause) {
        // Nowhere to count: the program goes on being restarted, which is what happened without counting.
        log.warn({ file, error: String(cause) }, "restart cannot be counted");
      }
    },
  };
}

function read(file: string, bootId: string): number[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    // Usually it is not there, and if it cannot be read nothing is known.
    if (error instanceof Error && "code" in error) return [];
    throw error;
  }
  const found = parsed(text);
  if (found?.bootId !== bootId || !Array.isArray(found.atMs)) return [];
  return found.atMs.filter((atMs): atMs is number => typeof atMs === "number");
}

/** Half a file, after a crash while writing, counts for nothing. */
function parsed(text: string): { bootId?: unknown; atMs?: unknown } | undefined {
  try {
    return JSON.parse(text) as { bootId?: unknown; atMs?: unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
