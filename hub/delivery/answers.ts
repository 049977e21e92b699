import type { AlarmView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { AckClaim, AckLinks } from "./ack-link.ts";
import type { AddressBook } from "./address-book.ts";
import type { Call } from "./call-table.ts";
import type { Delivery } from "./delivery.ts";

const REPLY_WINDOW_MS = 10 * 60_000;
/** Wrong codes from one number within ten minutes; after that its answers are not looked at. */
export const MAX_WRONG_REPLIES = 5;
/** Numbers whose wrong answers are counted; the one longest silent is forgotten beyond it. */
const MAX_NUMBERS = 500;

/** What a link in a message leads to. */
export type LinkFound =
  | { kind: "ready"; view: AlarmView; who: string }
  | { kind: "taken"; view: AlarmView; by: string; at: EpochMs }
  | { kind: "used"; at: EpochMs }
  | { kind: "expired" }
  /** That occurrence is over, or nobody watches the alarm any more. */
  | { kind: "over" }
  /** Not made by this hub. */
  | { kind: "unknown" };

/** What became of an answer by SMS; `say` is for the one who answered. */
export type ReplyOutcome = { kind: "acknowledged" | "refused" | "ignored"; say: string };

export interface AnswersDeps {
  delivery: Pick<Delivery, "book" | "links" | "calls" | "call" | "together">;
  alarms: {
    view(id: string): AlarmView | undefined;
    command(id: string, order: { do: "acknowledge"; by: string }): AlarmView | undefined;
  };
  clock: Clock;
}

/** Acknowledgements by people who are not signed in: from a link in their message, or by SMS. */
export class Answers {
  readonly #deps: AnswersDeps;
  readonly #links: AckLinks;
  readonly #book: AddressBook;
  readonly #wrong = new Map<string, EpochMs[]>();

  constructor(deps: AnswersDeps) {
    this.#deps = deps;
    this.#links = deps.delivery.links;
    this.#book = deps.delivery.book;
  }

  /** What a link would do; looking changes nothing, because mail scanners look at every link. */
  look(token: string): LinkFound {
    return this.#find(token).found;
  }

  /** Acknowledges, once. Anything but `ready` says why it did not. */
  useLink(token: string): LinkFound {
    const { found, claim } = this.#find(token);
    if (found.kind !== "ready" || !claim) return found;
    this.#acknowledge(claim.alarm, `${found.who} (link in the message)`);
    // A crash before this leaves a link that finds the alarm acknowledged.
    this.#links.use(token, claim, this.#deps.clock.nowMs());
    return found;
  }

  /** Takes the answer to a page: the four digits that stood in it, from a number of a person who was told. */
  acknowledgeByReply(fromNumber: string, text: string): ReplyOutcome {
    const person = this.#book.byPhone(fromNumber);
    if (!person) return { kind: "ignored", say: "This number is nobody's in the site's list." };
    if (this.#isGuessing(fromNumber))
      return { kind: "refused", say: "Too many wrong codes. Sign in, or try again in 10 minutes." };
    const codes: string[] = text.match(/(?<!\d)\d{4}(?!\d)/g) ?? [];
    const call = this.#deps.delivery
      .calls()
      .find(
        (call) =>
          codes.includes(this.#links.code(call.alarm, call.occurrence)) &&
          this.#told(call).some((receiver) => person.reach.includes(receiver)),
      );
    const view = call && this.#deps.alarms.view(call.alarm);
    if (!view || view.occurrence !== call.occurrence) {
      this.#noteWrong(fromNumber);
      return { kind: "refused", say: "No open alarm has this code. Nothing was acknowledged." };
    }
    if (view.ack) return { kind: "refused", say: `Already acknowledged by ${view.ack.by}.` };
    this.#acknowledge(view.id, `${person.name} (SMS)`);
    return { kind: "acknowledged", say: `Acknowledged: ${view.title}` };
  }

  /** A cause that took over the pages of a symptom keeps who was told. */
  #told({ told, lead }: Call): string[] {
    const over = lead === null ? undefined : this.#deps.delivery.call(lead);
    return [...told, ...(over?.told ?? [])];
  }

  /** Who answers a page takes everything the page spoke for, and its cause when that showed since. */
  #acknowledge(alarm: string, by: string): void {
    const { alarms, delivery } = this.#deps;
    for (const each of delivery.together(alarm))
      if (each === alarm || alarms.view(each)?.ack === null)
        alarms.command(each, { do: "acknowledge", by });
  }

  #find(token: string): { found: LinkFound; claim?: AckClaim } {
    const read = this.#links.read(token, this.#deps.clock.nowMs());
    if (!read) return { found: { kind: "unknown" } };
    const { claim, expired, used } = read;
    if (used !== null) return { found: { kind: "used", at: used } };
    if (expired) return { found: { kind: "expired" } };
    const view = this.#deps.alarms.view(claim.alarm);
    const isOver = !view || view.occurrence !== claim.occurrence || view.state === "normal";
    if (isOver) return { found: { kind: "over" } };
    if (view.ack) return { found: { kind: "taken", view, ...view.ack } };
    const { receiver } = claim;
    const who = this.#book.ownerOf(receiver)?.name ?? `somebody at ${receiver}`;
    return { found: { kind: "ready", view, who }, claim };
  }

  #isGuessing(number: string): boolean {
    const since = this.#deps.clock.nowMs() - REPLY_WINDOW_MS;
    const recent = (this.#wrong.get(number) ?? []).filter((at) => at > since);
    return recent.length >= MAX_WRONG_REPLIES;
  }

  #noteWrong(number: string): void {
    const before = this.#wrong.get(number) ?? [];
    this.#wrong.delete(number);
    this.#wrong.set(number, [...before, this.#deps.clock.nowMs()].slice(-MAX_WRONG_REPLIES));
    const [oldest] = this.#wrong.keys();
    if (this.#wrong.size > MAX_NUMBERS && oldest !== undefined) this.#wrong.delete(oldest);
  }
}
