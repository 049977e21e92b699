import path from "node:path";
import type { z } from "zod";
import type { Catalogue } from "./catalogue.ts";
import { crossCheck, type Placed } from "./cross-check.ts";
import {
  announcedPoints,
  type DeviceConfig,
  type EdgeConfig,
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
  const parse = <T extends z.ZodType>(schema: T, value: unknown, at: Path) =>
    parseAt(schema, value, at, source, problems);

  const frame = parse(frameSchema, source.value, []);
  const lists = listsOf(source.value);
  const busTypes = new Map(lists.buses.map((raw) => [field(raw, "id"), field(raw, "type")]));
  const items = <T>(name: keyof typeof lists, read: (raw: unknown, at: Path) => T | undefined) =>
    lists[name].flatMap((raw, index): Placed<T>[] => {
      const value = read(raw, [name, index]);
      return value === undefined ? [] : [{ value, path: [name, index] }];
    });

  const placed = {
    buses: items("buses", (raw, at) => parse(busSchema, raw, at)),
    devices: items("devices", (raw, at) =>
      readDevice(raw, busTypes.get(field(raw, "bus")), catalogue, (schema) =>
        parse(schema, raw, at),
      ),
    ),
    doors: items("doors", (raw, at) => parse(doorSchema, raw, at)),
    inputs: items("inputs", (raw, at) => parse(inputSchema, raw, at)),
  };
  const busIds = [...busTypes.keys()].filter((id) => typeof id === "string");
  problems.push(...crossCheck(placed, busIds, catalogue, source));
  if (problems.length > 0 || !frame) return { problems: problems.sort(byPlace) };

  const folder = path.dirname(path.resolve(file));
  const parts = {
    buses: placed.buses.map(({ value }) => resolvePaths(value, folder)),
    devices: placed.devices.map(({ value }) => value),
    doors: placed.doors.map(({ value }) => value),
    inputs: placed.inputs.map(({ value }) => value),
  };
  const { spool } = frame;
  return {
    config: {
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
    },
  };
}

/** Which kind of device an entry is meant to be: by its bus if that is known, else by its keys. */
function readDevice(
  raw: unknown,
  busType: unknown,
  catalogue: Catalogue,
  parse: <T extends z.ZodType>(schema: T) => z.output<T> | undefined,
): DeviceConfig | undefined {
  const driver = field(raw, "driver");
  const oneWire = typeof driver === "string" && catalogue.oneWire.has(driver);
  if (field(raw, "profile") !== undefined || String(busType).startsWith("modbus")) {
    const device = parse(modbusDeviceSchema);
    return device && { kind: "modbus", ...device };
  }
  if (oneWire || busType === "one-wire") {
    const device = parse(oneWireDeviceSchema);
    return device && { kind: "one-wire", ...device };
  }
  const device = parse(i2cDeviceSchema);
  return device && { kind: "i2c", ...device };
}

function parseAt<T extends z.ZodType>(
  schema: T,
  value: unknown,
  at: Path,
  source: Source,
  problems: Problem[],
): z.output<T> | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const path = [...at, ...issue.path.map((key) => (typeof key === "symbol" ? "?" : key))];
    if (issue.code === "unrecognized_keys") {
      const names = issue.message.split(" ");
      for (const key of issue.keys) {
        const meant = nearest(key, names);
        const help = meant ? `did you mean ${meant}?` : "remove it.";
        problems.push(
          source.problemAtKey(
            [...path, key],
            `is not a setting here; ${help} Allowed: ${names.join(", ")}`,
          ),
        );
      }
    } else if (issue.message.startsWith("is missing")) {
      problems.push(source.problem(path, issue.message));
    } else {
      problems.push(source.problem(path, `${source.written(path)} ${issue.message}`));
    }
  }
  return undefined;
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
