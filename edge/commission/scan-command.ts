import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../contract/clock.ts";
import { machinePorts } from "../buses.ts";
import { ownCatalogue } from "../config/catalogue.ts";
import type { EdgeConfig } from "../config/edge-config.ts";
import { edgeYaml } from "./edge-yaml.ts";
import { machineTargets, NO_TARGETS, type ScanTargets } from "./machine.ts";
import { type ProgressState, progressText } from "./progress.ts";
import { scan } from "./scan.ts";
import { allSettings, USUAL_SETTINGS } from "./scan-modbus.ts";
import { range } from "./signatures.ts";

const MODBUS_PORT = 502;
const NUT_PORT = 3493;
const TELL_EVERY_MS = 5_000;
const CLEAR_LINE = "\r\x1b[K";

export interface ScanOptions {
  config?: string;
  i2c?: string[];
  w1?: string;
  gpio?: string;
  serial?: string[];
  host?: string[];
  nut?: string[];
  units: string;
  thorough?: boolean;
  node: string;
  hub: string;
  out?: string;
}

export function addScanCommand(program: Command, configOf: (command: Command) => EdgeConfig): void {
  program
    .command("scan")
    .description(
      "looks for sensors, meters and UPSes and prints an edge.yaml; stop the service first",
    )
    .option("--config <file>", "look only at the buses of this edge.yaml")
    .option("--i2c <device...>", "I2C buses, such as /dev/i2c-1 or lab=/dev/i2c-3")
    .option("--w1 <folder>", "1-Wire bus, such as /sys/bus/w1/devices")
    .option("--gpio <chip>", "GPIO chip by its label")
    .option("--serial <device...>", "serial lines, such as /dev/ttyUSB0")
    .option("--host <host...>", "Modbus TCP devices and gateways, such as 10.0.0.5 or pdu.lan:1502")
    .option("--nut <host...>", "NUT servers, such as nas.lan")
    .option("--units <numbers>", "Modbus units to ask for, such as 1-10,247", "1-10")
    .option("--thorough", "try every speed with every parity on serial lines")
    .option("--node <id>", "the node's name in the file", "pi-1")
    .option("--hub <url>", "the hub's address in the file", "mqtt://127.0.0.1:1883")
    .option("--out <file>", "write the file here instead of printing it")
    .action(async (options: ScanOptions, command: Command) => {
      const given = command.optsWithGlobals().config !== undefined;
      const config = given ? configOf(command) : undefined;
      await runScan(options, targetsOf(options, config));
    });
}

/** The buses to look at: those of a file, those that were named, or else the machine's own. Hosts come on top. */
export function targetsOf(
  options: ScanOptions,
  config?: Pick<EdgeConfig, "buses">,
  machine: () => ScanTargets = machineTargets,
): ScanTargets {
  const { i2c, w1, gpio, serial } = options;
  const anyNamed = i2c ?? w1 ?? gpio ?? serial;
  const base = config ? configTargets(config) : anyNamed ? namedTargets(options) : machine();
  const hosts = (options.host ?? []).map((text) => ({
    type: "modbus-tcp" as const,
    ...hostBus("net", text, MODBUS_PORT),
  }));
  const nut = (options.nut ?? []).map((text) => ({
    type: "nut" as const,
    ...hostBus("nut", text, NUT_PORT),
  }));
  return { ...base, modbusTcp: [...base.modbusTcp, ...hosts], nut: [...base.nut, ...nut] };
}

function configTargets({ buses }: Pick<EdgeConfig, "buses">): ScanTargets {
  return {
    ...NO_TARGETS,
    i2c: buses.filter((bus) => bus.type === "i2c"),
    oneWire: buses.filter((bus) => bus.type === "one-wire"),
    gpio: buses.filter((bus) => bus.type === "gpio"),
    serial: buses
      .filter((bus) => bus.type === "modbus-rtu")
      .map(({ id, device }) => ({ id, device })),
    modbusTcp: buses.filter((bus) => bus.type === "modbus-tcp"),
    nut: buses.filter((bus) => bus.type === "nut"),
  };
}

function namedTargets({ i2c = [], w1, gpio, serial = [] }: ScanOptions): ScanTargets {
  return {
    ...NO_TARGETS,
    i2c: i2c.map((text) => {
      const [, id, device = text] = /^([a-z0-9][a-z0-9_.-]*)=(.+)$/.exec(text) ?? [];
      return { id: id ?? device.split("/").at(-1) ?? device, type: "i2c", device };
    }),
    oneWire: w1 === undefined ? [] : [{ id: "w1", type: "one-wire", path: path.resolve(w1) }],
    gpio: gpio === undefined ? [] : [{ id: "gpio", type: "gpio", chip: gpio }],
    serial: serial.map((device, i) => ({ id: `rs485-${i + 1}`, device })),
  };
}

async function runScan(options: ScanOptions, targets: ScanTargets): Promise<void> {
  const { out, node, hub, thorough } = options;
  if (out !== undefined && existsSync(out)) stop(`${out} is there already; name another file.`);
  const units = parseUnits(options.units);
  if (units.length === 0) stop(`units are numbers from 1 to 247, such as 1-10,247`);
  const catalogue = ownCatalogue();
  const findings = await scan({
    targets,
    ports: machinePorts(systemClock),
    profiles: catalogue.profiles.map((id) => catalogue.profile(id)),
    settings: thorough ? allSettings() : USUAL_SETTINGS,
    units,
    clock: systemClock,
    onProgress: teller(),
  });
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
  const { skipped } = targets;
  const at = systemClock.nowMs();
  const text = edgeYaml({ node, hubUrl: hub, findings, skipped, catalogue, at });
  if (out === undefined) process.stdout.write(text);
  else writeFileSync(out, text, { flag: "wx" });
}

/** On a terminal one line that changes, elsewhere a line every 5 s. */
function teller(): (state: ProgressState) => void {
  let toldMs = systemClock.monoMs();
  return (state) => {
    const text = progressText(state);
    if (process.stderr.isTTY) {
      process.stderr.write(`${CLEAR_LINE}${text.slice(0, process.stderr.columns - 1)}`);
      return;
    }
    if (systemClock.monoMs() - toldMs < TELL_EVERY_MS) return;
    toldMs = systemClock.monoMs();
    process.stderr.write(`${text}\n`);
  };
}

/** `1-3,247` → 1, 2, 3, 247; empty when it is no such list. */
export function parseUnits(text: string): number[] {
  const units = text.split(",").flatMap((part) => {
    const [, first, last = first] = /^\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*$/.exec(part) ?? [];
    const [from, to] = [Number(first ?? 0), Number(last ?? 0)];
    return from >= 1 && to <= 247 && from <= to ? range(from, to) : [0];
  });
  return units.includes(0) ? [] : [...new Set(units)];
}

/** `10.0.0.5:1502` becomes the bus `net-10-0-0-5-1502`. */
function hostBus(kind: string, text: string, standard: number) {
  const [, host = text, digits] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? standard : Number(digits);
  const suffix = port === standard ? "" : `-${port}`;
  const id = `${kind}-${host.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}${suffix}`;
  return { id, host, port };
}

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
