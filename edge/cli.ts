import { Command } from "commander";
import { z } from "zod";
import { addCommissionCommands } from "./commission/commands.ts";
import { ownCatalogue } from "./config/catalogue.ts";
import { edgeSchema } from "./config/file-schema.ts";
import { readConfig } from "./config-file.ts";
import { addEnrolCommand } from "./identity/enrol-command.ts";
import { addProfileCommands } from "./profile-commands.ts";
import { experimentalNote } from "./profiles/tools/lint.ts";
import { VERSION } from "./version.ts";

const program = new Command("plenum-edge")
  .description("Reads sensors, meters and doors of one place and passes them to the Plenum hub")
  .version(VERSION)
  .option("--config <file>", "the node's edge.yaml")
  .action(async ({ config }: { config?: string }) =>
    (await import("./run-node.ts")).runNode(config),
  );
program
  .command("check")
  .description("checks an edge.yaml completely and opens nothing")
  .option("--config <file>", "the node's edge.yaml")
  .action((_options, command: Command) => check(command.optsWithGlobals().config));
program
  .command("schema")
  .description("prints the JSON Schema of edge.yaml, for editors")
  .action(() => print(JSON.stringify(z.toJSONSchema(edgeSchema, { io: "input" }), null, 2)));
addProfileCommands(program);
addCommissionCommands(program, readConfig);
addEnrolCommand(program, readConfig);
await program.parseAsync();

function check(file: string | undefined): void {
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

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
