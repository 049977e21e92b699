import type { EpochMs } from "../contract/clock.ts";
import type { Race, RaceRack } from "../contract/incident.ts";

/** The hub computes a race every five seconds; an older one must not be read as the time left now. */
const STALE_MS = 60_000;

export interface RaceWords {
  /** `racks reach 32 °C in 9–14 min`; empty when no rack is threatened. */
  heat: string;
  /** `UPS A 21 min left`; empty when no battery is. */
  power: string;
  /** `heat first`, `power first`, `close together`, `which first: not known`; empty unless both are known. */
  first: string;
}

/** Which comes first, in plain words; what is not known is said to be so. */
export function raceWords(race: Race, now: EpochMs): RaceWords {
  if (now - race.at > STALE_MS)
    return {
      heat: race.racks.length > 0 ? "time to the limit not known at present" : "",
      ...lost(race),
    };
  return { heat: heatWords(race.racks), power: powerWords(race), first: firstWords(race) };
}

const lost = ({ ups }: Race) => ({
  power: ups.map(({ label }) => `${label} time left not known`).join(" · "),
  first: "",
});

export function raceLine(race: Race, now: EpochMs): string {
  const { heat, power, first } = raceWords(race, now);
  return [heat, power, first].filter((part) => part !== "").join(" · ");
}

function heatWords(racks: readonly RaceRack[]): string {
  const [first] = racks;
  if (!first) return "";
  const over = racks.filter(({ minutes }) => minutes === 0);
  const limit = `${first.limitC} °C`;
  if (over.length === 1) return `${over[0]?.label} is over ${limit}`;
  if (over.length > 1) return `${over.length} racks are over their limit`;
  const soonest = soonestOf(racks);
  if (soonest) {
    const who = racks.length === 1 ? `${soonest.label} reaches` : "racks reach";
    return `${who} ${soonest.limitC} °C in ${bandText(soonest)}`;
  }
  const who = racks.length === 1 ? first.label : "racks";
  if (racks.some(({ why }) => why?.startsWith("not known")))
    return `${who}: time to ${limit} not known`;
  if (racks.every(({ why }) => why === "not rising")) return `${who} not rising`;
  return `${who}: more than 4 h to ${limit}`;
}

function soonestOf(racks: readonly RaceRack[]): (RaceRack & { minutes: number }) | undefined {
  return racks
    .flatMap((rack) => (rack.minutes === null ? [] : [{ ...rack, minutes: rack.minutes }]))
    .sort((a, b) => a.minutes - b.minutes)[0];
}

/** The least first; one that is not known is never left out. */
function powerWords({ ups }: Race): string {
  const known = ups
    .flatMap(({ label, minutes }) => (minutes === null ? [] : [{ label, minutes }]))
    .sort((a, b) => a.minutes - b.minutes);
  const unknown = ups.filter(({ minutes }) => minutes === null);
  return [
    ...known.slice(0, 1).map(({ label, minutes }) => `${label} ${minutesText(minutes)} left`),
    ...(unknown.length === 1 ? [`${unknown[0]?.label} time left not known`] : []),
    ...(unknown.length > 1 ? [`${unknown.length} UPS time left not known`] : []),
  ].join(" · ");
}

function firstWords({ racks, ups }: Race): string {
  const heat = soonestOf(racks);
  const power = Math.min(...ups.map(({ minutes }) => minutes ?? Number.NaN));
  // Whatever is not known might come before all that is.
  const isBlind = racks.some(({ why }) => why?.startsWith("not known"));
  if (!heat || heat.minutes === 0 || isBlind || !Number.isFinite(power)) return "";
  const { earliestMinutes, latestMinutes, minutes } = heat;
  if (power < (earliestMinutes ?? minutes)) return "power first";
  if (latestMinutes === null) return "which first: not known";
  return power > latestMinutes ? "heat first" : "close together";
}

/** `9–14 min`; `9 min at the earliest` when there is no latest. */
export function bandText(
  rack: Pick<RaceRack, "minutes" | "earliestMinutes" | "latestMinutes">,
): string {
  const { minutes, earliestMinutes, latestMinutes } = rack;
  const from = earliestMinutes ?? minutes;
  if (from === null) return "not known";
  if (latestMinutes === null) return `${minutesText(from)} at the earliest`;
  const isHours = latestMinutes >= 120;
  const unit = isHours ? 60 : 1;
  const [low, high] = [Math.floor(from / unit), Math.ceil(latestMinutes / unit)];
  const name = isHours ? "h" : "min";
  return low === high ? `${low} ${name}` : `${low}–${high} ${name}`;
}

/** Rounded down: `21 min`, `less than 1 min`, from two hours `2 h`. */
export function minutesText(minutes: number): string {
  if (minutes < 1) return "less than 1 min";
  return minutes < 120 ? `${Math.floor(minutes)} min` : `${Math.floor(minutes / 60)} h`;
}
