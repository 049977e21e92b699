import type { z } from "zod";
import { epochOf, type LocalTime } from "../delivery/local-time.ts";
import { lastDayOf, occursOn, parseRecurrence, type Recurrence } from "../delivery/recurrence.ts";
import {
  DEFAULT_FLOOD,
  DEFAULT_PAGING,
  type DeliveryConfig,
  type Escalation,
  type LadderStep,
  type MaintenanceWindow,
  type QuietClass,
  type Rota,
  STEP_AFTER_MS,
} from "./delivery-config.ts";
import {
  escalationSchema,
  floodSchema,
  groupSchema,
  maintenanceSchema,
  pagingSchema,
  personSchema,
  quietSchema,
  rotaSchema,
  weekdayIndex,
} from "./delivery-schema.ts";
import { nearest } from "./nearest.ts";
import type { ConfigSource, Path } from "./source.ts";

const MAX_ENTRIES = {
  people: 200,
  groups: 100,
  rota: 50,
  escalations: 100,
  maintenance: 200,
  quiet: 20,
};
type ListName = keyof typeof MAX_ENTRIES;
const KINDS = {
  people: "a person",
  groups: "a group",
  rota: "a rota",
  escalations: "an escalation",
};

export interface DeliveryDesk {
  source: ConfigSource;
  raw: Readonly<Record<string, unknown>>;
  /** Names of the receivers. */
  receivers: readonly string[];
  /** Zone of the site. */
  timezone: string;
}

export interface CheckedDelivery {
  delivery: DeliveryConfig;
  /** Everything a rule may name under `receivers`. */
  names: ReadonlySet<string>;
}

/** Checks everything in site.yaml that says who is told, when and how often; every problem is reported. */
export function checkDelivery(desk: DeliveryDesk): CheckedDelivery {
  return new DeliveryCheck(desk).run();
}

class DeliveryCheck {
  readonly #desk: DeliveryDesk;
  /** What each name is: "a receiver", "a person" … */
  readonly #kinds = new Map<string, string>();

  constructor(desk: DeliveryDesk) {
    this.#desk = desk;
    for (const name of desk.receivers) this.#kinds.set(name, "a receiver");
  }

  run(): CheckedDelivery {
    const { timezone } = this.#desk;
    for (const list of ["people", "groups", "rota", "escalations"] as const) this.#take(list);
    const people = this.#list("people", personSchema, (person, at) => {
      this.#refer(person.reach, [...at, "reach"], ["a receiver"]);
      return person;
    });
    const groups = this.#list("groups", groupSchema, (group, at) => {
      this.#refer(group.members, [...at, "members"], ["a person", "a receiver"]);
      return group;
    });
    const rota = this.#list("rota", rotaSchema, (text, at) => this.#rota(text, at));
    const escalations = this.#list("escalations", escalationSchema, (text, at) =>
      this.#escalation(text, at),
    );
    const maintenance = this.#list("maintenance", maintenanceSchema, (text, at) =>
      this.#maintenance(text, at),
    );
    const quiet = this.#list("quiet", quietSchema, (text, at) => this.#quiet(text, at));
    const [flood, paging] = [this.#flood(), this.#paging()];
    return {
      delivery: {
        ...{ timezone, people, groups, rota, escalations, maintenance, quiet, flood, paging },
      },
      names: new Set(this.#kinds.keys()),
    };
  }

  #rota(text: z.output<typeof rotaSchema>, at: Path): Rota {
    const { id, people, start, turn, timezone: zone = this.#desk.timezone } = text;
    const members = ["a person", "a group", "a receiver"];
    this.#refer(people, [...at, "people"], members);
    const overrides = text.overrides.map(({ from, to, who }, index) => {
      const here = [...at, "overrides", index];
      this.#refer([who], [...here, "who"], members);
      const times = { from: epochOf(from, zone), to: epochOf(to, zone) };
      if (times.from >= times.to)
        this.#desk.source.report([...here, "to"], "is not after from; an override ends later");
      return { ...times, who };
    });
    const holidays = text.holidays.map(({ on, who }, index) => {
      this.#refer([who], [...at, "holidays", index, "who"], members);
      return { days: on, who };
    });
    return { id, zone, people, start, turnDays: turn, overrides, holidays };
  }

  #escalation({ id, to, steps }: z.output<typeof escalationSchema>, at: Path): Escalation {
    const { source } = this.#desk;
    if ((to === undefined) === (steps === undefined)) {
      source.report(at, "needs either to: [first, second, third] or steps with their own times");
      return { id, steps: [] };
    }
    const asked = ["a person", "a group", "a rota", "a receiver"];
    if (to) {
      this.#refer(to, [...at, "to"], asked);
      return {
        id,
        steps: to.map((name, n): LadderStep => ({ afterMs: STEP_AFTER_MS[n] ?? 0, to: [name] })),
      };
    }
    const written = steps ?? [];
    for (const [index, step] of written.entries()) {
      this.#refer(step.to, [...at, "steps", index, "to"], asked);
      const before = written[index - 1];
      if (!before && step.after !== 0)
        source.report([...at, "steps", index, "after"], "the first step is at once; write 0s");
      if (before && step.after <= before.after)
        source.report([...at, "steps", index, "after"], "is not later than the step before it");
    }
    return { id, steps: written.map((step) => ({ afterMs: step.after, to: step.to })) };
  }

  #maintenance(text: z.output<typeof maintenanceSchema>, at: Path): MaintenanceWindow {
    const { id, reason, rules = [], subjects = [], starts, lasts, repeat, except } = text;
    const zone = text.timezone ?? this.#desk.timezone;
    const { source } = this.#desk;
    if (!text.rules && !text.subjects)
      source.report(at, 'says nothing it is about; needs subjects or rules, such as ["crac-1.*"]');
    const recurrence = repeat === undefined ? null : this.#recurrence(repeat, starts, at);
    const lastDay = lastDayOf(recurrence, starts.day);
    const series = { start: starts, lastsMs: lasts, recurrence, except, zone, lastDay };
    return { id, reason, rules, subjects, series };
  }

  #recurrence(text: string, starts: LocalTime, at: Path): Recurrence | null {
    const { source } = this.#desk;
    const read = parseRecurrence(text);
    if ("why" in read) {
      source.report([...at, "repeat"], read.why);
      return null;
    }
    if (occursOn(read.recurrence, starts.day, starts.day)) return read.recurrence;
    source.report([...at, "starts"], `is not a day of ${text}; begin on its first one`);
    return null;
  }

  #quiet(text: z.output<typeof quietSchema>, at: Path): QuietClass {
    const { priorities, from, to, days, timezone: zone = this.#desk.timezone } = text;
    if (from === to) this.#desk.source.report([...at, "to"], "is the same time as from");
    const recurrence: Recurrence = {
      ...{ frequency: "DAILY", interval: 1, byMonthDay: [], until: null, count: null },
      byDay: (days ?? []).map((name) => ({ nth: null, weekday: weekdayIndex(name) })),
    };
    const lastsMs = ((to - from + 1_440) % 1_440) * 60_000;
    const start = { day: 0, minute: from };
    const series = { start, lastsMs, recurrence, except: [], zone, lastDay: null };
    return { priorities, series: { ...series, byFace: true } };
  }

  #flood(): DeliveryConfig["flood"] {
    const { source, raw } = this.#desk;
    const text = isThere(raw.flood) ? source.parse(floodSchema, ["flood"]) : undefined;
    if (!text) return DEFAULT_FLOOD;
    const { above, below, digestEvery: digestEveryMs } = text;
    if (below > above) source.report(["flood", "below"], `${below} is more than above (${above})`);
    return { above, below, digestEveryMs };
  }

  #paging(): DeliveryConfig["paging"] {
    const { source, raw } = this.#desk;
    const text = isThere(raw.paging) ? source.parse(pagingSchema, ["paging"]) : undefined;
    if (!text) return DEFAULT_PAGING;
    const { gather, repeat, unassigned = null } = text;
    if (unassigned)
      this.#refer(unassigned, ["paging", "unassigned"], [...new Set(this.#kinds.values())]);
    return {
      gatherMs: gather,
      repeatPriorities: repeat?.priorities ?? DEFAULT_PAGING.repeatPriorities,
      repeatEveryMs: repeat?.every ?? DEFAULT_PAGING.repeatEveryMs,
      repeatMost: repeat?.most ?? DEFAULT_PAGING.repeatMost,
      unassigned,
    };
  }

  /** Notes the names a list defines; one that is taken is reported. */
  #take(list: keyof typeof KINDS): void {
    for (const [index, entry] of this.#entries(list).entries()) {
      const id = (entry as { id?: unknown } | null)?.id;
      if (typeof id !== "string") continue;
      const taken = this.#kinds.get(id);
      if (taken === undefined) this.#kinds.set(id, KINDS[list]);
      else
        this.#desk.source.report(
          [list, index, "id"],
          `"${id}" is ${taken} already; names of receivers, people, groups, rotas and escalations differ`,
        );
    }
  }

  /** Reports each name that is none of `kinds`. */
  #refer(names: readonly string[], at: Path, kinds: readonly string[]): void {
    for (const name of new Set(names)) {
      const kind = this.#kinds.get(name);
      if (kind !== undefined && kinds.includes(kind)) continue;
      const known = [...this.#kinds].filter(([, found]) => kinds.includes(found)).map(([id]) => id);
      const meant = nearest(name, known);
      const list = known.length > 0 ? `known: ${known.slice(0, 20).join(", ")}` : "none is defined";
      const hint = meant ? `did you mean "${meant}"?` : list;
      const found =
        kind === undefined ? `is not ${kinds.join(" or ")}` : `is ${kind}; not allowed here`;
      this.#desk.source.report(at, `"${name}" ${found}; ${hint}`);
    }
  }

  #list<S extends z.ZodType, T>(
    name: ListName,
    schema: S,
    make: (text: z.output<S>, at: Path) => T,
  ): T[] {
    const { source } = this.#desk;
    const most = MAX_ENTRIES[name];
    const entries = this.#entries(name);
    if (entries.length > most) source.report([name], `${entries.length} entries; allowed: ${most}`);
    return entries.slice(0, most).flatMap((_, index) => {
      const at: Path = [name, index];
      const text = source.parse(schema, at);
      return text === undefined ? [] : [make(text, at)];
    });
  }

  #entries(name: ListName): unknown[] {
    const list = this.#desk.raw[name];
    if (!isThere(list) || Array.isArray(list)) return (list as unknown[] | undefined | null) ?? [];
    // Asked for twice, reported once.
    if (!this.#misshapen.has(name))
      this.#desk.source.report([name], "needs a list, each entry beginning with -");
    this.#misshapen.add(name);
    return [];
  }

  readonly #misshapen = new Set<ListName>();
}

const isThere = (value: unknown) => value !== undefined && value !== null;
