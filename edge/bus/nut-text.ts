/**
 * The text protocol of Network UPS Tools' `upsd` (RFC 9271): words separated by blanks, values in
 * quotes, with `\"` and `\\` inside.
 */

/** The words of one line. A line whose quotes do not close gives what stands before the open one. */
export function words(line: string): string[] {
  const found: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/"((?:[^"\\]|\\.)*)"|([^\s"]+)/g))
    found.push(quoted === undefined ? (plain ?? "") : quoted.replace(/\\(.)/g, "$1"));
  return found;
}

/** A word as it must be sent. */
export function quoted(word: string): string {
  return `"${word.replace(/["\\]/g, "\\$&")}"`;
}
