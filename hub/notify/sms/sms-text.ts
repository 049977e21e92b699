import type { OutgoingMessage } from "../channel.ts";
import { factsOf } from "../facts.ts";
import { fitsGsm, plainer } from "./gsm-alphabet.ts";

export const GSM_CHARS = 160;
export const UCS2_CHARS = 70;
/** The subject and how to answer, then what to do; no more. */
const MAX_PARTS = 2;

export interface SmsPart {
  text: string;
  alphabet: "gsm" | "ucs2";
}

/** The message in at most two SMS, the first of which says it all; signs that would halve its room are put plainly. */
export function smsParts(message: OutgoingMessage): SmsPart[] {
  const { replyCode, isOver, runbook } = factsOf(message);
  const answer = replyCode && !isOver ? ` Reply ${replyCode} to acknowledge.` : "";
  const texts = [{ lead: oneLineOf(message.subject), tail: answer }];
  if (runbook && !isOver) texts.push({ lead: `What to do: ${oneLineOf(runbook)}`, tail: "" });
  return texts.slice(0, MAX_PARTS).map(({ lead, tail }) => partOf(lead, tail));
}

/** The whole of it in one piece, for a service that splits long messages itself. */
export function smsLine(message: OutgoingMessage): string {
  const parts = smsParts(message).map(({ text }) => text);
  return parts.join(" ");
}

function partOf(lead: string, tail: string): SmsPart {
  const plain = plainer(lead);
  const isGsm = fitsGsm(plain);
  const [text, room] = isGsm ? [plain, GSM_CHARS] : [lead, UCS2_CHARS];
  const alphabet = isGsm ? ("gsm" as const) : ("ucs2" as const);
  return { text: cut(text, room - tail.length) + tail, alphabet };
}

function cut(text: string, chars: number): string {
  if (text.length <= chars) return text;
  return `${text.slice(0, chars - 3).replace(/[\uD800-\uDBFF]$/, "")}...`;
}

const oneLineOf = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim();
