import { readFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import type { CommandWords } from "./commands.ts";

const program = new Command("room-control")
  .description("Trips, opens, unplugs and spoils things in a running simulated room")
  .argument("[command]", "for instance trip, open or unplug; without one, all are listed")
  .argument("[target]", "cooling unit, door, point, device, bus or rack")
  .argument("[value]", "only for some commands")
  .option("--url <url>", "address of the room's control; found in --ports-file when absent")
  .option(
    "--ports-file <file>",
    "where the room wrote its ports",
    path.join(process.env.PLENUM_DATA ?? "data", "room", "ports.json"),
  )
  .parse();
const [command, target = "", value = ""] = program.args;
const { url, portsFile } = program.opts<{ url?: string; portsFile: string }>();

const base = url ?? `http://127.0.0.1:${controlPort(portsFile)}`;
try {
  await (command === undefined ? list() : send({ command, target, value }));
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  program.error(`No room answers at ${base}. Start it, or give its address with --url.`);
}

/** Sends one command and prints what the room says. Exit code 1 when it refuses. */
async function send(order: object): Promise<void> {
  const response = await fetch(new URL("/do", base), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order),
  });
  const body = (await response.json()) as { done?: string; error?: string };
  if (body.done !== undefined) process.stdout.write(`${body.done}\n`);
  else program.error(body.error ?? `the room answered ${response.status}`);
}

async function list(): Promise<void> {
  const response = await fetch(base);
  const { commands } = (await response.json()) as { commands: CommandWords[] };
  for (const { command: name, does, targets, value: meaning } of commands) {
    const some =
      targets.length > 8 ? [...targets.slice(0, 6), `… ${targets.length} in all`] : targets;
    process.stdout.write(`${name.padEnd(9)} ${does}\n`);
    if (some.length > 0) process.stdout.write(`          on: ${some.join(", ")}\n`);
    if (meaning !== undefined) process.stdout.write(`          value: ${meaning}\n`);
  }
}

function controlPort(file: string): number {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { http: number }).http;
  } catch (error) {
    return program.error(
      `No room's ports in ${file} (${error instanceof Error ? error.message : error}). Start it, or give --url.`,
    );
  }
}
