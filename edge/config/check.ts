import path from "node:path";
import type { z } from "zod";
import type { Catalogue } from "./catalogue.ts";
import { crossCheck, type PlacedParts } from "./cross-check.ts";
import {
  announcedPoints,
  type DeviceConfig,
  type EdgeConfig,
  type Parts,
  resolvePaths,
} from "./edge-config.ts";
import { nearest } from "./nearest.ts";
import {
  busSchema,
  doorSchema,
  frameSchema,
  i2cDeviceSchema,
  inputSchema,
  modbusDeviceSchema,
  oneWireDeviceSchema,
} from "./schema.ts";
import { type Path, type Problem, readYaml, type Source } from "./source.ts";

export type Checked = { config: EdgeConfig } | { problems: Problem[] };

/** Checks a whole `edge.yaml` before anything is opened, and reports every problem at once, in file order. */
export function checkEdge(text: string, file: string, catalogue: Catalogue): Checked {
  const source = readYaml(text);
  if (source.broken.length > 0) return { problems: source.broken };
  const problems: Problem[] = [];
  const parse = <T extends z.ZodType>(schema: T, value: unknown, at: Path) => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return { whole: parsed.data };
    problems.push(...parsed.error.issues.flatMap((issue) => explain(issue, at, source)));
    return { partly: withoutMistakes(value, parsed.error.issues) };
  };

  const frame = parse(frameSchema, source.value, []);
  const lists = listsOf(source.value);
  const busTypes = new Map(lists.buses.map((raw) => [field(raw, "id"), field(raw, "type")]));
  const placed: PlacedParts = { buses: [], devices: [], doors: [], inputs: [] };
  const parts: Parts = { buses: [], devices: [], doors: [], inputs: [] };
  for (const [index, raw] of lists.buses.entries()) {
    const path = ["buses", index];
    const { whole, partly } = parse(busSchema, raw, path);
    placed.buses.push({ value: whole ?? partly, path });
    if (whole) parts.buses.push(whole);
  }
  for (const [index, raw] of lists.devices.entries()) {
    const path = ["devices", index];
    const kind = deviceKind(raw, busTypes.get(field(raw, "bus")), catalogue);
    const { whole, partly } = parse(DEVICE_SCHEMAS[kind], raw, path);
    placed.devices.push({ value: { ...(whole ?? partly), kind }, path });
    if (whole) parts.devices.push({ ...whole, kind } as DeviceConfig);
  }
  for (const [index, raw] of lists.doors.entries()) {
    const path = ["doors", index];
    const { whole, partly } = parse(doorSchema, raw, path);
    placed.doors.push({ value: whole ?? partly, path });
    if (whole) parts.doors.push(whole);
  }
  for (const [index, raw] of lists.inputs.entries()) {
    const path = ["inputs", index];
    const { whole, partly } = parse(inputSchema, raw, path);
    placed.inputs.push({ value: whole ?? partly, path });
    if (whole) parts.inputs.push(whole);
  }
  problems.push(...crossCheck(placed, catalogue, source));
  if (problems.length > 0 || !frame.whole) return { problems: problems.sort(byPlace) };
  return { config: assemble(frame.whole, parts, { file, catalogue }) };
}

function assemble(
  frame: z.output<typeof frameSchema>,
  checked: Parts,
  { file, catalogue }: { file: string; catalogue: Catalogue },
): EdgeConfig {
  const folder = path.dirname(path.resolve(file));
  const parts = { ...checked, buses: checked.buses.map((bus) => resolvePaths(bus, folder)) };
  const { spool } = frame;
  return {
    node: frame.node,
    label: frame.label ?? frame.node,
    hubUrl: frame.hub.url,
    spool: {
      path: path.resolve(folder, spool.path),
      quotaBytes: spool.quotaMb * 1024 * 1024,
      commitEveryMs: spool.commitEvery,
    },
    ...parts,
    points: announcedPoints(parts, catalogue),
    doorInfos: parts.doors.map(({ id, label }) => ({ id, label: label ?? id })),
  };
}

const DEVICE_SCHEMAS = {
  i2c: i2cDeviceSchema,
  "one-wire": oneWireDeviceSchema,
  modbus: modbusDeviceSchema,
} as const;

/** Which kind of device an entry is meant to be: by its bus if that is known, else by its keys. */
function deviceKind(raw: unknown, busType: unknown, catalogue: Catalogue): DeviceConfig["kind"] {
  if (field(raw, "profile") !== undefined || String(busType).startsWith("modbus")) return "modbus";
  const driver = field(raw, "driver");
  const oneWire = typeof driver === "string" && catalogue.oneWire.has(driver);
  return oneWire || busType === "one-wire" ? "one-wire" : "i2c";
}

function explain(issue: z.core.$ZodIssue, at: Path, source: Source): Problem[] {
  const path = [...at, ...issue.path.map((key) => (typeof key === "symbol" ? "?" : key))];
  if (issue.code === "unrecognized_keys") {
    const names = issue.message.split(" ");
    return issue.keys.map((key) => {
      const meant = nearest(key, names);
      const help = meant ? `did you mean ${meant}?` : "remove it.";
      const allowed = `is not a setting here; ${help} Allowed: ${names.join(", ")}`;
      return source.problemAtKey([...path, key], allowed);
    });
  }
  const missing = issue.message.startsWith("is missing");
  return [
    source.problem(path, missing ? issue.message : `${source.written(path)} ${issue.message}`),
  ];
}

/** What is left of an entry without its wrong settings, so that the others can still be checked. */
function withoutMistakes(value: unknown, issues: readonly z.core.$ZodIssue[]): object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const wrong = new Set(issues.map(({ path }) => path[0]));
  return Object.fromEntries(Object.entries(value).filter(([key]) => !wrong.has(key)));
}

/** The entries of each list, whatever they are, so that a mistake elsewhere does not hide theirs. */
function listsOf(value: unknown) {
  const list = (name: string): unknown[] => {
    const found = field(value, name);
    return Array.isArray(found) ? found : [];
  };
  return {
    buses: list("buses"),
    devices: list("devices"),
    doors: list("doors"),
    inputs: list("inputs"),
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

const byPlace = (a: Problem, b: Problem) => a.line - b.line || a.column - b.column;
