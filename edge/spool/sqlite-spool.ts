import { randomUUID } from "node:crypto";
import type { Database, Statement } from "better-sqlite3";
import type { SpoolEvent } from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";
import { encodeReading } from "../../contract/row.ts";
import { eventSubject, gapEvent, gapToWiden, widened } from "./gaps.ts";
import {
  DROP_TEXT,
  dropOldest,
  FULL_TEXT,
  type Loss,
  Losses,
  THIN_TEXT,
  thinOld,
  usedBytes,
} from "./room.ts";
import type { Batch, Room, Spool, Taken } from "./spool.ts";
import {
  bootRow,
  eventBytes,
  prepareTables,
  SELECT_ROWS,
  type StoredRow,
  spoolRow,
  toBatch,
} from "./tables.ts";

/** Events have their own allowance; above it, repeats of an event already waiting are not taken. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024;
/** With less free disk the spool shrinks its quota by what is missing. */
export const LOW_DISK_BYTES = 64 * 1024 * 1024;
/** With less free disk readings are not spooled at all; events still are. */
export const FULL_DISK_BYTES = 16 * 1024 * 1024;

interface Entry {
  class: 0 | 1;
  subject: string;
  at: number;
  taken: Taken;
  payload: string;
}

export interface SpoolOptions {
  quotaBytes: number;
  /** Names the machine's boot; monotonic times of one boot can be compared. */
  bootId: string;
  maxEventBytes?: number;
}

/**
 * A spool in one SQLite file: WAL with `synchronous=FULL`, because NORMAL loses commits at a power cut.
 * An acknowledged row leaves the file with the next commit, which saves the card half of its syncs;
 * a crash before that only sends it again.
 */
export class SqliteSpool implements Spool {
  readonly epoch: string;
  readonly #db: Database;
  readonly #options: SpoolOptions;
  readonly #boot: number;
  readonly #insert: Statement;
  readonly #select: Statement<[number, number], StoredRow>;
  #pending: Entry[] = [];
  #floor = 1;
  #last = 0;
  #held = 0;
  /** The highest sequence ever handed out for sending. */
  #sent = 0;
  #eventBytes = 0;
  #trimming = false;
  #diskFull = false;
  readonly #unspooled = new Losses();

  /** Takes over an open, sound database. */
  constructor(db: Database, options: SpoolOptions) {
    this.#db = db;
    this.#options = options;
    prepareTables(db);
    this.epoch = this.recall("epoch") ?? randomUUID();
    this.remember("epoch", this.epoch);
    this.#boot = bootRow(db, options.bootId);
    this.#insert = db.prepare(
      `INSERT INTO rows (class, subject, at, boot, mono, synced, payload)
       VALUES (@class, @subject, @at, @boot, @mono, @synced, @payload)`,
    );
    this.#select = db.prepare(`${SELECT_ROWS} WHERE seq >= ? ORDER BY seq LIMIT ?`);
    this.#recount();
  }

  get floor(): number {
    return this.#floor;
  }
  get last(): number {
    return this.#last;
  }
  get backlog(): number {
    return this.#held;
  }
  get pending(): number {
    return this.#pending.length;
  }

  get keeping(): boolean {
    return !this.#diskFull;
  }

  addReading(reading: Reading, taken: Taken): void {
    const { point, at } = reading;
    if (this.#diskFull) {
      this.#unspooled.add(point, at);
      return;
    }
    const payload = JSON.stringify(encodeReading(reading));
    this.#pending.push({ class: 0, subject: point, at, taken, payload });
  }

  addEvent(event: SpoolEvent, taken: Taken): void {
    const subject = eventSubject(event);
    const payload = JSON.stringify({ event });
    const full =
      this.#eventBytes + payload.length > (this.#options.maxEventBytes ?? MAX_EVENT_BYTES);
    if (full && this.#waiting(subject)) return;
    this.#pending.push({ class: 1, subject, at: event.at, taken, payload });
    this.commit();
  }

  commit(): void {
    if (this.#pending.length === 0 && !this.#hasAcked()) return;
    const entries = this.#pending;
    this.#db.transaction(() => {
      this.#forgetAcked();
      for (const entry of entries) this.#store(entry);
    })();
    this.#pending = [];
  }

  batch(from: number, maxRows: number): Batch | undefined {
    const first = Math.max(from, this.#floor);
    const stored = this.#select.all(first, maxRows);
    const batch = toBatch(first, stored, (row) => spoolRow(row, this.#boot));
    if (batch) this.#sent = Math.max(this.#sent, batch.next - 1);
    return batch;
  }

  ack(epoch: string, upto: number): boolean {
    if (epoch !== this.epoch || upto > this.#last) return false;
    if (upto < this.#floor) return true;
    this.#held -= this.#db
      .prepare<[number, number], { n: number }>(
        "SELECT count(*) AS n FROM rows WHERE seq >= ? AND seq <= ?",
      )
      .get(this.#floor, upto)!.n;
    this.#floor = this.#lowest(upto + 1);
    return true;
  }

  trim({ now, taken, freeBytes }: Room): void {
    this.#diskFull = freeBytes < FULL_DISK_BYTES;
    if (!this.#diskFull) this.#declareUnspooled(now, taken);
    const used = usedBytes(this.#db);
    const missing = Math.max(0, LOW_DISK_BYTES - freeBytes);
    const quota =
      missing > 0 ? Math.min(this.#options.quotaBytes, used - missing) : this.#options.quotaBytes;
    if (used > quota) this.#trimming = true;
    else if (used < quota * 0.9) this.#trimming = false;
    if (!this.#trimming) return;
    this.#db.transaction(() => {
      this.#forgetAcked();
      const thinned = thinOld(this.#db, now);
      const dropped = thinned.length > 0 ? [] : dropOldest(this.#db, this.#held);
      for (const { count } of [...thinned, ...dropped]) this.#held -= count;
      this.#storeGaps(thinned, THIN_TEXT, now, taken);
      this.#storeGaps(dropped, DROP_TEXT, now, taken);
    })();
    this.#floor = this.#lowest(this.#floor);
  }

  setOffset(offsetMs: number): void {
    this.#db
      .prepare("UPDATE boots SET offset_ms = ? WHERE id = ? AND offset_ms IS NULL")
      .run(Math.round(offsetMs), this.#boot);
  }

  count(name: string, startAt = 0): number {
    const next = Math.max(Number(this.recall(name) ?? 0), startAt) + 1;
    this.remember(name, String(next));
    return next;
  }

  remember(name: string, value: string): void {
    this.#db.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)").run(name, value);
  }

  recall(name: string): string | undefined {
    return this.#db
      .prepare<[string], { value: string }>("SELECT value FROM facts WHERE name = ?")
      .get(name)?.value;
  }

  atomically(work: () => void): void {
    this.#db.transaction(work)();
  }

  close(): void {
    if (!this.#db.open) return;
    try {
      this.commit();
    } finally {
      this.#db.close();
    }
  }

  #store(entry: Entry): void {
    const { lastInsertRowid } = this.#insert.run({
      class: entry.class,
      subject: entry.subject,
      at: entry.at,
      boot: this.#boot,
      mono: Math.round(entry.taken.monoMs),
      synced: entry.taken.synced ? 1 : 0,
      payload: entry.payload,
    });
    this.#last = Number(lastInsertRowid);
    if (entry.class === 1) this.#eventBytes += entry.payload.length;
    this.#held += 1;
  }

  #hasAcked(): boolean {
    const lowest = this.#db
      .prepare<[], { seq: number | null }>("SELECT min(seq) AS seq FROM rows")
      .get()?.seq;
    return lowest != null && lowest < this.#floor;
  }

  #forgetAcked(): void {
    this.#eventBytes -= eventBytes(this.#db, this.#floor);
    this.#db.prepare("DELETE FROM rows WHERE seq < ?").run(this.#floor);
  }

  /** The lowest sequence held from `from` on, or the next to be given. */
  #lowest(from: number): number {
    const row = this.#db
      .prepare<[number], { seq: number | null }>("SELECT min(seq) AS seq FROM rows WHERE seq >= ?")
      .get(from);
    return row?.seq ?? this.#last + 1;
  }

  #recount(): void {
    const sequence = this.#db
      .prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'rows'")
      .get();
    this.#last = sequence?.seq ?? 0;
    // Nobody knows what was sent before a restart: a gap that the hub may have must not grow.
    this.#sent = this.#last;
    this.#floor = this.#lowest(0);
    const totals = this.#db.prepare<[], { n: number }>("SELECT count(*) AS n FROM rows").get();
    this.#held = totals?.n ?? 0;
    this.#eventBytes = eventBytes(this.#db, Number.MAX_SAFE_INTEGER);
  }

  #waiting(subject: string): boolean {
    return (
      this.#db
        .prepare("SELECT 1 FROM rows WHERE class = 1 AND subject = ? LIMIT 1")
        .get(subject) !== undefined
    );
  }

  #declareUnspooled(now: number, taken: Taken): void {
    const losses = this.#unspooled.take();
    if (losses.length === 0) return;
    this.#db.transaction(() => this.#storeGaps(losses, FULL_TEXT, now, taken))();
    this.#floor = this.#lowest(this.#floor);
  }

  #storeGaps(losses: Loss[], detail: string, at: number, taken: Taken): void {
    for (const loss of losses) {
      const waiting = gapToWiden(this.#db, { loss, detail, sent: this.#sent });
      if (waiting) {
        this.#db.prepare("DELETE FROM rows WHERE seq = ?").run(waiting.seq);
        this.#held -= 1;
        this.#eventBytes -= waiting.bytes;
      }
      const event = gapEvent(waiting ? widened(waiting, loss) : loss, detail, at);
      const payload = JSON.stringify({ event });
      this.#store({ class: 1, subject: eventSubject(event), at, taken, payload });
    }
  }
}
