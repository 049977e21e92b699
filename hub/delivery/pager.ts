import type { Logger } from "pino";
import type { AlarmView } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { DeliveryConfig, LadderStep } from "../config/delivery-config.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { composeNotice, type NoticeContext, type ToldChange } from "../notify/notice.ts";
import type { Notice, Outbox } from "../notify/outbox.ts";
import { type AckLinks, LINK_VALID_MS } from "./ack-link.ts";
import type { AddressBook, Way } from "./address-book.ts";
import type { Call, CallTable } from "./call-table.ts";
import { composeDigest, type DigestTable } from "./digest.ts";
import type { FloodGauge } from "./flood.ts";
import type { Hold, Windows } from "./windows.ts";

/** Symptoms named in a page because they are more urgent than what they follow from. */
const MAX_GRAVER = 3;

/** What happened to the telling of an alarm, for a timeline. */
export interface DeliveryEvent {
  at: EpochMs;
  alarm: string;
  occurrence: number;
  kind: "told" | "escalated" | "not-told" | "held" | "acknowledged";
  /** In words, without times. */
  text: string;
}

export interface PagerDeps {
  config: DeliveryConfig;
  book: AddressBook;
  windows: Windows;
  calls: CallTable;
  digests: DigestTable;
  flood: FloodGauge;
  links: AckLinks;
  outbox: Pick<Outbox, "enqueue" | "isLost">;
  ledger: Pick<Ledger, "appendOwn">;
  siteLabel: string;
  linkBase: string | null;
  ackBase: string | null;
  log: Logger;
  tell: (event: DeliveryEvent) => void;
}

/** Takes a call up its ladder, one page at a time. Everything it writes joins the open transaction. */
export class Pager {
  readonly #deps: PagerDeps;

  constructor(deps: PagerDeps) {
    this.#deps = deps;
  }

  /** Sends the page that is due, or says why it waits. A page that fails at once is followed by the next. */
  fire(call: Call, now: EpochMs): void {
    const ladder = this.#deps.book.ladderOf(call.targets);
    for (;;) {
      const hold = this.#holdOf(call, now);
      const isEnd = call.steps >= ladder.length && call.repeats >= this.#repeatsOf(call);
      if (hold) this.#wait(call, hold, now);
      else if (isEnd) this.#unanswered(call, now);
      else if (this.#page(call, ladder, now) && call.steps < ladder.length) continue;
      return;
    }
  }

  /** Takes the next step at once, because nobody of the last one could be reached. */
  hurry(call: Call, now: EpochMs): void {
    this.#notTold(call, now, "nobody of this step could be reached");
    if (call.steps < this.#deps.book.ladderOf(call.targets).length) this.fire(call, now);
  }

  /** Tells those who were told that it is over, or no longer watched. Nothing holds this back but a flood. */
  tellEnd(
    view: AlarmView,
    change: ToldChange,
    at: EpochMs,
    to: { receivers: string[]; room: string | null; cause: string },
  ): void {
    const { flood } = this.#deps;
    const digest = view.priority > 1 && flood.since() !== null;
    for (const receiver of to.receivers) {
      const notice = composeNotice(view, {
        ...this.#context(change, at, to.room),
        receivers: [receiver],
      });
      if (digest) this.#keep(notice, { receiver, kind: "flood", at, cause: to.cause });
      else this.#deps.outbox.enqueue(notice);
    }
  }

  /** Sends the digests that are due; one of a single message goes out as that message. */
  sendDigests(now: EpochMs): void {
    const { digests, outbox, siteLabel, linkBase, config } = this.#deps;
    for (const entries of digests.takeDue(now)) {
      const [first] = entries;
      const place = { siteLabel, linkBase, timezone: config.timezone, now };
      const isOne = first && entries.length === 1;
      outbox.enqueue(isOne ? first.notice : composeDigest(entries, place));
    }
  }

  /** How long after a page the next one of the same call follows; null when none does. */
  gapMs(call: Call): number | null {
    const ladder = this.#deps.book.ladderOf(call.targets);
    const [before, next] = [ladder[call.steps - 1], ladder[call.steps]];
    if (next) return next.afterMs - (before?.afterMs ?? 0);
    const { repeatPriorities, repeatEveryMs } = this.#deps.config.paging;
    return repeatPriorities.includes(call.urgency) ? repeatEveryMs : null;
  }

  /** Sends one page and writes down where the call stands then; true when it reached nobody. */
  #page(call: Call, ladder: readonly LadderStep[], now: EpochMs): boolean {
    const { book, calls, outbox, log } = this.#deps;
    const isRepeat = call.steps >= ladder.length;
    const step = ladder[Math.min(call.steps, ladder.length - 1)];
    const ways = step ? book.waysTo(step.to, now) : [];
    const kind = isRepeat
      ? "repeated"
      : call.pages === 0 || call.steps === 0
        ? "first"
        : "escalated";
    const isDirect = this.#send(call, ways, kind, now);
    const page = call.pages;
    const names = namesOf(ways);
    call.pages += 1;
    call.asked = [...call.asked, { at: now, names }].slice(-10);
    call.told = [...new Set([...call.told, ...ways.map(({ receiver }) => receiver)])];
    call.held = null;
    if (isRepeat) call.repeats += 1;
    else call.steps += 1;
    const gapMs = this.gapMs(call);
    Object.assign(call, gapMs === null ? { state: "ended", why: "told" } : {});
    call.nextAt = gapMs === null ? null : now + gapMs;
    calls.save(call);
    const { alarm, occurrence } = call;
    const isLost =
      ways.length === 0 || (isDirect && outbox.isLost({ alarm, occurrence, step: page }));
    if (isLost) this.#notTold(call, now, "nobody of this step could be reached");
    else if (kind === "first") this.#tell(call, now, "told", `${names.join(", ")} told`);
    else this.#tell(call, now, "escalated", `nobody answered yet: ${names.join(", ")} told`);
    if (!isLost) log.info({ alarm, occurrence, page, names, direct: isDirect }, "page sent");
    return isLost;
  }

  /** Queues a page for each way, or keeps it for a digest; true when it went out by itself. */
  #send(
    call: Call,
    ways: readonly Way[],
    kind: "first" | "escalated" | "repeated",
    now: EpochMs,
  ): boolean {
    const { digests, flood, links, ackBase, log, outbox } = this.#deps;
    const { alarm, occurrence, view, pages: step, urgency } = call;
    const isUrgent = urgency === 1;
    const folded = this.#deps.calls.foldedUnder(alarm);
    const graver = folded.filter((each) => each.view.priority < view.priority);
    const wasHeld = call.held !== null && !isUrgent;
    if (!wasHeld) {
      flood.add(`${alarm}/${occurrence}/${step}`, now);
      if (flood.judge(now) === "began")
        log.warn("flood of alarms: digests instead of single pages");
    }
    const digest = wasHeld ? "held" : !isUrgent && flood.since() !== null ? "flood" : null;
    for (const { receiver } of ways) {
      const expiresAt = now + LINK_VALID_MS;
      const token = links.make({ alarm, occurrence, receiver, step, expiresAt });
      const page = {
        ...{ step, kind, asked: call.asked, heldFor: heldFor(call) },
        more: folded.length - Math.min(graver.length, MAX_GRAVER),
        graver: graver.slice(0, MAX_GRAVER).map((each) => each.view.title),
        ackUrl: ackBase && `${ackBase}/ack/${token}`,
        replyCode: links.code(alarm, occurrence),
      };
      const change = call.isAgain && kind === "first" ? "re-alarmed" : "raised";
      const context = { ...this.#context(change, now, call.room), receivers: [receiver], page };
      const notice = composeNotice({ ...view, priority: urgency }, context);
      const { cause } = call;
      if (digest === "flood") this.#keep(notice, { receiver, kind: digest, at: now, cause });
      else if (digest) digests.add({ receiver, kind: digest, at: now, cause, notice }, now);
      else outbox.enqueue(notice);
    }
    return digest === null;
  }

  #keep(
    notice: Notice,
    entry: { receiver: string; kind: "flood"; at: EpochMs; cause: string },
  ): void {
    const { digests, config } = this.#deps;
    digests.add({ ...entry, notice }, entry.at + config.flood.digestEveryMs);
  }

  #holdOf(call: Call, now: EpochMs): Hold | null {
    const { rule, subject } = call.view;
    const held = { rule, subject, priority: call.urgency };
    const { windows } = this.#deps;
    const maintenance = call.pages === 0 ? windows.maintenance(held, now) : null;
    return maintenance ?? windows.quiet(held, now);
  }

  #wait(call: Call, { until, why, reason }: Hold, now: EpochMs): void {
    const isNew = call.held?.why !== why;
    call.nextAt = until;
    call.held = { why, reason };
    this.#deps.calls.save(call);
    if (isNew) this.#tell(call, now, "held", `not told yet: ${heldFor(call)}`);
  }

  #unanswered(call: Call, now: EpochMs): void {
    const { calls, ledger, log } = this.#deps;
    const { alarm, occurrence, view, asked, pages } = call;
    Object.assign(call, { state: "ended", why: "unanswered", nextAt: null });
    calls.save(call);
    const why = `nobody acknowledged ${pages} pages; no further page is sent`;
    const detail = { alarm, occurrence, priority: view.priority, title: view.title, why };
    ledger.appendOwn("alarm.unanswered", now, {
      ...detail,
      asked: asked.flatMap(({ names }) => names),
    });
    log.error(detail, "alarm unanswered");
    this.#tell(call, now, "not-told", why);
  }

  #repeatsOf({ urgency }: Call): number {
    const { repeatPriorities, repeatMost } = this.#deps.config.paging;
    return repeatPriorities.includes(urgency) ? repeatMost : 0;
  }

  #notTold(call: Call, now: EpochMs, why: string): void {
    const { alarm, occurrence } = call;
    this.#deps.log.error({ alarm, occurrence, why }, "page reached nobody");
    this.#tell(call, now, "not-told", why);
  }

  #tell({ alarm, occurrence }: Call, at: EpochMs, kind: DeliveryEvent["kind"], text: string): void {
    this.#deps.tell({ at, alarm, occurrence, kind, text });
  }

  #context(change: ToldChange, at: EpochMs, room: string | null): Omit<NoticeContext, "receivers"> {
    const { siteLabel, linkBase, config } = this.#deps;
    return { change, at, room, siteLabel, timezone: config.timezone, linkBase };
  }
}

function heldFor({ held }: Call): string | null {
  if (!held) return null;
  return held.why === "maintenance" ? `maintenance (${held.reason ?? "planned"})` : "quiet hours";
}

function namesOf(ways: readonly Way[]): string[] {
  return [...new Set(ways.map(({ receiver, person }) => person?.name ?? receiver))];
}
