import type { EpochMs } from "../../contract/clock.ts";
import { siteTime } from "../notify/notice.ts";
import type { Notice } from "../notify/outbox.ts";
import type { HubDb } from "../state/hub-db.ts";

/** A message kept back to go out together with others to the same receiver. */
export interface DigestEntry {
  id: number;
  receiver: string;
  kind: "flood" | "held";
  dueAt: EpochMs;
  at: EpochMs;
  /** What it is put together by: the incident, or else the rule. */
  cause: string;
  notice: Notice;
}

interface Row {
  id: number;
  receiver: string;
  kind: DigestEntry["kind"];
  alarm: string;
  due_at: EpochMs;
  entry: string;
}

/** The most alarms one digest names as over, or to machines. */
export const MAX_LISTED = 200;
/** Of one cause so many are named; the others are counted. */
const MAX_OF_CAUSE = 20;
const MAX_CAUSES = 50;

/** Messages that wait for their digest; each goes out or is forgotten with its alarm's acknowledgement. */
export class DigestTable {
  readonly #sql;

  constructor(db: HubDb) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS delivery_digest (id INTEGER PRIMARY KEY AUTOINCREMENT,
        receiver TEXT NOT NULL, kind TEXT NOT NULL, alarm TEXT NOT NULL, due_at INTEGER NOT NULL,
        entry TEXT NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS delivery_digest_due ON delivery_digest (due_at);`);
    this.#sql = {
      add: db.prepare<Omit<Row, "id">>(
        `INSERT INTO delivery_digest (receiver, kind, alarm, due_at, entry)
         VALUES (@receiver, @kind, @alarm, @due_at, @entry)`,
      ),
      opened: db
        .prepare<[string, string, EpochMs], EpochMs | null>(
          "SELECT min(due_at) FROM delivery_digest WHERE receiver = ? AND kind = ? AND due_at > ?",
        )
        .pluck(),
      nextAt: db.prepare<[], EpochMs | null>("SELECT min(due_at) FROM delivery_digest").pluck(),
      due: db.prepare<[EpochMs], Row>(
        "SELECT * FROM delivery_digest WHERE due_at <= ? ORDER BY id",
      ),
      remove: db.prepare<[number]>("DELETE FROM delivery_digest WHERE id = ?"),
      forget: db.prepare<[string], { receiver: string }>(
        "DELETE FROM delivery_digest WHERE alarm = ? RETURNING receiver",
      ),
      flush: db.prepare<[EpochMs]>("UPDATE delivery_digest SET due_at = ? WHERE kind = 'flood'"),
      shift: db.prepare<[number]>("UPDATE delivery_digest SET due_at = due_at + ?"),
    };
  }

  add(entry: Omit<DigestEntry, "id" | "dueAt">, dueAt: EpochMs): void {
    const { receiver, kind, at, notice } = entry;
    // All of one digest go out with its first.
    const opened = this.#sql.opened.get(receiver, kind, at) as EpochMs | null | undefined;
    const due = Math.min(dueAt, opened ?? dueAt);
    const row = { receiver, kind, alarm: notice.alarm, due_at: due };
    this.#sql.add.run({ ...row, entry: JSON.stringify(entry) });
  }

  nextAt = (): EpochMs | null => (this.#sql.nextAt.get() as EpochMs | null | undefined) ?? null;

  /** Takes out what is due, by receiver and kind. */
  takeDue(now: EpochMs): DigestEntry[][] {
    const groups = new Map<string, DigestEntry[]>();
    for (const { id, due_at: dueAt, receiver, kind, entry } of this.#sql.due.all(now)) {
      const key = `${kind}/${receiver}`;
      const found = { ...(JSON.parse(entry) as DigestEntry), id, dueAt };
      groups.set(key, [...(groups.get(key) ?? []), found]);
      this.#sql.remove.run(id);
    }
    return [...groups.values()];
  }

  /** Forgets what waits about an alarm; returns the receivers who will not hear of it. */
  forget = (alarm: string): string[] => this.#sql.forget.all(alarm).map(({ receiver }) => receiver);

  /** Sends what waits because of a flood at once. */
  flush = (now: EpochMs): void => void this.#sql.flush.run(now);
  shift = (ms: number): void => void this.#sql.shift.run(ms);
}

interface DigestPlace {
  siteLabel: string;
  timezone: string;
  linkBase: string | null;
  now: EpochMs;
}

/** Several messages as one, the most urgent cause first; of each alarm only the newest word. */
export function composeDigest(entries: readonly DigestEntry[], place: DigestPlace): Notice {
  const newest = new Map(entries.map((entry) => [entry.notice.alarm, entry]));
  const kept = [...newest.values()];
  const isOver = ({ notice }: DigestEntry) =>
    notice.change === "cleared" || notice.change === "withdrawn";
  const standing = kept.filter((entry) => !isOver(entry));
  const { siteLabel, timezone, linkBase, now } = place;
  const [first] = entries;
  const { kind = "flood", receiver = "" } = first ?? {};
  const causes = byCause(standing);
  const lead = kind === "flood" ? "Many alarms at once" : "Held back until now";
  const ends = kept.length - standing.length;
  const subject =
    `${lead}: ${count(standing.length, "alarm")} from ${count(causes.length, "cause")}` +
    `${ends > 0 ? `, ${ends} over` : ""} — ${siteLabel}`;
  const lines = [
    `${lead}. This is one message for ${count(kept.length, "alarm")}.`,
    "",
    ...causes.slice(0, MAX_CAUSES).flatMap((cause) => linesOf(cause, timezone)),
    ...rest(causes.length - MAX_CAUSES, "other cause"),
    ...(ends > 0 ? ["Over:", ...kept.filter(isOver).slice(0, MAX_LISTED).map(lineOf)] : []),
    ...rest(ends - MAX_LISTED, "other"),
    "",
    ...(kind === "flood" ? ["Priority 1 still comes at once, each by itself.", ""] : []),
    ...(linkBase ? [`Look:  ${linkBase}/`] : []),
  ];
  const priority = Math.min(4, ...standing.map(({ notice }) => notice.priority)) as 1 | 2 | 3 | 4;
  const alarms = kept.slice(0, MAX_LISTED).map(({ notice: { alarm, occurrence, change } }) => ({
    ...{ alarm, occurrence, change },
  }));
  return {
    key: `digest/${kind}/${entries.at(-1)?.id ?? 0}`,
    ...{ alarm: "digest", occurrence: 0, change: "digest", priority, receivers: [receiver] },
    ...{ subject, text: `${lines.join("\n")}\n` },
    data: {
      ...{ change: "digest", at: now, text: subject, site: siteLabel, alarms },
      link: linkBase && `${linkBase}/`,
    },
  };
}

function byCause(entries: readonly DigestEntry[]): DigestEntry[][] {
  const causes = new Map<string, DigestEntry[]>();
  for (const entry of entries) causes.set(entry.cause, [...(causes.get(entry.cause) ?? []), entry]);
  const urgency = (group: DigestEntry[]) => Math.min(...group.map(({ notice }) => notice.priority));
  return [...causes.values()].sort((a, b) => urgency(a) - urgency(b) || b.length - a.length);
}

function linesOf(cause: DigestEntry[], timezone: string): string[] {
  const [first, ...others] = cause;
  if (!first) return [];
  const shown = others.slice(0, MAX_OF_CAUSE);
  const hidden = others.length - shown.length;
  return [
    `${first.notice.subject}`,
    `  since ${siteTime(first.at, timezone)}`,
    ...shown.map((entry) => `  and ${entry.notice.subject}`),
    ...rest(hidden, "other"),
    "",
  ];
}

const rest = (n: number, what: string) => (n > 0 ? [`  and ${count(n, what)}`] : []);
const lineOf = ({ notice }: DigestEntry) => `  ${notice.subject}`;
const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
