import type { HubConfig } from "../config/hub-config.ts";
import { nearest } from "../config/nearest.ts";
import type { ConfigSource, Path } from "../config/source.ts";
import {
  accountSchema,
  homeAssistantSchema,
  MAX_ACCOUNTS,
  type MappingText,
  mappingSchema,
  metricsSchema,
  readerSchema,
} from "./foreign-schema.ts";
import { type JsonPath, parseJsonPath } from "./json-path.ts";
import type { ForeignAccount, ForeignMapping, ReaderAccount } from "./mapping.ts";
import { captureCount, placeholders } from "./topic-pattern.ts";
import { conversionOf, unitsOf } from "./units.ts";

/** Devices may guess for ever, so the password must be worth it. */
const MIN_PASSWORD_CHARS = 12;
const PATH_TEXT = 'allowed: a path such as ENERGY.Power, sensors[0].value or ["temperature:0"].tC';
const LONGEST_PERIOD_MS = 24 * 3_600_000;
const SHORTEST_PERIOD_MS = 100;

export type OutsideConfig = Required<
  Pick<HubConfig, "foreign" | "readers" | "homeAssistant" | "metrics">
>;

/** What the check of site.yaml lends. */
export interface CheckDesk {
  source: ConfigSource;
  raw: Readonly<Record<string, unknown>>;
  /** The secret, or undefined when it cannot be had, which is then reported. */
  secret(reference: string, at: Path): string | undefined;
}

/** Checks `foreign`, `readers`, `homeAssistant` and `metrics`; every problem is reported. */
export function checkOutside(desk: CheckDesk): OutsideConfig {
  const { source, raw } = desk;
  const written = (name: string) => raw[name] !== undefined && raw[name] !== null;
  const homeAssistant = written("homeAssistant")
    ? (source.parse(homeAssistantSchema, ["homeAssistant"]) ?? null)
    : null;
  const metrics = written("metrics") ? source.parse(metricsSchema, ["metrics"]) : undefined;
  const check = new AccountCheck(desk, homeAssistant?.prefix);
  return {
    foreign: check.foreign(),
    readers: check.readers(),
    homeAssistant,
    metrics: metrics ?? { points: false },
  };
}

class AccountCheck {
  readonly #desk: CheckDesk;
  readonly #prefix: string | undefined;
  /** Account and point names, and where they stand. */
  readonly #accounts = new Map<string, string>();
  readonly #points = new Map<string, string>();

  constructor(desk: CheckDesk, prefix: string | undefined) {
    this.#desk = desk;
    this.#prefix = prefix;
  }

  foreign(): ForeignAccount[] {
    return this.#entries("foreign").flatMap((at) => {
      const text = this.#desk.source.parse(accountSchema, at);
      if (!text) return [];
      const password = this.#login(text, at);
      const mappings = text.points.flatMap((_, i) => this.#mapping([...at, "points", i]) ?? []);
      if (password === undefined) return [];
      return [{ id: text.id, label: text.label ?? text.id, password, mappings }];
    });
  }

  readers(): ReaderAccount[] {
    return this.#entries("readers").flatMap((at) => {
      const text = this.#desk.source.parse(readerSchema, at);
      const password = text && this.#login(text, at);
      return password === undefined ? [] : [{ id: text!.id, password }];
    });
  }

  #entries(name: string): Path[] {
    const list = this.#desk.raw[name];
    if (list === undefined || list === null) return [];
    if (!Array.isArray(list)) {
      this.#desk.source.report([name], "needs a list, each entry beginning with -");
      return [];
    }
    if (list.length > MAX_ACCOUNTS)
      this.#desk.source.report([name], `${list.length} entries; allowed: ${MAX_ACCOUNTS}`);
    return list.slice(0, MAX_ACCOUNTS).map((_, index) => [name, index]);
  }

  #login({ id, password }: { id: string; password: string }, at: Path): string | undefined {
    const where = `${at[0]}[${at[1]}]`;
    const before = this.#accounts.get(id);
    if (before) this.#report([...at, "id"], `"${id}" is taken by ${before}; choose another`);
    else if (id === "hub") this.#report([...at, "id"], '"hub" is the hub itself; choose another');
    this.#accounts.set(id, where);
    const secret = this.#desk.secret(password, [...at, "password"]);
    if (secret === undefined || secret.length >= MIN_PASSWORD_CHARS) return secret;
    this.#report([...at, "password"], `needs at least ${MIN_PASSWORD_CHARS} characters`);
    return undefined;
  }

  #mapping(at: Path): ForeignMapping | undefined {
    const text = this.#desk.source.parse(mappingSchema, at);
    if (!text) return undefined;
    const problems = [
      ...nameProblems(text),
      ...valueProblems(text),
      ...this.#topicProblems(text.topic),
    ];
    const twin = this.#points.get(text.point);
    const where = `${at[0]}[${at[1]}].${at[2]}[${at[3]}]`;
    if (twin) problems.push(["point", `"${text.point}" is taken by ${twin}; choose another`]);
    else this.#points.set(text.point, where);
    const path = this.#path(text.path, [...at, "path"]);
    const timePath = this.#path(text.time, [...at, "time"]);
    for (const [key, what] of problems) this.#report([...at, key], what);
    const conversion = conversionFor(text);
    if (path === undefined || timePath === undefined || !conversion) return undefined;
    const { topic, point, quantity, period: periodMs, label = point } = text;
    const words = text.on && text.off ? { on: text.on, off: text.off } : null;
    return { topic, path, timePath, point, label, quantity, periodMs, conversion, words };
  }

  #topicProblems(topic: string): [string, string][] {
    const first = topic.split("/", 1)[0];
    if (first === "plenum" || first === "+")
      return [["topic", "is, or may be, one of Plenum's own; begin with the device's own prefix"]];
    if (first === this.#prefix)
      return [["topic", `"${first}" is what Plenum itself publishes for Home Assistant`]];
    return [];
  }

  #path(text: string | undefined, at: Path): JsonPath | null | undefined {
    if (text === undefined) return null;
    const path = parseJsonPath(text);
    if (!path) this.#report(at, `found ${JSON.stringify(text)}; ${PATH_TEXT}`);
    return path;
  }

  #report(at: Path, text: string): void {
    this.#desk.source.report(at, text);
  }
}

function nameProblems({ point, label = "", topic, period }: MappingText): [string, string][] {
  const problems: [string, string][] = [];
  const captures = captureCount(topic);
  for (const [key, text] of [
    ["point", point],
    ["label", label],
  ] as const)
    for (const n of placeholders(text))
      if (!(n >= 1 && n <= captures))
        problems.push([key, `only {1} to {${captures}} stand for a + of this topic`]);
  const named = new Set(placeholders(point));
  if (captures > 0 && named.size < captures)
    problems.push(["point", "must hold {1} … for every + of the topic, so that names differ"]);
  if (period < SHORTEST_PERIOD_MS || period > LONGEST_PERIOD_MS)
    problems.push(["period", "allowed: 100ms to 24h"]);
  return problems;
}

function valueProblems(text: MappingText): [string, string][] {
  const { quantity, unit, scale, offset, on, off } = text;
  const problems: [string, string][] = [];
  if (unit !== undefined && (scale !== undefined || offset !== undefined))
    problems.push(["unit", "write either unit, or scale and offset"]);
  if (scale === 0) problems.push(["scale", "0 would make every value the same"]);
  if (unit !== undefined && !conversionOf(quantity, unit)) {
    const units = unitsOf(quantity);
    const meant = nearest(unit, units);
    const allowed = units.length > 0 ? `allowed: ${units.join(", ")}` : "it has no unit";
    problems.push([
      "unit",
      `"${unit}" is not one of ${quantity}; ${meant ? `did you mean "${meant}"?` : allowed}`,
    ]);
  }
  const isFlag = quantity === "flag";
  if ((on || off) && !isFlag) problems.push([on ? "on" : "off", "only belongs to quantity: flag"]);
  if (isFlag && (scale !== undefined || offset !== undefined))
    problems.push([scale === undefined ? "offset" : "scale", "does not belong to quantity: flag"]);
  if ((on === undefined) !== (off === undefined))
    problems.push([on ? "on" : "off", "needs both on and off: a word that is neither is refused"]);
  if (on?.some((word) => off?.includes(word)))
    problems.push(["on", "holds a word that off holds, too"]);
  return problems;
}

function conversionFor({ quantity, unit, scale = 1, offset = 0 }: MappingText) {
  return unit === undefined ? { scale, offset } : conversionOf(quantity, unit);
}
