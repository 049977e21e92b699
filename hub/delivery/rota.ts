import type { EpochMs } from "../../contract/clock.ts";
import type { Rota } from "../config/delivery-config.ts";
import { localTime } from "./local-time.ts";

/** Whose turn it is: an override goes before a holiday, and a holiday before the ordinary turn. */
export function onDuty(rota: Rota, now: EpochMs): string {
  const { zone, people, start, turnDays, overrides, holidays } = rota;
  const override = overrides.find(({ from, to }) => from <= now && now < to);
  if (override) return override.who;
  const here = localTime(now, zone);
  // Before the handover it is still yesterday's turn.
  const day = here.minute >= start.minute ? here.day : here.day - 1;
  const holiday = holidays.find(({ days }) => days.includes(day));
  if (holiday) return holiday.who;
  const turn = Math.floor((day - start.day) / turnDays);
  const index = ((turn % people.length) + people.length) % people.length;
  return people[index]!;
}
