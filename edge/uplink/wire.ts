import type { Batch, SpoolRow } from "../spool/spool.ts";

/** A `data` message may hold so many bytes of rows; well below what the hub accepts. */
export const MAX_BATCH_BYTES = 192 * 1024;

/**
 * The rows of a batch as JSON texts, in order, until the message is full or a row must wait because its
 * boot's clock is not set yet. `next` is the sequence number after the last row taken.
 */
export function wireRows(batch: Batch): { rows: string[]; next: number } {
  const rows: string[] = [];
  let next = batch.first;
  let bytes = 0;
  for (const row of batch.rows) {
    if ("skip" in row) {
      const text = JSON.stringify(row);
      rows.push(text);
      bytes += text.length + 1;
      next += row.skip;
      continue;
    }
    if (mustWait(row)) break;
    const text = wireRow(row);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > MAX_BATCH_BYTES && rows.length > 0) break;
    rows.push(text);
    next += 1;
  }
  return { rows, next };
}

const mustWait = (row: SpoolRow) => !row.synced && row.thisBoot && row.offsetMs === null;

/**
 * One row as the hub gets it. A row taken before the clock was set gets its true time if its boot's
 * offset is known; otherwise its boot ended without, and a good value becomes uncertain.
 * The same row gives the same text every time, so that sending twice stores once.
 */
export function wireRow(row: SpoolRow): string {
  if (row.synced) return row.payload;
  const at = sentAt(row);
  const parsed: unknown = JSON.parse(row.payload);
  if (Array.isArray(parsed)) {
    const [point, , value, reason] = parsed;
    if (reason !== undefined || row.offsetMs !== null)
      return JSON.stringify(reason === undefined ? [point, at, value] : [point, at, value, reason]);
    return JSON.stringify([point, at, value, "clock"]);
  }
  const { event } = parsed as { event: { at: number; clock?: string } };
  const corrected = row.offsetMs !== null && event.clock !== undefined;
  const evidence = corrected ? { clock: "corrected", takenAt: event.at } : {};
  return JSON.stringify({ event: { ...event, at, ...evidence } });
}

/** A boot that never knew the time began after the last moment that is known: no row of it is earlier. */
function sentAt({ at, monoMs, offsetMs, afterMs }: SpoolRow): number {
  if (offsetMs !== null) return Math.round(monoMs + offsetMs);
  return afterMs === null ? at : Math.max(at, Math.round(afterMs + monoMs));
}
