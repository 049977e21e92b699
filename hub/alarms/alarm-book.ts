import type { Logger } from "pino";
import { type AlarmState, INITIAL_STATE } from "../../contract/alarm/engine.ts";
import { globMatcher, isId } from "../../contract/id.ts";
import type { LocalRuleInfo } from "../../contract/message.ts";
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
  /** The node that alone can judge it, because the hub does not have the rule; null for the hub's own. */
  judgedBy: string | null;
}

interface Pattern {
  rule: SiteRule;
  matches: (name: string) => boolean;
}

/** Every alarm there is: each rule on each point and node it matches, as they become known. */
export class AlarmBook {
  readonly #log: Logger;
  readonly #receivers: readonly string[];
  readonly #proposed: (point: string) => readonly SiteRule[];
  readonly #pointRules: Pattern[];
  readonly #nodeRules: Pattern[];
  readonly #alarms = new Map<string, Alarm>();
  readonly #byPoint = new Map<string, Alarm[]>();
  readonly #byNode = new Map<string, Alarm[]>();
  /** Alarms whose finding changes by time alone: on missing readings and silent nodes. */
  readonly timed: Alarm[] = [];
  /** Alarms that only a node judges. */
  readonly adopted: Alarm[] = [];
  /** Alarms that could not be made because rule and subject together exceed 64 characters. */
  refused = 0;

  /** `receivers` are told of what only a node judges; `proposed` is what the description of a point's device asks for. */
  constructor(
    rules: readonly SiteRule[],
    log: Logger,
    receivers: readonly string[] = [],
    proposed: (point: string) => readonly SiteRule[] = () => [],
  ) {
    this.#log = log;
    this.#proposed = proposed;
    this.#receivers = receivers;
    this.#pointRules = rules.flatMap((rule) => patternOf(rule, rule.points));
    this.#nodeRules = rules.flatMap((rule) => patternOf(rule, rule.nodes));
  }

  get = (id: string): Alarm | undefined => this.#alarms.get(id);

  /** The alarms on a point; made when it is asked for the first time. */
  ofPoint(point: string): readonly Alarm[] {
    if (this.#byPoint.has(point)) return this.#of(point, this.#byPoint, []);
    const proposed = this.#proposed(point).map((rule) => ({ rule, matches: () => true }));
    return this.#of(point, this.#byPoint, [...this.#pointRules, ...proposed]);
  }

  ofNode(node: string): readonly Alarm[] {
    return this.#of(node, this.#byNode, this.#nodeRules);
  }

  /** The alarm a node judges by a rule the hub does not have, in the words of its newest birth. */
  adopt(info: LocalRuleInfo, subject: string, node: string): Alarm | undefined {
    const held = this.#alarms.get(`${info.id}.${subject}`);
    const rule = foreignRule(info, this.#receivers);
    if (held) return held.judgedBy === null ? held : Object.assign(held, { rule, judgedBy: node });
    const alarm = this.#make(rule, subject, node);
    if (!alarm) return undefined;
    this.adopted.push(alarm);
    this.#byPoint.set(subject, [...this.ofPoint(subject), alarm]);
    return alarm;
  }

  /** Takes up a stored alarm; undefined when no rule asks for it any more. */
  restore({ id, rule, subject, state, face, told }: StoredAlarm): Alarm | undefined {
    const fits = ({ rule: { id }, matches }: Pattern) => id === rule && matches(subject);
    if (this.#pointRules.some(fits)) this.ofPoint(subject);
    else if (this.#nodeRules.some(fits)) this.ofNode(subject);
    else if (this.#proposed(subject).some((one) => one.id === rule)) this.ofPoint(subject);
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

  #make(rule: SiteRule, subject: string, judgedBy: string | null = null): Alarm | undefined {
    const id = `${rule.id}.${subject}`;
    if (!isId(id) || this.#alarms.has(id)) {
      this.refused += 1;
      const why = isId(id) ? "another alarm has this name" : "the name exceeds 64 characters";
      this.#log.error({ alarm: id, why }, "not watched: shorten the rule's or the point's name");
      return undefined;
    }
    const fresh = { state: INITIAL_STATE, face: null, told: [] };
    const alarm: Alarm = { id, rule, subject, ...fresh, judgedBy };
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

/** A node's rule for the hub to show. Its condition is never judged: `Alarm.judgedBy` says who does. */
function foreignRule(info: LocalRuleInfo, receivers: readonly string[]): SiteRule {
  const { id, priority, title = `{label}: ${id}`, points } = info;
  const timing = { onDelayMs: 0, offDelayMs: 0, latch: false };
  return {
    ...{ id, priority, title, points, ...timing },
    condition: { kind: "digital", equals: 1 },
    nodes: [],
    runbook: null,
    receivers: [...receivers],
  };
}
