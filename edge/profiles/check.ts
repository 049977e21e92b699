import { isId } from "../../contract/id.ts";
import { classOf, fieldCount, isClass, patternBits, stationKey, wireAddress } from "./address.ts";
import { checkAlarms } from "./check-alarms.ts";
import { checkDependence } from "./check-dependence.ts";
import { type FieldType, isText, ONCE, type RawPoint, type RawProfile } from "./schema.ts";

export interface Problem {
  path: (string | number)[];
  message: string;
}
export type Report = (message: string, key?: string) => void;

/** Everything a schema cannot see: references, overlaps, address ranges, widths. */
export function checkProfile(raw: RawProfile): Problem[] {
  const problems: Problem[] = [];
  raw.points.forEach((point, index) => {
    const report: Report = (message, key) =>
      problems.push({ path: key ? ["points", index, key] : ["points", index], message });
    if (!isId(point.id)) report(`"${point.id}" is no id; {n} needs repeat`, "id");
    if (raw.points.findIndex((other) => other.id === point.id) < index)
      report(`"${point.id}" is used twice; each point has its own id`, "id");
    const sources = [point.address, point.bit, point.equals].filter((s) => s !== undefined);
    if (sources.length !== 1) report("needs exactly one of address, bit, equals");
    else if (point.address !== undefined) checkField(point, raw, report);
    else checkDerived(point, raw, report);
    checkPublished(point, raw, report);
  });
  return [
    ...[...problems, ...overlaps(raw), ...atomicGroups(raw)],
    ...[...identity(raw), ...checkAlarms(raw)],
  ];
}

const OWN_LENGTH: readonly FieldType[] = ["string", "bcd"];
const MOST_BCD_REGISTERS = 3;

function checkField(point: RawPoint, raw: RawProfile, report: Report): void {
  const { type } = point;
  if (!type) {
    report("an address needs a type");
    return;
  }
  const { fc, address } = wireAddress(point, raw);
  const count = fieldCount(point);
  if ((type === "bit") !== fc <= 2)
    report(type === "bit" ? "type bit is read by fc 1 or 2" : `type ${type} is read by fc 3 or 4`);
  if (OWN_LENGTH.includes(type) !== (point.registers !== undefined))
    report(OWN_LENGTH.includes(type) ? `${type} needs registers` : `${type} has a fixed length`);
  if (type === "bcd" && count > MOST_BCD_REGISTERS)
    report(`bcd takes at most ${MOST_BCD_REGISTERS} registers; a number holds no more digits`);
  if (address < 0 || address + count > 65_536)
    report(`wire address ${address} is outside 0–65535`, "address");
  for (const [from, to] of raw.limits.illegal)
    if (address <= to && address + count > from)
      report(`lies in the illegal range ${from}–${to}`, "address");
  if (count > raw.limits.maxRegisters)
    report(`takes ${count} registers; maxRegisters is ${raw.limits.maxRegisters}`, "registers");
  if (!isClass(classOf(point), raw))
    report(
      `class "${classOf(point)}" is not one of ${Object.keys(raw.classes).join(", ")}, ${ONCE}`,
    );
  if (point.unit !== undefined && point.unitOffset !== undefined)
    report("stands in a unit of its own or beside the device's, not both", "unit");
  if ((type === "days") !== (point.epoch !== undefined))
    report(type === "days" ? "days need an epoch" : "an epoch belongs to days", "epoch");
  checkPatterns(point, report);
  checkDependence(point, raw, report);
}

function checkPatterns(point: RawPoint, report: Report): void {
  const bits = patternBits(point);
  const patterns = [...(point.na ?? []).map(({ raw }) => raw), ...(point.naRange ?? [])];
  if (patterns.some((pattern) => pattern >> bits !== 0n))
    report(`a pattern is wider than the ${bits} bits of ${point.type}`, "na");
  if (point.naRange && point.naRange[0] > point.naRange[1])
    report("naRange runs from the smaller to the larger pattern", "naRange");
  if (point.naNegative && !/^s\d/.test(point.type ?? ""))
    report("naNegative needs a signed type", "naNegative");
}

const OF_PARENT = [
  "type",
  "fc",
  "order",
  "scale",
  "offset",
  "na",
  "class",
  "convert",
  "scaleFrom",
  "when",
  "variants",
  "unitOffset",
  "unit",
] as const;

function checkDerived(point: RawPoint, raw: RawProfile, report: Report): void {
  const of = point.bit?.of ?? point.equals?.of;
  const parent = raw.points.find((other) => other.id === of);
  for (const key of OF_PARENT) if (point[key] !== undefined) report(`belongs to "${of}"`, key);
  if (!parent?.type) {
    report(`"${of}" is not a point with an address`);
  } else if (point.bit) {
    const width = { bitfield16: 16, bitfield32: 32 }[parent.type as "bitfield16"];
    if (width === undefined) report(`"${of}" is ${parent.type}, not a bitfield`);
    else if (point.bit.bit >= width) report(`"${of}" has bits 0–${width - 1}`, "bit");
  } else if (!/^[us]16$|^[us]32$|^enum$|^bit$/.test(parent.type)) {
    report(`"${of}" is ${parent.type}; equals compares whole numbers`);
  }
  if (point.quantity !== "flag") report("a bit or a comparison has quantity flag", "quantity");
}

function checkPublished(point: RawPoint, raw: RawProfile, report: Report): void {
  if (point.min !== undefined && point.max !== undefined && point.min >= point.max)
    report(`min ${point.min} is not below max ${point.max}`, "min");
  if (point.type === "enum" && point.quantity !== "state" && point.quantity !== undefined)
    report("an enum has quantity state", "quantity");
  if ((point.quantity === "state") !== (point.states !== undefined))
    report("quantity state and states belong together", "states");
  if (point.type === "bit" && point.quantity !== "flag" && point.quantity !== undefined)
    report("a coil or input has quantity flag", "quantity");
  if (!point.quantity) return;
  if (!point.label) report("a published point needs a label");
  if (point.type && (isText(point.type) || point.type.startsWith("bitfield")))
    report(`${point.type} cannot be published as a number`, "quantity");
  if (point.class === ONCE) report(`class ${ONCE} is for unpublished points`, "class");
  if (Object.keys(raw.classes).length === 0) report("the profile has no classes");
}

function overlaps(raw: RawProfile): Problem[] {
  const spans = raw.points
    .map((point, index) => ({ id: point.id, index, point }))
    .filter(({ point }) => point.address !== undefined && point.type)
    .map((span) => ({
      ...span,
      ...wireAddress(span.point, raw),
      count: fieldCount(span.point),
      station: stationKey(span.point),
    }))
    .sort((a, b) => a.station.localeCompare(b.station) || a.fc - b.fc || a.address - b.address);
  return spans.flatMap((span, i) => {
    const before = spans[i - 1];
    if (!before || before.fc !== span.fc || before.station !== span.station) return [];
    if (before.address + before.count <= span.address) return [];
    return [{ path: ["points", span.index, "address"], message: `overlaps "${before.id}"` }];
  });
}

function atomicGroups(raw: RawProfile): Problem[] {
  const names = [...new Set(raw.points.flatMap(({ atomic }) => atomic ?? []))];
  return names.flatMap((name) => {
    const members = raw.points.filter((point) => point.atomic === name);
    const spans = members.map((point) => ({ ...wireAddress(point, raw), n: fieldCount(point) }));
    const from = Math.min(...spans.map(({ address }) => address));
    const to = Math.max(...spans.map(({ address, n }) => address + n));
    const path = ["points", raw.points.indexOf(members[0] as RawPoint), "atomic"];
    const found: string[] = [];
    if (new Set(members.map(classOf)).size > 1) found.push("has members of different classes");
    if (new Set(spans.map(({ fc }) => fc)).size > 1) found.push("has members of different fc");
    if (new Set(members.map(stationKey)).size > 1) found.push("has members in different units");
    if (to - from > raw.limits.maxRegisters)
      found.push(`spans ${to - from} registers; maxRegisters is ${raw.limits.maxRegisters}`);
    if (raw.limits.illegal.some(([a, b]) => from <= b && to > a))
      found.push("spans an illegal range");
    return found.map((message) => ({ path, message: `group "${name}" ${message}` }));
  });
}

function identity(raw: RawProfile): Problem[] {
  return raw.identify.flatMap(({ point, matches }, index) => {
    const path = ["identify", index];
    const field = raw.points.find(({ id }) => id === point);
    const found: Problem[] = [];
    if (field?.type !== "string")
      found.push({ path, message: `"${point}" is not a string of this profile` });
    else if (stationKey(field) !== stationKey({}))
      found.push({ path, message: `"${point}" stands in another unit` });
    if (!isPattern(matches)) found.push({ path, message: `"${matches}" is not a pattern` });
    return found;
  });
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
