import Sqlite from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { NodeEvent } from "../../../contract/message.ts";
import type { SqliteSpool } from "../../../edge/spool/sqlite-spool.ts";
import { SYNCED, TempSpool } from "./temp-spool.ts";

const NOON = Date.UTC(2026, 5, 1, 12);
const QUOTA = { quotaBytes: 120_000 };

/** What a spool must still hold, kept in the simplest possible way. */
interface Model {
  /** Committed rows by sequence: the text of a reading, or `event <n>`. */
  rows: Map<number, string>;
  pending: string[];
  last: number;
}

interface Real {
  spool: SqliteSpool;
  temp: TempSpool;
}

type Command = fc.Command<Model, Real>;

/** Straight from the file, because what was handed out for sending is not merged any more. */
function rowsOf({ spool, temp }: Real): Map<number, string> {
  const db = new Sqlite(temp.path, { readonly: true });
  const rows = db
    .prepare<[number], { seq: number; payload: string }>(
      "SELECT seq, payload FROM rows WHERE seq >= ? ORDER BY seq",
    )
    .all(spool.floor);
  db.close();
  return new Map(rows.map(({ seq, payload }) => [seq, payload]));
}

function declared(rows: ReadonlyMap<number, string>): number {
  return [...rows.values()].reduce((sum, payload) => {
    const parsed = JSON.parse(payload);
    return Array.isArray(parsed) ? sum : sum + ((parsed.event as NodeEvent).count ?? 0);
  }, 0);
}

const name = (payload: string) => {
  const parsed = JSON.parse(payload);
  return Array.isArray(parsed) ? payload : `${parsed.event.what} ${parsed.event.source ?? ""}`;
};

function checkSame(model: Model, real: Real): void {
  const { spool } = real;
  const rows = rowsOf(real);
  expect([...rows.keys()]).toEqual([...model.rows.keys()].sort((a, b) => a - b));
  for (const [seq, payload] of rows) expect(name(payload)).toBe(model.rows.get(seq));
  expect(spool.last).toBe(model.last);
  expect(spool.floor).toBe(Math.min(...model.rows.keys(), model.last + 1));
  expect(spool.backlog).toBe(model.rows.size);
}

function commitModel(model: Model): void {
  for (const text of model.pending) {
    model.last += 1;
    model.rows.set(model.last, text);
  }
  model.pending = [];
}

class Append implements Command {
  readonly #counts: number[];
  constructor(counts: number[]) {
    this.#counts = counts;
  }
  check = () => true;
  run(model: Model, { spool }: Real): void {
    for (const value of this.#counts) {
      const at = NOON + model.last + model.pending.length;
      const point = `p.${value % 3}`;
      spool.addReading({ point, at, quality: "good", value }, SYNCED);
      model.pending.push(JSON.stringify([point, at, value]));
    }
  }
  toString = () => `append(${this.#counts.length})`;
}

class AppendEvent implements Command {
  check = () => true;
  run(model: Model, { spool }: Real): void {
    const source = model.last + 1;
    spool.addEvent(
      { type: "door", door: "door-a1", what: "opened", at: NOON, source, clock: "synced" },
      SYNCED,
    );
    model.pending.push(`opened ${source}`);
    commitModel(model);
  }
  toString = () => "event";
}

class Commit implements Command {
  check = () => true;
  run(model: Model, real: Real): void {
    real.spool.commit();
    commitModel(model);
    checkSame(model, real);
  }
  toString = () => "commit";
}

class AckRows implements Command {
  readonly #share: number;
  readonly #foreign: boolean;
  constructor(share: number, foreign: boolean) {
    this.#share = share;
    this.#foreign = foreign;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const upto = Math.floor(model.last * this.#share);
    real.spool.ack(this.#foreign ? "foreign" : real.spool.epoch, upto);
    if (!this.#foreign) {
      for (const seq of model.rows.keys()) if (seq <= upto) model.rows.delete(seq);
    }
    checkSame(model, real);
  }
  toString = () => `ack(${this.#share}${this.#foreign ? " foreign" : ""})`;
}

class Reopen implements Command {
  check = () => true;
  run(model: Model, real: Real): void {
    real.spool.close();
    commitModel(model);
    real.spool = real.temp.open(QUOTA);
    checkSame(model, real);
  }
  toString = () => "reopen";
}

/** Which readings go is the spool's choice; that each is declared and no door event goes is not. */
class Trim implements Command {
  readonly #hoursLater: number;
  readonly #sent: boolean;
  constructor(hoursLater: number, sent: boolean) {
    this.#hoursLater = hoursLater;
    this.#sent = sent;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const now = NOON + this.#hoursLater * 3_600_000;
    if (this.#sent) real.spool.batch(0, 100);
    const before = declared(rowsOf(real));
    real.spool.trim({ now, taken: SYNCED, freeBytes: 1e12 });
    const left = rowsOf(real);
    const gone = [...model.rows].filter(([seq]) => !left.has(seq));
    for (const [seq, text] of gone) {
      expect(text.startsWith("[") || text === "gap ").toBe(true);
      model.rows.delete(seq);
    }
    for (const [seq, payload] of left) {
      if (seq <= model.last) continue;
      expect((JSON.parse(payload).event as NodeEvent).what).toBe("gap");
      model.rows.set(seq, "gap ");
    }
    const readings = gone.filter(([, text]) => text.startsWith("["));
    expect(declared(left) - before).toBe(readings.length);
    model.last = real.spool.last;
    checkSame(model, real);
  }
  toString = () => `trim(+${this.#hoursLater} h)`;
}

const command = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.nat(9), { maxLength: 400 }).map((c) => new Append(c)) },
  { weight: 2, arbitrary: fc.constant(new AppendEvent()) },
  { weight: 3, arbitrary: fc.constant(new Commit()) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean())
      .map(([share, foreign]) => new AckRows(share, foreign)),
  },
  { weight: 1, arbitrary: fc.constant(new Reopen()) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(3), fc.boolean()).map(([h, sent]) => new Trim(h, sent)) },
);

test("whatever is appended, acknowledged, trimmed and reopened, only acknowledged or declared rows are gone", () => {
  fc.assert(
    fc.property(fc.commands([command], { maxCommands: 40, size: "max" }), (commands) => {
      const temp = new TempSpool();
      const real: Real = { temp, spool: temp.open(QUOTA) };
      const model: Model = { rows: new Map(), pending: [], last: 0 };
      try {
        fc.modelRun(() => ({ model, real }), commands);
      } finally {
        real.spool.close();
        temp.remove();
      }
    }),
    { numRuns: 60 },
  );
});

test("every batch covers its numbers without hole or overlap, wherever it begins", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 50 }),
      fc.integer({ min: 0, max: 70 }),
      fc.integer({ min: 1, max: 20 }),
      (removed, from, size) => {
        const temp = new TempSpool();
        const spool = temp.open();
        for (let i = 1; i <= 60; i += 1)
          spool.addReading({ point: "p.0", at: i, quality: "good", value: i }, SYNCED);
        spool.commit();
        temp.deleteRows(removed);
        const seen = new Set<number>();
        let cursor = from;
        for (;;) {
          const batch = spool.batch(cursor, size);
          if (!batch) break;
          let seq = batch.first;
          for (const row of batch.rows) {
            if ("skip" in row) seq += row.skip;
            else {
              expect(row.seq).toBe(seq);
              seen.add(seq);
              seq += 1;
            }
          }
          expect(batch.next).toBe(seq);
          cursor = batch.next;
        }
        const expected = Array.from({ length: 60 }, (_, i) => i + 1).filter(
          (seq) => seq >= from && !removed.includes(seq),
        );
        expect([...seen]).toEqual(expected);
        spool.close();
        temp.remove();
      },
    ),
    { numRuns: 50 },
  );
});
