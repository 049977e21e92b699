import type { Clock, EpochMs } from "../../../contract/clock.ts";
import type { OutgoingMessage } from "../channel.ts";
import { factsOf } from "../facts.ts";
import type { IncomingSms } from "./modem.ts";

/** Takes an answer to a page; `say` is for the one who sent it. */
export type TakeReply = (
  from: string,
  text: string,
) => { kind: "acknowledged" | "refused" | "ignored"; say: string };

const PLAIN_YES = /^\s*(ack|ok|1)\W*$/i;
const REMEMBERED_MS = 12 * 3_600_000;
/** Numbers whose pages are remembered; beyond it the one longest without a page is forgotten. */
const MAX_NUMBERS = 500;
const MAX_PAGES = 50;
/** Two machines that answer one another must not do so for ever. */
const MAX_ANSWERS_PER_HOUR = 10;
const HOUR_MS = 3_600_000;

interface Page {
  thread: string;
  code: string;
  at: EpochMs;
}

/**
 * Gives answers by SMS to who acknowledges. "OK", "ACK" and "1" count for the page a number was sent, as long
 * as there is only one it can mean; otherwise the four digits are asked for.
 */
export class ReplyDesk {
  readonly #take: TakeReply;
  readonly #clock: Clock;
  readonly #pages = new Map<string, Page[]>();
  readonly #answers = new Map<string, EpochMs[]>();
  #ignored = 0;

  constructor(take: TakeReply, clock: Clock) {
    this.#take = take;
    this.#clock = clock;
  }

  /** Answers from numbers nobody knows, since the start. */
  ignored = (): number => this.#ignored;

  /** A message has gone to a number. */
  sent(to: string, message: OutgoingMessage): void {
    const { thread, replyCode, isOver } = factsOf(message);
    const others = this.#open(to).filter((page) => page.thread !== thread);
    this.#pages.delete(to);
    const page = replyCode && !isOver ? [{ thread, code: replyCode, at: this.#clock.nowMs() }] : [];
    const pages = [...others, ...page].slice(-MAX_PAGES);
    if (pages.length > 0) this.#pages.set(to, pages);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > MAX_NUMBERS && oldest !== undefined) this.#pages.delete(oldest);
  }

  /** What to send back, if anything. */
  take({ from, text }: IncomingSms): string | undefined {
    const codes = [...new Set(this.#open(from).map(({ code }) => code))];
    const isYes = PLAIN_YES.test(text);
    if (isYes && codes.length > 1)
      return this.#answer(from, "More than one alarm. Reply with the four digits of the one.");
    const { kind, say } = this.#take(from, isYes && codes[0] ? codes[0] : text);
    if (kind === "ignored") {
      this.#ignored += 1;
      return undefined;
    }
    if (kind === "acknowledged") {
      const left = this.#open(from).filter(({ code }) => !isYes && !text.includes(code));
      this.#pages.set(from, left);
    }
    return this.#answer(from, say);
  }

  #open(number: string): Page[] {
    const since = this.#clock.nowMs() - REMEMBERED_MS;
    return (this.#pages.get(number) ?? []).filter(({ at }) => at > since);
  }

  #answer(to: string, say: string): string | undefined {
    const now = this.#clock.nowMs();
    const recent = (this.#answers.get(to) ?? []).filter((at) => at > now - HOUR_MS);
    if (recent.length >= MAX_ANSWERS_PER_HOUR) return undefined;
    this.#answers.delete(to);
    this.#answers.set(to, [...recent, now]);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MAX_NUMBERS && oldest !== undefined) this.#answers.delete(oldest);
    return say;
  }
}
