/** A humidity that shows as 100.0 %. */
export const SATURATED_RH = 99.95;
/** Fog passes; a wet sensor stays at the end of its scale. */
export const CONDENSED_MS = 30 * 60_000;

/** Since when the humidity stands at the end of its scale; undefined while it does not. `nowMs` is monotonic. */
export function saturatedSince(
  sinceMs: number | undefined,
  humidity: number,
  nowMs: number,
): number | undefined {
  return humidity >= SATURATED_RH ? (sinceMs ?? nowMs) : undefined;
}

export function isCondensed(sinceMs: number | undefined, nowMs: number): boolean {
  return sinceMs !== undefined && nowMs - sinceMs >= CONDENSED_MS;
}
