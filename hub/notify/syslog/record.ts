import type { OutgoingMessage } from "../channel.ts";
import { factsOf } from "../facts.ts";

/** RFC 5424, table 2. */
const SEVERITY = { 1: 2, 2: 3, 3: 4, 4: 5 };
const OVER_SEVERITY = 5;
/** RFC 5426, 3.2 says receivers should take so much; longer texts are cut. */
export const MAX_RECORD_BYTES = 2_048;
/** The number reserved for examples: a name of ours has to have one. */
const SD_ID = "plenum@32473";

export interface RecordSource {
  facility: number;
  hostname: string;
  pid: number;
}

/** One RFC 5424 record, without the framing of a transport. */
export function syslogRecord(message: OutgoingMessage, source: RecordSource): Buffer {
  const { facility, hostname, pid } = source;
  const { priority, isOver, alarm, change, site, place, link } = factsOf(message);
  const code = facility * 8 + (isOver ? OVER_SEVERITY : SEVERITY[priority]);
  const time = new Date(message.createdAt).toISOString();
  const told = { key: message.key, change, priority: String(priority), site, alarm, place, link };
  const params = Object.entries(told)
    .filter(([, value]) => value)
    .map(([name, value]) => ` ${name}="${paramValue(value ?? "")}"`);
  const head = `<${code}>1 ${time} ${word(hostname, 255)} plenum-hub ${pid} ${word(change, 32)} [${SD_ID}${params.join("")}] `;
  // The byte order mark says that the text is UTF-8 (6.4).
  const text = `\uFEFF${message.subject.replace(/\p{Cc}+/gu, " ")}`;
  return cut(Buffer.from(head + text, "utf8"));
}

/** Octet counting (RFC 6587, 3.4.1), as TLS asks for (RFC 5425) and TCP ought to use. */
export const framed = (record: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${record.length} `), record]);

const word = (text: string, maxChars: number): string =>
  text.replace(/[^\x21-\x7e]+/g, "-").slice(0, maxChars) || "-";

/** RFC 5424, 6.3.3: these three are escaped. A control character would still break lines further on. */
const paramValue = (text: string): string =>
  text
    .slice(0, 200)
    .replace(/\p{Cc}+/gu, " ")
    .replace(/[\\"\]]/g, "\\$&");

/** Cut between two characters, never within one. */
function cut(bytes: Buffer): Buffer {
  if (bytes.length <= MAX_RECORD_BYTES) return bytes;
  let end = MAX_RECORD_BYTES;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
