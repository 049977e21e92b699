import type { EpochMs } from "../../contract/clock.ts";
import type { Catalogue } from "../config/catalogue.ts";
import { checkEdge } from "../config/check.ts";
import type { BusFinding, UnitFinding } from "./scan.ts";
import type { ChipFinding } from "./scan-i2c.ts";

export interface YamlDeps {
  node: string;
  hubUrl: string;
  findings: readonly BusFinding[];
  /** What the machine has but the scan left out, and why. */
  skipped: readonly string[];
  catalogue: Catalogue;
  at: EpochMs;
}

/** One `- { … }` of the file. One that is not sure stays a comment, for a person to decide. */
interface Entry {
  text: string;
  sure: boolean;
}

interface Section {
  bus: string | undefined;
  remarks: string[];
  devices: (Entry | string)[];
  doors: string[];
}

/** An `edge.yaml` with everything a scan found. What was proven is ready; all else is there as comments. */
export function edgeYaml(deps: YamlDeps): string {
  const { findings, skipped } = deps;
  const sections = findings.map((finding) => sectionOf(finding, deps));
  const remarks = [...sections.flatMap((section) => section.remarks), ...skipped];
  return [
    ...heading(deps),
    ...(remarks.length > 0 ? ["# Seen besides:", ...remarks.map((line) => `#   ${line}`)] : []),
    ...list(
      "buses",
      sections.flatMap(({ bus }) => (bus === undefined ? [] : [`  - ${bus}`])),
    ),
    ...list(
      "devices",
      sections.flatMap((section) => deviceLines(section, deps)),
    ),
    ...list(
      "doors",
      sections.flatMap(({ doors }) => doors),
    ),
    "",
  ].join("\n");
}

function heading({ node, hubUrl, at }: YamlDeps): string[] {
  return [
    `# Found by plenum-edge scan on ${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC.`,
    "# To do: the hub's address; names of the points, by where each sensor hangs (a03.inlet-top is the inlet,",
    "# top, of rack a03); the doors. `plenum-edge walk` tells which sensor is which. Lines behind # are likely,",
    "# but not proven: look at the device and take the # away. Then: plenum-edge check --config edge.yaml",
    `node: ${node}`,
    `hub: { url: ${quoted(hubUrl)} }`,
    "spool: { path: ./spool.db }",
  ];
}

/** The lines under a key, or an empty list when all of them are comments. */
function list(key: string, lines: string[]): string[] {
  const empty = lines.every((line) => line.trimStart().startsWith("#"));
  if (!empty) return [`${key}:`, ...lines];
  return [lines.length > 0 ? `${key}: [] # take [] away with the first #` : `${key}: []`, ...lines];
}

function deviceLines({ bus, devices }: Section, deps: YamlDeps): string[] {
  return devices.flatMap((device) => {
    if (typeof device === "string") return [`  # ${device}`];
    if (!device.sure) return [`  # - ${device.text}`];
    const problem = problemWith(device.text, bus ?? "", deps);
    if (problem === undefined) return [`  - ${device.text}`];
    return [`  # ${problem}`, `  # - ${device.text}`];
  });
}

/** What the check would say against this device; then it is left to a person. */
function problemWith(device: string, bus: string, deps: YamlDeps): string | undefined {
  const text = [...heading(deps), "buses:", `  - ${bus}`, "devices:", `  - ${device}`].join("\n");
  const checked = checkEdge(text, "edge.yaml", deps.catalogue);
  if ("config" in checked) return undefined;
  return `${checked.problems[0]?.path}: ${checked.problems[0]?.message}`;
}

function sectionOf(finding: BusFinding, deps: YamlDeps): Section {
  const nothing = { bus: undefined, remarks: [], devices: [], doors: [] };
  switch (finding.kind) {
    case "failed":
      return { ...nothing, remarks: [`${finding.where}: ${finding.why}`] };
    case "nut":
      return nutSection(finding);
    case "gpio":
      return gpioSection(finding);
    case "i2c": {
      const { bus, chips } = finding;
      return {
        ...nothing,
        bus: `{ id: ${bus.id}, type: i2c, device: ${quoted(bus.device)} }`,
        devices: chips.flatMap((chip) => chipEntries(bus.id, chip, deps.catalogue)),
      };
    }
    case "one-wire":
      return {
        ...nothing,
        bus: `{ id: ${finding.bus.id}, type: one-wire, path: ${quoted(finding.bus.path)} }`,
        devices: finding.roms.map((rom) => romEntry(finding.bus.id, rom, deps.catalogue)),
      };
    case "modbus":
      return modbusSection(finding);
  }
}

function chipEntries(bus: string, chip: ChipFinding, catalogue: Catalogue): (Entry | string)[] {
  const at = `0x${chip.address.toString(16).padStart(2, "0")}`;
  const line = (model: string) => chipText(bus, at, model, catalogue);
  switch (chip.is) {
    case "known": {
      const text = line(chip.model);
      return [
        text ? { text, sure: true } : `${bus} ${at}: ${chip.model}, which has no driver here`,
      ];
    }
    case "like":
      return [
        `${bus} ${at} holds the power-up values of ${chip.models.join(" or ")}; that is no proof:`,
        ...chip.models.flatMap((model) => {
          const text = line(model);
          return text ? [{ text, sure: false }] : [];
        }),
      ];
    case "kernel":
      return [`${bus} ${at} belongs to a driver of the kernel; a bus of type kernel can read it`];
    case "unknown": {
      const none = chip.tried.length > 0 ? ` but is none of ${chip.tried.join(", ")}` : "";
      const usual = chip.usual.length > 0 ? `; usual here: ${chip.usual.join(", ")}` : "";
      return [`something answers at ${bus} ${at}${none}${usual}`];
    }
  }
}

function chipText(bus: string, at: string, model: string, catalogue: Catalogue) {
  const channels = catalogue.i2c.get(model)?.channels;
  if (!channels) return undefined;
  const id = `${bus}-${at.slice(2)}`;
  const points = Object.keys(channels).map((name) => `${name}: ${id}.${role(name)}`);
  return `{ id: ${id}, bus: ${bus}, driver: ${model}, address: ${at}, every: 5s, points: { ${points.join(", ")} } }`;
}

function romEntry(bus: string, rom: string, catalogue: Catalogue): Entry | string {
  const driver = [...catalogue.oneWire].find(([, { family }]) => rom.startsWith(`${family}-`));
  if (!driver) return `${bus} ${rom}: a 1-Wire device of a family without a driver`;
  const [model, { channels }] = driver;
  const points = Object.keys(channels).map((name) => `${name}: ${rom}.${role(name)}`);
  const text = `{ id: ${rom}, bus: ${bus}, driver: ${model}, every: 10s, points: { ${points.join(", ")} } }`;
  return { text, sure: true };
}

/** A channel's name as part of a point's: `busVoltage` → `bus-voltage`. */
const role = (channel: string) =>
  channel.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A text as YAML (and JSON) write it. */
const quoted = (text: string): string => JSON.stringify(text);

function gpioSection({ bus, lines }: Extract<BusFinding, { kind: "gpio" }>): Section {
  const size = lines === undefined ? "" : ` has lines 0–${lines - 1}`;
  return {
    bus: `{ id: ${bus.id}, type: gpio, chip: ${quoted(bus.chip)} }`,
    remarks: [],
    devices: [],
    doors: [
      `  # ${bus.id}${size}: nothing tells what hangs on a line, and none was touched. For a door on line 17:`,
      `  # - { id: door-1, label: Server room door, bus: ${bus.id}, line: 17, contact: nc, debounce: 100ms }`,
    ],
  };
}

function modbusSection({ bus, units, note }: Extract<BusFinding, { kind: "modbus" }>): Section {
  const link =
    bus.type === "modbus-rtu"
      ? `device: ${quoted(bus.device)}, baud: ${bus.baud}, parity: ${bus.parity}, stop: ${bus.stop}`
      : `host: ${quoted(bus.host)}, port: ${bus.port}`;
  return {
    bus: `{ id: ${bus.id}, type: ${bus.type}, ${link} }`,
    remarks: [],
    devices: [
      ...(units.length === 0 ? [`${bus.id}: no unit answered`] : []),
      ...units.flatMap((unit) => unitEntries(bus.id, unit)),
      ...(note ? [`${bus.id}: ${note}`] : []),
    ],
    doors: [],
  };
}

function unitEntries(bus: string, finding: UnitFinding): (Entry | string)[] {
  const { unit } = finding;
  const text = (profile: string) =>
    `{ id: ${bus}-u${unit}, bus: ${bus}, profile: ${profile}, unit: ${unit} }`;
  if (finding.is === "known")
    return [
      `${bus} unit ${unit} says ${plain(finding.says)}`,
      { text: text(finding.profile), sure: true },
    ];
  if (finding.profiles.length === 0) return [`${bus} unit ${unit} answers, but no profile fits it`];
  return [
    `${bus} unit ${unit} does not say what it is; what it answers fits:`,
    ...finding.profiles.map((profile) => ({ text: text(profile), sure: false })),
  ];
}

function nutSection({ bus, upses }: Extract<BusFinding, { kind: "nut" }>): Section {
  return {
    bus: `{ id: ${bus.id}, type: nut, host: ${quoted(bus.host)}, port: ${bus.port} }`,
    remarks: [],
    devices: [
      ...(upses.length === 0 ? [`${bus.id} offers no UPS`] : []),
      ...upses.flatMap(({ ups, description, values }) => {
        const id = `${bus.id}-${ups.toLowerCase()}`;
        const text = `{ id: ${id}, bus: ${bus.id}, ups: ${quoted(ups)}, values: [${values.join(", ")}] }`;
        return [`${bus.id}: ${plain(description)}`, { text, sure: true }];
      }),
    ],
    doors: [],
  };
}

/** A device's own words as part of a comment: in one line. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}/gu, " ");
