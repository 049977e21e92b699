import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { classOf, fieldCount, wireAddress } from "./address.ts";
import { checkProfile, type Problem } from "./check.ts";
import { PROFILE_IDS } from "./index.ts";
import { expandRepeats } from "./repeat.ts";
import {
  type Field,
  type Profile,
  type ProfilePoint,
  profileSchema,
  type RawPoint,
  type RawProfile,
} from "./schema.ts";

/** A profile that must not be used. `problems` holds every finding, each with file:line:column. */
export class ProfileError extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(problems.join("\n"));
    this.name = "ProfileError";
    this.problems = problems;
  }
}

/** Reads one of the profiles that come with Plenum. Throws `ProfileError`. */
export function loadProfile(id: string): Profile {
  if (!PROFILE_IDS.includes(id))
    throw new ProfileError([`"${id}" is not a profile; known are ${PROFILE_IDS.join(", ")}`]);
  const file = `${id}.yaml`;
  return parseProfile(readFileSync(new URL(file, import.meta.url), "utf8"), file);
}

/** Checks a profile completely and makes it ready for use. Throws `ProfileError` with all problems. */
export function parseProfile(text: string, file: string): Profile {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (doc.errors.length > 0)
    throw new ProfileError(doc.errors.map((e) => `${at(e.pos[0])} ${e.message.split("\n")[0]}`));
  const place = ({ path, message }: Problem) => {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node: unknown = depth === 0 ? doc.contents : doc.getIn(path.slice(0, depth), true);
      if (hasRange(node)) return `${at(node.range[0])} ${pathText(path)}: ${message}`;
    }
    return `${file} ${pathText(path)}: ${message}`;
  };
  const parsed = profileSchema.safeParse(doc.toJS());
  if (!parsed.success)
    throw new ProfileError(
      parsed.error.issues.map((i) => place({ path: i.path.map(asKey), message: i.message })),
    );
  const expanded = expandRepeats(parsed.data.points);
  const raw = { ...parsed.data, points: expanded.map(({ point }) => point) };
  // A mistake in a repeated point is one mistake, where it was written.
  const problems = checkProfile(raw).map((problem) =>
    place({ ...problem, path: writtenAt(problem.path, expanded) }),
  );
  if (problems.length > 0) throw new ProfileError([...new Set(problems)]);
  return build(raw);
}

function writtenAt(path: Problem["path"], expanded: readonly { index: number }[]): Problem["path"] {
  const [list, index, ...rest] = path;
  if (list !== "points" || typeof index !== "number") return path;
  return [list, expanded[index]?.index ?? index, ...rest];
}

function build(raw: RawProfile): Profile {
  const fields = new Map<string, Field>();
  for (const point of raw.points)
    if (point.address !== undefined) fields.set(point.id, buildField(point, raw));
  const { id, vendor, model, experimental, kind, source, link, limits, classes, alarms } = raw;
  return {
    ...{ id, vendor, model, experimental, kind, source, link, limits, alarms },
    classes: { ...classes },
    fields: [...fields.values()],
    points: raw.points.flatMap((point) => buildPoint(point, fields)),
    identify: raw.identify.map(({ point, matches }) => ({
      field: known(fields, point),
      matches: new RegExp(matches),
    })),
  };
}

function buildField(point: RawPoint, raw: RawProfile): Field {
  return {
    ...wireAddress(point, raw),
    id: point.id,
    unitOffset: point.unitOffset ?? 0,
    unit: point.unit,
    count: fieldCount(point),
    type: point.type ?? "u16",
    order: point.order ?? raw.defaults.order,
    stringOrder: point.stringOrder ?? raw.defaults.stringOrder,
    scale: point.scale ?? 1,
    offset: point.offset ?? 0,
    convert: point.convert,
    scaleFrom: point.scaleFrom,
    when: point.when,
    variants: point.variants,
    epoch: point.epoch,
    na: point.na ?? [],
    naRange: point.naRange,
    naNegative: point.naNegative ?? false,
    class: classOf(point),
    atomic: point.atomic,
  };
}

function buildPoint(point: RawPoint, fields: Map<string, Field>): ProfilePoint[] {
  if (!point.quantity) return [];
  const field = known(fields, point.bit?.of ?? point.equals?.of ?? point.id);
  const { id, quantity, min, max, states } = point;
  const common = { id, quantity, min, max, states, label: point.label ?? id };
  return [{ ...common, class: field.class, field, bit: point.bit?.bit, equals: point.equals?.any }];
}

function known(fields: Map<string, Field>, id: string): Field {
  const field = fields.get(id);
  if (!field) throw new Error(`field ${id} vanished after the check`);
  return field;
}

const asKey = (key: PropertyKey) => (typeof key === "symbol" ? String(key) : key);

function hasRange(node: unknown): node is { range: [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

function pathText(path: readonly (string | number)[]): string {
  if (path.length === 0) return "profile";
  return path
    .map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? key : `.${key}`))
    .join("");
}
