import type { Priority } from "../../contract/alarm/rule.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { LocalTime } from "../delivery/local-time.ts";
import type { Series } from "../delivery/recurrence.ts";

/** Who is told of alarms, when and how often. Names are unique among receivers and all of these. */
export interface DeliveryConfig {
  /** Zone of hours and dates that name no other. */
  timezone: string;
  people: Person[];
  groups: Group[];
  rota: Rota[];
  escalations: Escalation[];
  maintenance: MaintenanceWindow[];
  quiet: QuietClass[];
  flood: FloodLimits;
  paging: Paging;
}

export interface Person {
  id: string;
  name: string;
  /** Receivers; a page goes to all of them. */
  reach: string[];
  /** Numbers from which this person may acknowledge, as +358401234567. */
  phones: string[];
}

export interface Group {
  id: string;
  /** People and receivers. */
  members: string[];
}

export interface Rota {
  id: string;
  zone: string;
  /** People, groups and receivers, in the order of their turns. */
  people: string[];
  /** When the first one's first turn begins; every later one begins at the same time of day. */
  start: LocalTime;
  turnDays: number;
  overrides: { from: EpochMs; to: EpochMs; who: string }[];
  /** From the handover of that day to the next. */
  holidays: { days: number[]; who: string }[];
}

export interface Escalation {
  id: string;
  /** In the order of time; the first is at 0. */
  steps: LadderStep[];
}

export interface LadderStep {
  afterMs: number;
  /** Receivers, people, groups and rotas. */
  to: string[];
}

export interface MaintenanceWindow {
  id: string;
  reason: string;
  /** Patterns of rule names; empty: every rule. */
  rules: string[];
  /** Patterns of points and nodes; empty: all of them. */
  subjects: string[];
  series: Series;
}

/** Hours in which alarms of these priorities wait for the morning. */
export interface QuietClass {
  priorities: Priority[];
  series: Series;
}

export interface FloodLimits {
  /** More pages than this within ten minutes are a flood. */
  above: number;
  /** It is over once there are fewer than this within ten minutes. */
  below: number;
  digestEveryMs: number;
}

export interface Paging {
  /** How long less than critical alarms wait for what belongs to them; null: only those others may follow from. */
  gatherMs: number | null;
  /** Priorities that are told again after the last step, until somebody acknowledges. */
  repeatPriorities: Priority[];
  repeatEveryMs: number;
  /** The most repeats; then the ladder's end is recorded. */
  repeatMost: number;
  /** Who is told of what no rule of the site names anybody for; null: every receiver. */
  unassigned: string[] | null;
}

/** The steps of a ladder that says no times: at once, after 10 min, after 30 min, then every 20 min. */
export const STEP_AFTER_MS = [0, 10, 30, 50, 70, 90, 110, 130, 150, 170].map((min) => min * 60_000);

/** What a site gets that says nothing about it. */
export const DEFAULT_FLOOD: FloodLimits = { above: 10, below: 5, digestEveryMs: 5 * 60_000 };
export const DEFAULT_PAGING: Paging = {
  gatherMs: null,
  repeatPriorities: [1, 2],
  repeatEveryMs: 15 * 60_000,
  repeatMost: 24,
  unassigned: null,
};

export function plainDelivery(timezone = "UTC"): DeliveryConfig {
  return {
    ...{ timezone, people: [], groups: [], rota: [], escalations: [], maintenance: [], quiet: [] },
    ...{ flood: DEFAULT_FLOOD, paging: DEFAULT_PAGING },
  };
}
