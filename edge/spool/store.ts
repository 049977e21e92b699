import { existsSync } from "node:fs";
import path from "node:path";
import Sqlite from "better-sqlite3";
import type { NodeEvent } from "../../contract/message.ts";
import { OldSpool } from "./old-spool.ts";
import { formatOf, type OpenOptions, openSpool } from "./open.ts";
import type { Spool } from "./spool.ts";
import { drainedFact, SpoolChain } from "./spool-chain.ts";
import { SqliteSpool } from "./sqlite-spool.ts";
import { FILE_VERSION } from "./tables.ts";

/** What a Pi can spare; at 10 readings a second a day or so. */
const MEMORY_QUOTA_BYTES = 64 * 1024 * 1024;
/** These belong to one file and mean nothing in another. */
const OWN_FACTS = /^(epoch|thinned|wall|session|(drained|taken-over|after)\..*)$/;

export interface StoreOptions extends OpenOptions {
  /** The disk has refused too often: keep new rows in memory, and say so. */
  memoryOnly: boolean;
}

export interface Store {
  spool: Spool;
  /** False in memory: a restart loses what the hub has not stored. */
  durable: boolean;
}

/**
 * Opens everything that holds rows for the hub. A file of a newer version is read and drained but never
 * written; new rows go into a file beside it, which the newer version, once it is back, drains in turn.
 */
export function openStore(options: StoreOptions): Store {
  const { path: file, memoryOnly, log } = options;
  const format = formatOf(file);
  const newer = format !== undefined && format > FILE_VERSION;
  const ownPath = newer ? besideFile(file, FILE_VERSION) : file;
  const own = memoryOnly ? memorySpool(options) : openSpool({ ...options, path: ownPath });
  const old: OldSpool[] = [];
  const drain = (path: string, removeWhenEmpty: boolean) => {
    const found = openOld(path, own, { ...options, removeWhenEmpty });
    if (found) old.push(found);
  };
  if (newer || (memoryOnly && existsSync(file))) drain(file, false);
  for (let version = 1; version <= FILE_VERSION; version += 1) {
    const beside = besideFile(file, version);
    if (beside !== ownPath && existsSync(beside)) drain(beside, !memoryOnly);
  }
  const tell = (what: NodeEvent["what"], detail: string) => {
    log.warn({ file }, detail);
    own.addEvent({ type: "node", what, at: options.clock.nowMs(), detail }, options.taken);
  };
  if (newer)
    tell(
      "spool-newer",
      `${path.basename(file)} was written by a newer version (format ${format}, this one knows ${FILE_VERSION}); it is sent but not written, new rows go to ${path.basename(ownPath)}`,
    );
  if (memoryOnly)
    tell(
      "not-durable",
      "The disk refuses to write: rows are kept in memory only and a restart loses them",
    );
  return { spool: old.length > 0 ? new SpoolChain(own, old) : own, durable: !memoryOnly };
}

function besideFile(file: string, version: number): string {
  return `${file}.format-${version}`;
}

function memorySpool(options: OpenOptions): SqliteSpool {
  const quotaBytes = Math.min(options.quotaBytes, MEMORY_QUOTA_BYTES);
  return new SqliteSpool(new Sqlite(":memory:"), { ...options, quotaBytes });
}

/** Undefined when the file cannot be understood: then it is left alone, for the version that can. */
function openOld(
  file: string,
  own: SqliteSpool,
  { bootId, log, removeWhenEmpty }: StoreOptions & { removeWhenEmpty: boolean },
): OldSpool | undefined {
  try {
    const probe = new OldSpool({ path: file, bootId, drainedUpto: 0, removeWhenEmpty: false });
    takeOver(probe, own);
    probe.close();
    const drainedUpto = Number(own.recall(drainedFact(probe.epoch)) ?? 0);
    return new OldSpool({ path: file, bootId, drainedUpto, removeWhenEmpty });
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError)) throw error;
    log.error({ file, error: error.message }, "old spool cannot be read and is left alone");
    return undefined;
  }
}

/** Counters must not go back, or the hub would take new events for old ones. Done once for each file. */
function takeOver(old: OldSpool, own: SqliteSpool): void {
  const done = `taken-over.${old.epoch}`;
  if (own.recall(done) !== undefined) return;
  own.atomically(() => {
    for (const { name, value } of old.facts()) {
      if (OWN_FACTS.test(name)) continue;
      const counter = name.startsWith("source.") || name.startsWith("pulse.");
      const least = counter ? Math.max(Number(value), Number(own.recall(name) ?? 0)) : value;
      own.remember(name, String(least));
    }
    own.remember(done, "1");
  });
}
