import type { Logger } from "pino";
import { type AlarmState, INITIAL_STATE } from "../../contract/alarm/engine.ts";
import { globMatcher, isId } from "../../contract/id.ts";
import type { SiteRule } from "../config/hub-config.ts";
import type { Face } from "./alarm-face.ts";
import type { StoredAlarm } from "./alarm-store.ts";

/** One rule on one subject. Changed in place. */
export interface Alarm {
  id: string;
  rule: SiteRule;
  /** The point or node judged. */
  subject: string;
  state: AlarmState;
  /** What it says; null until it has something to say. */
  face: Face | null;
  told: string[];
}

interface Pattern {
  rule: SiteRule;
  matches: (name: string) => boolean;
}

/** Every alarm there is: each rule on each point and node it matches, as they become known. */
export class AlarmBook {
  readonly #log: Logger;
  readonly #pointRules: Pattern[];
  readonly #nodeRules: Pattern[];
  readonly #alarms = new Map<string, Alarm>();
  readonly #byPoint = new Map<string, Alarm[]>();
  readonly #byNode = new Map<string, Alarm[]>();
  /** Alarms whose finding changes by time alone: on missing readings and silent nodes. */
  readonly timed: Alarm[] = [];
  /** Alarms that could not be made because rule and subject together exceed 64 characters. */
  refused = 0;

  constructor(rules: readonly SiteRule[], log: Logger) {
    this.#log = log;
    this.#pointRules = rules.flatMap((rule) => patternOf(rule, rule.points));
    this.#nodeRules = rules.flatMap((rule) => patternOf(rule, rule.nodes));
  }

  get = (id: string): Alarm | undefined => this.#alarms.get(id);

  /** The alarms on a point; made when it is asked for the first time. */
  ofPoint(point: string): readonly Alarm[] {
    return this.#of(point, this.#byPoint, this.#pointRules);
  }

  ofNode(node: string): readonly Alarm[] {
    return this.#of(node, this.#byNode, this.#nodeRules);
  }

  /** Takes up a stored alarm; undefined when no rule asks for it any more. */
  restore({ id, rule, subject, state, face, told }: StoredAlarm): Alarm | undefined {
    const fits = ({ rule: { id }, matches }: Pattern) => id === rule && matches(subject);
    if (this.#pointRules.some(fits)) this.ofPoint(subject);
    else if (this.#nodeRules.some(fits)) this.ofNode(subject);
    const alarm = this.#alarms.get(id);
    return alarm && Object.assign(alarm, { state, face, told });
  }

  #of(subject: string, index: Map<string, Alarm[]>, rules: Pattern[]): Alarm[] {
    const known = index.get(subject);
    if (known) return known;
    const alarms: Alarm[] = [];
    for (const { rule, matches } of rules) {
      const alarm = matches(subject) ? this.#make(rule, subject) : undefined;
      if (alarm) alarms.push(alarm);
    }
    index.set(subject, alarms);
    return alarms;
  }

  #make(rule: SiteRule, subject: string): Alarm | undefined {
    const id = `${rule.id}.${subject}`;
    if (!isId(id) || this.#alarms.has(id)) {
      this.refused += 1;
      const why = isId(id) ? "another alarm has this name" : "the name exceeds 64 characters";
      this.#log.error({ alarm: id, why }, "not watched: shorten the rule's or the point's name");
      return undefined;
    }
    const alarm: Alarm = { id, rule, subject, state: INITIAL_STATE, face: null, told: [] };
    this.#alarms.set(id, alarm);
    const { kind } = rule.condition;
    if (kind === "stale" || kind === "silent") this.timed.push(alarm);
    return alarm;
  }
}

function patternOf(rule: SiteRule, globs: readonly string[]): Pattern[] {
  if (globs.length === 0) return [];
  const matchers = globs.map(globMatcher);
  return [{ rule, matches: (name) => matchers.some((matches) => matches(name)) }];
}
