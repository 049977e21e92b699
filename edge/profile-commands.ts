import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { systemClock } from "../contract/clock.ts";
import { isId } from "../contract/id.ts";
import { DeviceError, type ModbusLink } from "./bus/port.ts";
import { machinePorts } from "./buses.ts";
import { busSchema } from "./config/schema.ts";
import { PROFILE_IDS } from "./profiles/index.ts";
import { loadProfile, ProfileError } from "./profiles/load.ts";
import type { Profile } from "./profiles/schema.ts";
import { speedOf } from "./profiles/tools/line-plan.ts";
import { lintProfile, lintText } from "./profiles/tools/lint.ts";
import { planText } from "./profiles/tools/plan-text.ts";
import { probe } from "./profiles/tools/probe.ts";
import { probeText, rowText } from "./profiles/tools/probe-text.ts";
import { rulesText } from "./profiles/tools/rules-text.ts";

interface ProbeOptions {
  unit: number;
  device?: string;
  baud?: number;
  parity?: string;
  host?: string;
  port?: number;
}

/** `profile lint|plan|rules|probe`, for those who write or doubt a profile. */
export function addProfileCommands(program: Command): void {
  const profile = program.command("profile").description("looks at the profiles of Modbus devices");
  profile
    .command("lint [ids...]")
    .description("checks profiles, all of them when none is named")
    .action((ids: string[]) => told(() => lint(ids)));
  profile
    .command("plan <id>")
    .description("shows the requests of one device and what they cost on a serial line")
    .option("--baud <baud>", "another speed than the maker's", whole)
    .action((id: string, { baud }: { baud?: number }) => told(() => print(planText(id, baud))));
  profile
    .command("rules <id>")
    .description("prints the alarms a profile proposes, as rules for site.yaml")
    .requiredOption("--device <id>", "the device's id in edge.yaml, such as ups-a", deviceId)
    .action((id: string, { device }: { device: string }) =>
      told(() => print(rulesText(loadProfile(id), device))),
    );
  profile
    .command("probe <id>")
    .description("asks a device for every register and shows it in all byte orders; only reads")
    .option("--unit <unit>", "the device's Modbus unit", whole, 1)
    .option("--device <path>", "a serial line such as /dev/ttyUSB0")
    .option("--baud <baud>", "its speed; the maker's when left out", whole)
    .option("--parity <parity>", "none, even or odd; the maker's when left out")
    .option("--host <host>", "a device or gateway on the network")
    .option("--port <port>", "its port", whole, 502)
    .action((id: string, options: ProbeOptions) => told(() => runProbe(id, options)));
}

function lint(ids: readonly string[]): void {
  const lints = (ids.length > 0 ? ids : PROFILE_IDS).map(lintProfile);
  for (const each of lints) print(lintText(each));
  if (lints.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
}

async function runProbe(id: string, options: ProbeOptions): Promise<void> {
  const profile = loadProfile(id);
  const link = await openLink(profile, options);
  const terminal = process.stdout.isTTY === true;
  try {
    const onRow = terminal
      ? { onRow: (row: Parameters<typeof rowText>[0]) => print(rowText(row)) }
      : {};
    const report = await probe(link, profile, options.unit, onRow);
    // On a terminal the rows have scrolled by as they came; only the verdict is missing.
    const text = probeText(report);
    print(terminal ? (text.split("\n").at(-1) ?? "") : text);
    if (report.silent) process.exitCode = 1;
  } finally {
    await link.close();
  }
}

function openLink(
  profile: Profile,
  { device, host, ...options }: ProbeOptions,
): Promise<ModbusLink> {
  const ports = machinePorts(systemClock);
  if ((device === undefined) === (host === undefined))
    throw new DeviceError("refused", "Say where the device is: either --device or --host");
  const speed = speedOf(profile, options.baud);
  const { parity = speed.parity, port } = options;
  const written =
    device === undefined
      ? { id: "probe", type: "modbus-tcp", host, port }
      : {
          ...{ id: "probe", type: "modbus-rtu", device: path.resolve(device), parity },
          ...{ baud: speed.baud, stop: speed.stop },
        };
  const bus = busSchema.safeParse(written);
  if (bus.success && (bus.data.type === "modbus-rtu" || bus.data.type === "modbus-tcp"))
    return ports.modbus(bus.data);
  const issue = bus.error?.issues[0];
  throw new DeviceError("refused", `--${issue?.path.join(".")} ${issue?.message}`);
}

/** What a person can put right is told in one line, without a stack. */
async function told(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ProfileError || error instanceof DeviceError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

function deviceId(text: string): string {
  if (isId(text)) return text;
  throw new InvalidArgumentError("write a device's id, such as ups-a");
}

function whole(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("write a whole number");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
