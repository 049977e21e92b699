import type { Rehearsal } from "../../contract/alarm-health.ts";
import type { EpochMs } from "../../contract/clock.ts";

export interface Occurred {
  alarm: string;
  title: string;
  raisedAt: EpochMs;
  clearedAt: EpochMs | null;
}

/**
 * What was and what would have been, in order of time. Two are the same event when they overlap, with as much
 * tolerance as the history is coarse.
 */
export function compared(
  before: readonly Occurred[],
  after: readonly Occurred[],
  toleranceMs: number,
): Rehearsal["items"] {
  const left = [...before];
  const items: Rehearsal["items"] = after.map((one) => {
    const index = left.findIndex((other) => isSame(one, other, toleranceMs));
    const twin = index < 0 ? undefined : left.splice(index, 1)[0];
    const title = twin?.title ?? one.title;
    return { ...pick(one), title, found: twin ? ("both" as const) : ("after-only" as const) };
  });
  items.push(...left.map((one) => ({ ...pick(one), found: "before-only" as const })));
  return items.sort((a, b) => a.raisedAt - b.raisedAt);
}

const pick = ({ alarm, title, raisedAt, clearedAt }: Occurred) => ({
  ...{ alarm, title, raisedAt, clearedAt },
});

function isSame(a: Occurred, b: Occurred, toleranceMs: number): boolean {
  if (a.alarm !== b.alarm) return false;
  const endOf = ({ clearedAt }: Occurred) => (clearedAt ?? Infinity) + toleranceMs;
  return a.raisedAt <= endOf(b) && b.raisedAt <= endOf(a);
}
