import type { OutgoingMessage } from "../channel.ts";
import { factsOf } from "../facts.ts";

/** Under Net-SNMP's branch for private use; PLENUM-MIB.txt gives the same numbers names. */
export const PLENUM_OID = "1.3.6.1.4.1.8072.9999.9999.7536";
const NOTIFICATIONS = { raised: 1, cleared: 2, repeated: 3, withdrawn: 4, told: 5 } as const;
const REPEATS = new Set(["re-alarmed", "escalated", "repeated"]);
/** A datagram must not grow past what every network takes whole. */
const MAX_TEXT_BYTES = 255;

export interface SnmpValue {
  oid: string;
  value: string | number;
}
export interface SnmpNotification {
  oid: string;
  values: SnmpValue[];
}

/** A message as the notification of PLENUM-MIB that says the same. */
export function snmpNotification(message: OutgoingMessage): SnmpNotification {
  const facts = factsOf(message);
  const { change } = facts;
  const kind = REPEATS.has(change) ? "repeated" : change in NOTIFICATIONS ? change : "told";
  const values = [
    ...[message.key, facts.alarm ?? "", change, facts.priority, message.subject],
    ...[facts.place ?? "", facts.site, new Date(message.createdAt).toISOString()],
    facts.link ?? "",
  ].map((value, index) => ({
    oid: `${PLENUM_OID}.1.${index + 1}.0`,
    value: typeof value === "number" ? value : textOf(value),
  }));
  return { oid: `${PLENUM_OID}.0.${NOTIFICATIONS[kind as keyof typeof NOTIFICATIONS]}`, values };
}

/** UTF-8, one line, at most 255 bytes, cut between two characters. */
function textOf(text: string): string {
  let found = text.replace(/\p{Cc}+/gu, " ").slice(0, MAX_TEXT_BYTES);
  while (Buffer.byteLength(found) > MAX_TEXT_BYTES) found = [...found].slice(0, -1).join("");
  return found;
}
