import type { Logger } from "pino";
import { type Command, command, type Step, step } from "../../contract/alarm/engine.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { AlarmEvent, LocalRuleInfo, StandingAlarm } from "../../contract/message.ts";
import type { LiveNode, LiveState } from "../live/live-state.ts";
import type { Alarm, AlarmBook } from "./alarm-book.ts";
import { cutForNode, type DueOrder, type DueOrders, holds } from "./due-orders.ts";
import type { Merge, MergeStore, NodeOccurrence } from "./merge-store.ts";
import type { Cause, Transition } from "./transition.ts";

/** An event older than this tells of the past: nobody is woken by it unless the alarm still stands. */
export const RECENT_MS = 60_000;
/** A status that holds so many alarms may have left some out. */
const FULL_STATUS = 200;
/** Rules no node announced that are logged, each once; further ones are not. */
const MAX_STRANGE = 1_000;
/** A stamp before this comes from a node that did not know the time. */
const EARLIEST_AT = Date.UTC(2020, 0, 1);

export interface NodeAlarmsDeps {
  live: Pick<LiveState, "node" | "nodes" | "point" | "owner">;
  book: AlarmBook;
  merges: MergeStore;
  due: DueOrders;
  /** Takes a step over into the alarm; undefined when nothing changed. */
  move: (alarm: Alarm, step: Step, now: EpochMs, cause: Cause) => Transition | undefined;
  /** Sends an order to the node that judges this alarm too. */
  order: (node: string, rule: string, subject: string, order: Command) => void;
  log: Logger;
}

/** What is to be written down. */
export interface Outcome {
  transitions: Transition[];
  merges: Merge[];
}

/** An occurrence that is new to the hub. */
interface News {
  of: NodeOccurrence;
  raisedAt: EpochMs;
  acknowledged: boolean;
}

/**
 * Alarms that nodes judge themselves, merged into the hub's own of the same rule and point: each occurrence of
 * a node becomes part of exactly one of the hub's, or is put on record as having come and gone unheard.
 */
export class NodeAlarms {
  readonly #deps: NodeAlarmsDeps;
  /** The status each node was last heard by: the same one tells nothing new. */
  readonly #heard = new Map<string, unknown>();
  /** The connection of each node in which orders it had missed were repeated. */
  readonly #repeatedIn = new Map<string, number>();

  /** Rules that were complained of already. */
  readonly #strange = new Set<string>();

  constructor(deps: NodeAlarmsDeps) {
    this.#deps = deps;
  }

  /** The alarm of a rule only a node has, as its birth announces it; undefined when none does. */
  adopt(rule: string, subject: string): Alarm | undefined {
    const node = this.#deps.live.point(subject)?.node;
    const info = node === undefined ? undefined : this.#ruleOf(node, rule);
    return node !== undefined && info ? this.#deps.book.adopt(info, subject, node) : undefined;
  }

  /** The node that judges this alarm too. */
  judgeOf({ rule, subject }: Pick<Alarm, "rule" | "subject">): string | undefined {
    const node = this.#deps.live.point(subject)?.node;
    return node !== undefined && this.#ruleOf(node, rule.id) ? node : undefined;
  }

  /** An order given here holds on the node, too: sent now, and again when it returns, until it confirms. */
  ordered(node: string, alarm: Alarm, order: Command, now: EpochMs): void {
    const { rule, subject, state } = alarm;
    const cut = cutForNode(order);
    const occurrence = state.count;
    this.#deps.due.note({ node, rule: rule.id, subject, order: cut, occurrence, at: now });
    this.#deps.order(node, rule.id, subject, cut);
  }

  /** Takes the alarms that stand on a node, as its newest status says. */
  standing(node: LiveNode, now: EpochMs): Outcome {
    const outcome: Outcome = { transitions: [], merges: [] };
    const { status } = node;
    if (!node.online || !status?.alarms || this.#heard.get(node.id) === status) return outcome;
    this.#heard.set(node.id, status);
    const { epoch } = node.birth;
    for (const { rule, subject, occurrence, raisedAt, acknowledged } of status.alarms) {
      const alarm = this.#alarmOf(node.id, rule, subject);
      if (!alarm) continue;
      const of = { node: node.id, epoch, rule, subject, occurrence };
      this.#settle(alarm, { of, raisedAt, acknowledged }, now, outcome);
      if (!acknowledged) this.#repeatAcknowledgement(alarm, of);
    }
    if (this.#repeatedIn.get(node.id) !== status.session) {
      this.#repeatedIn.set(node.id, status.session);
      for (const due of this.#deps.due.of(node.id, now)) this.#repeat(due, status.alarms, epoch);
    }
    if (status.alarms.length < FULL_STATUS) this.#endOthers(node.id, status.alarms, now, outcome);
    return outcome;
  }

  /** Takes alarm events of a node's spool, in their order; they are in the ledger already. */
  events(node: LiveNode, epoch: string, events: readonly AlarmEvent[], now: EpochMs): Outcome {
    const outcome: Outcome = { transitions: [], merges: [] };
    for (const [index, event] of events.entries()) {
      const { rule, subject, occurrence, what, at: raisedAt } = event;
      const alarm = this.#alarmOf(node.id, rule, subject);
      if (!alarm) continue;
      const of = { node: node.id, epoch, rule, subject, occurrence };
      const echo = this.#deps.due.confirmed({ node: node.id, rule, subject }, what);
      if (what === "acknowledged" && !echo)
        this.#acknowledge(alarm, of, { by: event.by ?? node.id, now }, outcome);
      if (what === "cleared") this.#latch(alarm, of, now, outcome);
      if (what !== "raised" || this.#deps.merges.into(of) !== undefined) continue;
      const news = { of, raisedAt, acknowledged: false };
      if (isOver(event, events.slice(index + 1), node, now)) this.#bury(alarm, news, now, outcome);
      else this.#settle(alarm, news, now, outcome);
    }
    return outcome;
  }

  #ruleOf(node: string, rule: string): LocalRuleInfo | undefined {
    return this.#deps.live.node(node)?.birth.rules?.find(({ id }) => id === rule);
  }

  #alarmOf(node: string, rule: string, subject: string): Alarm | undefined {
    const { book, live, log } = this.#deps;
    if (live.point(subject)?.node !== node) return undefined;
    const known = book.ofPoint(subject).find((alarm) => alarm.rule.id === rule);
    if (known?.judgedBy === null) return known;
    const alarm = this.adopt(rule, subject) ?? known;
    const name = `${node} ${rule}`;
    if (!alarm && this.#strange.size < MAX_STRANGE && !this.#strange.has(name)) {
      this.#strange.add(name);
      log.warn({ node, rule, subject }, "alarm of a rule the node never announced, not shown");
    }
    return alarm;
  }

  /** Makes an occurrence part of the hub's, which begins with it when none stands. */
  #settle(alarm: Alarm, news: News, now: EpochMs, outcome: Outcome): void {
    const { merges, move } = this.#deps;
    if (merges.into(news.of) !== undefined) return;
    const raisedAt = news.raisedAt > now || news.raisedAt < EARLIEST_AT ? now : news.raisedAt;
    const next = this.#joined(alarm, { ...news, raisedAt }, now);
    const transition = next && move(alarm, next, now, causeOf(news.of.node));
    if (transition) outcome.transitions.push(transition);
    this.#note(alarm, { ...news, raisedAt }, alarm.state.count, now, outcome);
    const { of, acknowledged } = news;
    if (acknowledged) this.#acknowledge(alarm, of, { by: of.node, now }, outcome);
  }

  /** Somebody has acknowledged the node's occurrence at the node itself. No order follows from it. */
  #acknowledge(
    alarm: Alarm,
    of: NodeOccurrence,
    { by, now }: { by: string; now: EpochMs },
    { transitions }: Outcome,
  ): void {
    if (this.#deps.merges.into(of) !== alarm.state.count) return;
    const done = command(alarm.state, { do: "acknowledge", by }, now);
    const cause: Cause = { by, reason: "acknowledged at the node" };
    const transition = this.#deps.move(alarm, done, now, cause);
    if (transition) transitions.push(transition);
  }

  /** Sends an order again that the node has not confirmed, unless something else holds by now. */
  #repeat(due: DueOrder, standing: readonly StandingAlarm[], epoch: string): void {
    const { rule, subject, node, order } = due;
    const alarm = this.#alarmOf(node, rule, subject);
    const there = standing.find((other) => other.rule === rule && other.subject === subject);
    const of = there && { node, epoch, rule, subject, occurrence: there.occurrence };
    const into = of && this.#deps.merges.into(of);
    if (alarm && holds(alarm.state, due, into)) this.#deps.order(node, rule, subject, order);
    else this.#deps.due.done(due);
  }

  /** The step that makes the hub's alarm stand for this occurrence; undefined when it does already. */
  #joined({ id, rule, state }: Alarm, news: News, now: EpochMs): Step | undefined {
    const { of, raisedAt, acknowledged } = news;
    const { phase } = state;
    if (phase.name === "active") {
      // Whoever acknowledged an earlier occurrence of the node has not seen this one.
      const unseen = phase.ack !== null && phase.ack.at < raisedAt && !acknowledged;
      return unseen && this.#deps.merges.hasPart(of.node, id, phase.occurrence)
        ? { state: { ...state, phase: { ...phase, ack: null } }, changes: ["re-alarmed"] }
        : undefined;
    }
    const over = phase.name === "returned" || phase.name === "latched";
    if (over && raisedAt <= phase.clearedAt) return undefined;
    const raised = step(state, "breach", now, { ...rule, onDelayMs: 0 });
    const { phase: next } = raised.state;
    if (next.name !== "active") return raised;
    return { ...raised, state: { ...raised.state, phase: { ...next, raisedAt } } };
  }

  /** Puts on record what came and went before the hub heard of it; no siren. */
  #bury(alarm: Alarm, news: News, now: EpochMs, outcome: Outcome): void {
    const { phase, count } = alarm.state;
    const stands = phase.name === "active" || phase.name === "returned" || phase.name === "latched";
    const end = stands && "clearedAt" in phase ? phase.clearedAt : now;
    const within = stands && news.raisedAt >= phase.raisedAt && news.raisedAt <= end;
    const mine = within && !this.#deps.merges.hasPart(news.of.node, alarm.id, count);
    this.#note(alarm, news, mine ? count : null, now, outcome);
  }

  #note(alarm: Alarm, news: News, into: number | null, now: EpochMs, { merges }: Outcome): void {
    const { of, raisedAt } = news;
    const title = alarm.face?.title ?? alarm.rule.title;
    const merge = { of, alarm: alarm.id, into, raisedAt, at: now, title };
    this.#deps.merges.note(merge);
    merges.push(merge);
  }

  /** An acknowledgement that the node missed while it was away. */
  #repeatAcknowledgement(alarm: Alarm, of: NodeOccurrence): void {
    const { phase, count } = alarm.state;
    if ((phase.name !== "active" && phase.name !== "latched") || !phase.ack) return;
    if (this.#deps.merges.into(of) !== count) return;
    const { by } = phase.ack;
    const order = cutForNode({ do: "acknowledge", by });
    this.#deps.order(of.node, of.rule, of.subject, order);
  }

  /** What only the node can judge is over once it no longer stands there. */
  #endOthers(
    node: string,
    standing: readonly StandingAlarm[],
    now: EpochMs,
    { transitions }: Outcome,
  ): void {
    for (const alarm of this.#deps.book.adopted) {
      const { rule, subject, state, judgedBy } = alarm;
      if (judgedBy !== node) continue;
      if (standing.some((other) => other.rule === rule.id && other.subject === subject)) continue;
      const { phase } = state;
      const ended: Step | undefined =
        phase.name === "active"
          ? step(state, "clear", now, { ...rule, offDelayMs: 0, latch: false })
          : phase.name !== "latched"
            ? undefined
            : phase.ack
              ? command(state, { do: "reset", by: node }, now)
              : { state: { ...state, phase: { ...phase, name: "returned" } }, changes: ["reset"] };
      const transition = ended && this.#deps.move(alarm, ended, now, causeOf(node));
      if (transition) transitions.push(transition);
    }
  }

  /** Cleared, and yet it stands: the node's rule latches. */
  #latch(alarm: Alarm, of: NodeOccurrence, now: EpochMs, { transitions }: Outcome): void {
    const { live, merges, move } = this.#deps;
    const { rule, state, judgedBy } = alarm;
    if (judgedBy !== of.node || state.phase.name !== "active") return;
    if (merges.into(of) !== state.count) return;
    const stands = live.node(of.node)?.status?.alarms?.some((other) => isSame(other, of));
    if (!stands) return;
    const latched = step(state, "clear", now, { ...rule, offDelayMs: 0, latch: true });
    const transition = move(alarm, latched, now, causeOf(of.node));
    if (transition) transitions.push(transition);
  }
}

const isSame = (a: Omit<NodeOccurrence, "node" | "epoch">, b: typeof a) =>
  a.rule === b.rule && a.subject === b.subject && a.occurrence === b.occurrence;

const causeOf = (node: string): Cause => ({ by: node, reason: "judged by the node itself" });

/** Whether an occurrence is known to be past: its end follows, a later status lacks it, or it is simply old. */
function isOver(
  event: AlarmEvent,
  later: readonly AlarmEvent[],
  { online, status }: LiveNode,
  now: EpochMs,
): boolean {
  const ends = ({ what }: AlarmEvent) => what === "cleared" || what === "ended";
  if (later.some((other) => ends(other) && isSame(other, event))) return true;
  const alarms = online ? status?.alarms : undefined;
  if (alarms?.some((other) => isSame(other, event))) return false;
  if (status && alarms && alarms.length < FULL_STATUS && status.at > event.at) return true;
  return now - event.at > RECENT_MS;
}
