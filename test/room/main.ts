import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { pino } from "pino";
import { startRoom } from "./room.ts";

interface Options {
  portBase: number;
  httpPort: number;
  portsFile?: string;
  w1Dir: string;
  speed: number;
  seed: number;
}

const whole = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Allowed: a number from ${min} to ${max}.`);
};

const program = new Command("plenum-room")
  .description("A simulated data hall that speaks I2C, GPIO, 1-Wire, Modbus TCP and Modbus RTU")
  .addOption(
    new Option("--config <name>", "there is nothing to configure").choices(["none"]).hideHelp(),
  )
  .option("--port-base <n>", "first port of the wires; 0 = free ports", whole(0, 65_500), 0)
  .option("--http-port <n>", "port of the control; 0 = a free one", whole(0, 65_535), 0)
  .option("--ports-file <file>", "where to write the ports, as JSON, once everything listens")
  .requiredOption("--w1-dir <folder>", "folder for the 1-Wire files")
  .option("--speed <factor>", "how much faster than time the physics run", whole(0, 1_000), 1)
  .option("--seed <n>", "the same number gives the same day", whole(0, 2 ** 31), 1)
  .parse();

const { portsFile, ...options } = program.opts<Options>();
const log = pino({ name: "room" }, pino.destination(2));
const room = await startRoom({ ...options, log });
const ports = `${JSON.stringify(room.ports)}\n`;
if (portsFile) {
  mkdirSync(path.dirname(portsFile), { recursive: true });
  writeFileSync(`${portsFile}.tmp`, ports);
  renameSync(`${portsFile}.tmp`, portsFile);
}
process.stdout.write(ports);

const stop = () => void room.close();
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
await room.ended;
