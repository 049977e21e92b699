import type { EpochMs } from "../../contract/clock.ts";
import type { Duty } from "../../contract/duty.ts";
import type { DeliveryConfig } from "../config/delivery-config.ts";
import { onDuty } from "./rota.ts";

const STEP_MS = 15 * 60_000;
const AHEAD_MS = 35 * 86_400_000;

/** Whose turn it is in every rota, and when that changes next. */
export function dutyNow(
  { rota, people }: Pick<DeliveryConfig, "rota" | "people">,
  now: EpochMs,
): Duty[] {
  const nameOf = (id: string) => people.find((person) => person.id === id)?.name ?? id;
  return rota.map((each) => {
    const who = onDuty(each, now);
    const next = nextChange(now, (at) => onDuty(each, at));
    return {
      rota: each.id,
      who: nameOf(who),
      until: next?.at ?? null,
      next: next === null ? null : nameOf(next.who),
    };
  });
}

/** To the minute; null when nothing changes within five weeks. */
function nextChange(
  now: EpochMs,
  whoAt: (at: EpochMs) => string,
): { at: EpochMs; who: string } | null {
  const before = whoAt(now);
  // On the quarter hours first: handovers nearly always are on one.
  let low = now;
  for (let at = ceil(now, STEP_MS); at <= now + AHEAD_MS; at += STEP_MS) {
    if (whoAt(at) === before) {
      low = at;
      continue;
    }
    const minutes = Array.from({ length: 16 }, (_, i) => ceil(low, 60_000) + i * 60_000);
    const exact = minutes.find((minute) => minute <= at && whoAt(minute) !== before) ?? at;
    return { at: exact, who: whoAt(exact) };
  }
  return null;
}

const ceil = (at: EpochMs, stepMs: number): EpochMs => Math.ceil(at / stepMs) * stepMs;
