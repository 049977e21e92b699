import type { NodeEvent } from "../../contract/message.ts";
import { DROP_TEXT, FULL_TEXT, THIN_TEXT } from "../../edge/spool/room.ts";
import type { LedgerRow } from "../../hub/ledger/ledger-table.ts";
import type { FaultSite } from "./fault-site.ts";
import { type Journal, readJournal, type Series } from "./journal.ts";
import { hotPointOf, type NodePlan, stepMs } from "./node-plan.ts";
import type { AlarmRecord, StoredHistory } from "./records.ts";

/** Sums of the same numbers, added in another order. */
const SUM_TOLERANCE = 1e-9;

export interface Verdict {
  /** What was promised and not kept; empty when all is well. */
  problems: string[];
  figures: Record<string, number | string>;
}

interface Gap {
  from: number;
  to: number;
  count: number;
  detail: string;
}

interface Tally {
  rows: number;
  lost: number;
  /** Declared lost, and yet stored: they were under way when the spool made room. */
  overDeclared: number;
  events: number;
  doorEvents: number;
}

/** Compares everything the nodes spooled with everything the hub kept. Nodes and hub have ended. */
export async function inspect(site: FaultSite, raised: Record<string, number>): Promise<Verdict> {
  const problems: string[] = [];
  const { records } = site;
  const history = site.history;
  const stored = await history.series();
  const ledger = groupedBy(records.fromNodes(), ({ node }) => node ?? "");
  const tally: Tally = { rows: 0, lost: 0, overDeclared: 0, events: 0, doorEvents: 0 };
  for (const { node, file } of site.spools()) {
    const journal = readJournal(file);
    const rows = ledger.get(node) ?? [];
    const plan = [...site.plans.values()].find(({ nodes }) => nodes.some(({ id }) => id === node));
    problems.push(...eventProblems(node, journal, rows, tally));
    problems.push(...doorProblems(node, rows, tally));
    const gaps = gapsOf(rows);
    const look = { node, journal, gaps, stored, history, plan, tally };
    problems.push(...(await readingProblems(look)));
  }
  problems.push(...alarmProblems(records.alarms(), raised));
  problems.push(...outboxProblems(records.alarms(), records.outbox()));
  for (const { node, why, count } of records.quarantined())
    problems.push(`${node}: ${count} rows in quarantine: ${why}`);
  const chain = records.chain();
  if (!chain.ok) problems.push(`the ledger's chain is broken at ${chain.brokenAt}: ${chain.why}`);
  for (const { name, peakMb, options } of site.services.values())
    if (peakMb > options.boundMb)
      problems.push(`${name} took ${peakMb} MB; allowed are ${options.boundMb}`);
  const services = [...site.services.values()];
  return {
    problems,
    figures: {
      ...tally,
      alarms: Object.values(raised).reduce((sum, count) => sum + count, 0),
      ledger: chain.ok ? chain.count : 0,
      notifications: records.outbox().length,
      stormsMs: site.stormsMs.join(" "),
      peakMb: services.map(({ name, peakMb }) => `${name} ${peakMb}`).join(", "),
      ownEnds: services.map(({ name, ownEnds }) => `${name} ${ownEnds.length}`).join(", "),
    },
  };
}

function gapsOf(rows: readonly LedgerRow[]): Map<string, Gap[]> {
  const events = rows
    .filter(({ type }) => type === "node.gap")
    .map(({ record }) => JSON.parse(record) as NodeEvent);
  const gaps = events.map(({ point = "", from, to, count = 0, detail, at }) => ({
    point,
    gap: { from: from ?? at, to: to ?? at, count, detail },
  }));
  const grouped = groupedBy(gaps, ({ point }) => point);
  return new Map([...grouped].map(([point, all]) => [point, all.map(({ gap }) => gap)]));
}

interface Look {
  node: string;
  journal: Journal;
  gaps: Map<string, Gap[]>;
  stored: Map<string, Series>;
  history: StoredHistory;
  plan: NodePlan | undefined;
  tally: Tally;
}

async function readingProblems(look: Look): Promise<string[]> {
  const { node, journal, gaps, stored, plan, tally } = look;
  const problems: string[] = [];
  const waiting = await notYetStored(look);
  for (const [point, spooled] of journal.readings) {
    const held = waiting.get(point) ?? { count: 0, sum: 0 };
    const expected = { ...spooled, count: spooled.count - held.count, sum: spooled.sum - held.sum };
    const found = stored.get(point) ?? { count: 0, sum: 0, max: null };
    tally.rows += expected.count;
    const declared = gaps.get(point) ?? [];
    if (same(expected, found, held.count > 0) && declared.length === 0) continue;
    const total = (texts: string[]) =>
      declared.reduce((sum, { detail, count }) => sum + (texts.includes(detail) ? count : 0), 0);
    const dropped = total([DROP_TEXT, THIN_TEXT]);
    const missing = expected.count - found.count;
    tally.lost += missing;
    tally.overDeclared += dropped - missing;
    const where = `${node} ${point}`;
    if (missing < 0) problems.push(`${where}: ${-missing} more stored than spooled`);
    if (missing > dropped)
      problems.push(`${where}: ${missing} of ${spooled.count} missing, ${dropped} declared`);
    if (missing === 0 && !same(expected, found, held.count > 0))
      problems.push(
        `${where}: sum or max is wrong: ${told(expected)} spooled, ${told(found)} stored`,
      );
    if (plan) {
      const unspooled = (spooled.max ?? -1) + 1 - spooled.count;
      if (unspooled !== total([FULL_TEXT]))
        problems.push(`${where}: ${unspooled} never spooled, ${total([FULL_TEXT])} declared so`);
      problems.push(...(await outsideGaps(point, spooled, { ...look, plan })));
    }
  }
  return problems;
}

const told = ({ count, sum, max }: Series) => `${count} rows, sum ${sum}, max ${max}`;

function same(a: Series, b: Series, maxUnknown: boolean): boolean {
  const near = Math.abs(a.sum - b.sum) <= SUM_TOLERANCE * Math.max(1, Math.abs(a.sum));
  return a.count === b.count && near && (maxUnknown || a.max === b.max);
}

/** Every reading of a counting point that is not stored must lie in a declared gap. */
async function outsideGaps(
  point: string,
  spooled: Series,
  { node, gaps, history, plan }: Look & { plan: NodePlan },
): Promise<string[]> {
  const values = await history.values(point);
  const there = new Set(values);
  const invented = values.filter(
    (value) => !Number.isInteger(value) || value > (spooled.max ?? -1),
  );
  const missing = Array.from({ length: (spooled.max ?? -1) + 1 }, (_, n) => n).filter(
    (n) => !there.has(n),
  );
  const declared = gaps.get(point) ?? [];
  const outside = missing.filter((n) => {
    const at = plan.baseMs + n * stepMs(plan);
    return !declared.some(({ from, to }) => from <= at && at <= to);
  });
  return [
    ...(there.size === values.length ? [] : [`${node} ${point}: stored twice`]),
    ...invented.slice(0, 3).map((value) => `${node} ${point}: ${value} was never spooled`),
    ...(outside.length > 0
      ? [`${node} ${point}: ${outside.length} missing in no gap, first ${outside[0]}`]
      : []),
  ];
}

/** Readings that wait in the spool of a node that has ended and that the hub does not have. */
async function notYetStored({ journal, history }: Look) {
  const waiting = new Map<string, { count: number; sum: number }>();
  for (const row of journal.held) {
    if (row.class === 1) continue;
    const [point, at, value] = JSON.parse(row.payload) as [string, number, number | null];
    if (await history.has(point, at)) continue;
    const sum = waiting.get(point) ?? { count: 0, sum: 0 };
    waiting.set(point, { count: sum.count + 1, sum: sum.sum + (value ?? 0) });
  }
  return waiting;
}

function eventProblems(
  node: string,
  { epoch, events, held }: Journal,
  rows: readonly LedgerRow[],
  tally: Tally,
): string[] {
  const problems: string[] = [];
  const seen = new Set<number>();
  for (const row of rows) {
    if (row.source_seq === null) continue;
    if (row.epoch !== epoch) problems.push(`${node}: event of another spool, ${row.epoch}`);
    else if (seen.has(row.source_seq)) problems.push(`${node}: event ${row.source_seq} twice`);
    else if (!events.has(row.source_seq))
      problems.push(`${node}: event ${row.source_seq} was never spooled`);
    seen.add(row.source_seq);
  }
  const waiting = new Set(held.map(({ seq }) => seq));
  for (const [seq, event] of events) {
    // A gap that grew before it was sent is replaced by a wider one.
    if (seen.has(seq) || waiting.has(seq) || (event.type === "node" && event.what === "gap"))
      continue;
    problems.push(`${node}: ${event.type} event ${seq} is not in the ledger`);
  }
  tally.events += seen.size;
  return problems;
}

function doorProblems(node: string, rows: readonly LedgerRow[], tally: Tally): string[] {
  const problems: string[] = [];
  const doors = groupedBy(
    rows.filter(({ door }) => door !== null),
    ({ door }) => door ?? "",
  );
  for (const [door, all] of doors) {
    const gaps = all.filter(({ type }) => type === "door.gap").length;
    if (gaps > 0) problems.push(`${node} ${door}: the ledger has ${gaps} gaps`);
    const sources = all
      .filter(({ source_seq }) => source_seq !== null)
      .map(({ record }) => (JSON.parse(record) as { source: number }).source);
    const wrong = sources.findIndex((source, index) => source !== index + 1);
    if (wrong >= 0)
      problems.push(
        `${node} ${door}: event ${wrong + 1} of the ledger has number ${sources[wrong]}`,
      );
    tally.doorEvents += sources.length;
  }
  return problems;
}

/** Each occurrence is raised once and cleared at most once, in order; the provoked ones exactly. */
export function alarmProblems(
  records: readonly AlarmRecord[],
  raised: Record<string, number>,
): string[] {
  const problems: string[] = [];
  const byAlarm = groupedBy(
    records.filter(({ change }) => change === "raised" || change === "cleared"),
    ({ alarm }) => alarm,
  );
  for (const [alarm, all] of byAlarm) {
    const wrong = all.findIndex(
      ({ change, occurrence }, index) =>
        change !== (index % 2 === 0 ? "raised" : "cleared") ||
        occurrence !== (all[0]?.occurrence ?? 0) + Math.floor(index / 2),
    );
    if (wrong >= 0)
      problems.push(`${alarm}: ${all[wrong]?.change} ${all[wrong]?.occurrence} out of turn`);
  }
  for (const [node, count] of Object.entries(raised)) {
    const found = byAlarm.get(`hot.${hotPointOf(node)}`)?.length ?? 0;
    if (found !== 2 * count)
      problems.push(`${node}: ${found} alarm changes, ${2 * count} were provoked`);
  }
  return problems;
}

function outboxProblems(
  records: readonly AlarmRecord[],
  outbox: readonly { alarm: string; occurrence: number; change: string }[],
): string[] {
  const key = (one: AlarmRecord) => `${one.alarm} ${one.change} ${one.occurrence}`;
  const known = new Set(records.map(({ alarm }) => alarm));
  // What tells of no alarm, such as a digest, has no occurrence to be doubled.
  const sent = groupedBy(
    outbox.filter(({ alarm }) => known.has(alarm)),
    key,
  );
  const doubled = [...sent].filter(([, rows]) => rows.length > 1).map(([one]) => one);
  const owed = records.filter(
    ({ alarm, change }) =>
      alarm.startsWith("hot.") && (change === "raised" || change === "cleared"),
  );
  const unsent = owed.map(key).filter((one) => !sent.has(one));
  return [
    ...doubled.map((one) => `notification of ${one} is doubled`),
    ...unsent.map((one) => `nobody is told of ${one}`),
  ];
}

function groupedBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
