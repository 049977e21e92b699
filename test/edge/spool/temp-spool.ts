import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Sqlite from "better-sqlite3";
import { pino } from "pino";
import { openSpool } from "../../../edge/spool/open.ts";
import type { SpoolOptions, SqliteSpool } from "../../../edge/spool/sqlite-spool.ts";
import { FakeClock } from "../../fake-clock.ts";

export const silent = pino({ level: "silent" });
export const SYNCED = { monoMs: 1_000, synced: true };

/** A spool in a folder of its own, which can be closed and opened again, or removed with all it holds. */
export class TempSpool {
  readonly clock = new FakeClock();
  readonly #folder = mkdtempSync(path.join(tmpdir(), "plenum-spool-"));
  readonly path = path.join(this.#folder, "spool.db");

  open(options: Partial<SpoolOptions> = {}): SqliteSpool {
    return openSpool({
      path: this.path,
      quotaBytes: 64 * 1024 * 1024,
      bootId: "boot-1",
      clock: this.clock,
      log: silent,
      taken: SYNCED,
      ...options,
    });
  }

  /** Takes rows out behind the spool's back, as thinning leaves it. */
  deleteRows(seqs: readonly number[]): void {
    const db = new Sqlite(this.path);
    for (const seq of seqs) db.prepare("DELETE FROM rows WHERE seq = ?").run(seq);
    db.close();
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
