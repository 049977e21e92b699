import { existsSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import { pino } from "pino";
import { z } from "zod";
import { systemClock } from "../contract/clock.ts";
import { readBoot } from "./boot.ts";
import { addCommissionCommands } from "./commission/commands.ts";
import { ownCatalogue } from "./config/catalogue.ts";
import { checkEdge } from "./config/check.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import { edgeSchema } from "./config/file-schema.ts";
import { problemText } from "./config/source.ts";
import { addProfileCommands } from "./profile-commands.ts";
import { experimentalNote } from "./profiles/tools/lint.ts";
import { VERSION } from "./version.ts";

const program = new Command("plenum-edge")
  .description("Reads sensors, meters and doors of one place and passes them to the Plenum hub")
  .version(VERSION)
  .option("--config <file>", "the node's edge.yaml")
  .action(({ config }: { config?: string }) => run(readConfig(fileOf(config))));
program
  .command("check")
  .description("checks an edge.yaml completely and opens nothing")
  .option("--config <file>", "the node's edge.yaml")
  .action((_options, command: Command) => check(fileOf(command.optsWithGlobals().config)));
program
  .command("schema")
  .description("prints the JSON Schema of edge.yaml, for editors")
  .action(() => print(JSON.stringify(z.toJSONSchema(edgeSchema, { io: "input" }), null, 2)));
addProfileCommands(program);
addCommissionCommands(program, (file) => readConfig(fileOf(file)));
await program.parseAsync();

async function run(config: EdgeConfig): Promise<void> {
  // Synchronous, so that the last lines before a crash are there.
  const log = pino({ base: { node: config.node } }, pino.destination({ sync: true }));
  const end = (error: unknown) => {
    log.fatal(error);
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
  const { startEdge } = await import("./edge.ts");
  // systemd names a folder in memory that outlives a restart of the service.
  const folder = process.env.RUNTIME_DIRECTORY?.split(":")[0] ?? tmpdir();
  const troubleFile = path.join(folder, `plenum-edge-${config.node}.restarts`);
  const edge = await startEdge(config, { clock: systemClock, log, boot: readBoot(), troubleFile });
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => {
      log.info({ signal }, "stopping");
      edge.stop().catch(end);
    });
  await edge.done.catch(end);
  process.exit(0);
}

function check(file: string): void {
  const { node, buses, devices, points, doors, outputs, alarms } = readConfig(file);
  const what = [
    counted(buses.length, "bus", "buses"),
    counted(devices.length, "device"),
    counted(points.length, "point"),
    counted(doors.length, "door"),
    ...(outputs.length > 0 ? [counted(outputs.length, "output")] : []),
    ...(alarms.length > 0 ? [counted(alarms.length, "local rule")] : []),
  ];
  print(`${file} is right: node ${node}, ${what.join(", ")}.`);
  const catalogue = ownCatalogue();
  const used = devices.flatMap((device) => (device.kind === "modbus" ? [device.profile] : []));
  for (const id of new Set(used)) {
    const note = experimentalNote(catalogue.profile(id));
    if (note !== undefined) print(`Note: ${note}`);
  }
}

/** The checked configuration; with problems, prints all of them and ends the program. */
function readConfig(file: string): EdgeConfig {
  const checked = checkEdge(readFileSync(file, "utf8"), file, ownCatalogue());
  if ("config" in checked) return checked.config;
  const { problems } = checked;
  for (const problem of problems) process.stderr.write(`${problemText(file, problem)}\n`);
  stop(
    `${problems.length} ${problems.length === 1 ? "problem" : "problems"}; nothing was started.`,
  );
}

function fileOf(config: string | undefined): string {
  if (config === undefined) stop("Name the node's file: plenum-edge --config edge.yaml");
  if (existsSync(config) && statSync(config).isFile()) return config;
  stop(`${config} is not a file; name the node's edge.yaml with --config`);
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
