const FIRST_MS = 1_000;
/** Short enough that a wall is whole again well within a minute of the hub's return. */
const LONGEST_MS = 15_000;

/**
 * How long to wait before the next connection after `failures` in a row (1 or more): anything from 0 to
 * min(15 s, 1 s · 2^(failures − 1)), so that a hundred nodes do not come back in one instant.
 */
export function backOffMs(failures: number, random: () => number): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
}
