import path from "node:path";
import type { z } from "zod";
import { MAX_PAYLOAD_BYTES } from "../../contract/message.ts";
import type { Catalogue } from "./catalogue.ts";
import { crossCheck } from "./cross-check.ts";
import { type DeviceConfig, type EdgeConfig, type Parts, resolvePaths } from "./edge-config.ts";
import { field, parserInto } from "./explain.ts";
import { frameSchema, LISTS, type ListName } from "./file-schema.ts";
import { suggestion } from "./nearest.ts";
import type { Placed, PlacedParts } from "./placed.ts";
import { announcedPoints, truthOf } from "./points.ts";
import { checkRules } from "./rule-check.ts";
import {
  busSchema,
  doorSchema,
  i2cDeviceSchema,
  inputSchema,
  kernelDeviceSchema,
  modbusDeviceSchema,
  nutDeviceSchema,
  oneWireDeviceSchema,
  outputSchema,
  pulseSchema,
} from "./schema.ts";
import { type Problem, readYaml, type Source } from "./source.ts";

/** The rest of the message is for the node's own names and its points about itself. */
const MAX_BIRTH_BYTES = MAX_PAYLOAD_BYTES - 32_768;

export type Checked = { config: EdgeConfig } | { problems: Problem[] };

/** Checks a whole `edge.yaml` before anything is opened, and reports every problem at once, in file order. */
export function checkEdge(text: string, file: string, catalogue: Catalogue): Checked {
  const source = readYaml(text);
  if (source.broken.length > 0) return { problems: source.broken };
  const problems: Problem[] = [];
  const parse = parserInto(problems, source);
  const frame = parse(frameSchema, source.value, []);
  const lists = listsOf(source.value);
  const placed: PlacedParts = {
    ...{ buses: [], devices: [], doors: [], inputs: [], pulses: [], outputs: [] },
  };
  const take = <T extends z.ZodType>(
    name: keyof PlacedParts,
    schemaOf: (raw: unknown) => T,
    known: (raw: unknown) => Placed["value"] = () => ({}),
  ) =>
    lists[name].flatMap((raw, index) => {
      const { whole, partly } = parse(schemaOf(raw), raw, [name, index]);
      placed[name].push({ value: { ...(whole ?? partly), ...known(raw) }, path: [name, index] });
      return whole === undefined ? [] : [whole];
    });
  const busTypes = new Map(lists.buses.map((raw) => [field(raw, "id"), field(raw, "type")]));
  const kindOf = (raw: unknown) => deviceKind(raw, busTypes.get(field(raw, "bus")), catalogue);
  const parts: Parts = {
    buses: take("buses", () => busSchema),
    devices: take(
      "devices",
      (raw) => deviceSchema(kindOf(raw)),
      (raw) => ({ kind: kindOf(raw) }),
    ),
    doors: take("doors", () => doorSchema),
    inputs: take("inputs", () => inputSchema),
    pulses: take("pulses", () => pulseSchema),
    outputs: take("outputs", () => outputSchema),
    alarms: [],
  };
  problems.push(...crossCheck(placed, catalogue, source));
  const points = announcedPoints(parts, catalogue).map((point) => point.id);
  parts.alarms = checkRules(lists.alarms, { parse, source, points }, problems);
  problems.push(...followProblems(parts, lists.alarms, source));
  if (problems.length > 0 || !frame.whole) return { problems: problems.sort(byPlace) };
  const config = assemble(frame.whole, parts, { file, catalogue });
  const tooMuch = birthProblem(config);
  return tooMuch === undefined ? { config } : { problems: [source.problem(["devices"], tooMuch)] };
}

/** What keeps the hub from taking the node's birth, if anything does. */
function birthProblem({ points, doorInfos, alarms }: EdgeConfig): string | undefined {
  const bytes = Buffer.byteLength(JSON.stringify([points, doorInfos, alarms]));
  if (bytes <= MAX_BIRTH_BYTES) return undefined;
  return `${points.length} points are announced in ${bytes} bytes; a node's birth holds ${MAX_BIRTH_BYTES}: give part of the devices to a second node`;
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
    identityFolder: path.resolve(folder, frame.hub.identity),
    spool: {
      path: path.resolve(folder, spool.path),
      quotaBytes: spool.quotaMb * 1024 * 1024,
      commitEveryMs: spool.commitEvery,
    },
    ...parts,
    points: announcedPoints(parts, catalogue),
    truth: truthOf(parts, catalogue),
    doorInfos: parts.doors.map(({ id, label }) => ({ id, label: label ?? id })),
  };
}

/** The schema of one kind; what it gives says which kind it is. */
function deviceSchema(kind: DeviceConfig["kind"]): z.ZodType<DeviceConfig> {
  switch (kind) {
    case "i2c":
      return i2cDeviceSchema.transform((device) => ({ ...device, kind }));
    case "one-wire":
      return oneWireDeviceSchema.transform((device) => ({ ...device, kind }));
    case "modbus":
      return modbusDeviceSchema.transform((device) => ({ ...device, kind }));
    case "nut":
      return nutDeviceSchema.transform((device) => ({ ...device, kind }));
    case "kernel":
      return kernelDeviceSchema.transform((device) => ({ ...device, kind }));
  }
}

/** Outputs that follow rules nobody wrote. */
function followProblems({ outputs }: Parts, alarms: readonly unknown[], source: Source): Problem[] {
  const names = alarms.flatMap((raw) => {
    const id = field(raw, "id");
    return typeof id === "string" ? [id] : [];
  });
  return outputs.flatMap(({ id, rules }) => {
    // Where the output stands in the file; entries with mistakes are not among `outputs`.
    const index = listsOf(source.value).outputs.findIndex((raw) => field(raw, "id") === id);
    return rules.flatMap((rule, at) =>
      names.includes(rule)
        ? []
        : [
            source.problem(
              ["outputs", index, "rules", at],
              `${rule} is not a rule of this file; ${suggestion(rule, names)}`,
            ),
          ],
    );
  });
}

/** Which kind of device an entry is meant to be: by its bus if that is known, else by its keys. */
function deviceKind(raw: unknown, busType: unknown, catalogue: Catalogue): DeviceConfig["kind"] {
  if (field(raw, "profile") !== undefined || String(busType).startsWith("modbus")) return "modbus";
  if (field(raw, "ups") !== undefined || busType === "nut") return "nut";
  if (field(raw, "sensor") !== undefined || busType === "kernel") return "kernel";
  const driver = field(raw, "driver");
  const oneWire = typeof driver === "string" && catalogue.oneWire.has(driver);
  return oneWire || busType === "one-wire" ? "one-wire" : "i2c";
}

/** The entries of each list, whatever they are, so that a mistake elsewhere does not hide theirs. */
function listsOf(value: unknown): Record<ListName, unknown[]> {
  const found = LISTS.map((name) => {
    const list = field(value, name);
    return [name, Array.isArray(list) ? list : []] as const;
  });
  return Object.fromEntries(found) as Record<ListName, unknown[]>;
}

const byPlace = (a: Problem, b: Problem) => a.line - b.line || a.column - b.column;
