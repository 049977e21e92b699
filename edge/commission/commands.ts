import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { pino } from "pino";
import { systemClock } from "../../contract/clock.ts";
import { globMatcher } from "../../contract/id.ts";
import { busLoops, machinePorts } from "../buses.ts";
import { ownCatalogue } from "../config/catalogue.ts";
import type { EdgeConfig } from "../config/edge-config.ts";
import type { BusLoop } from "../poll/loop.ts";
import { Live } from "./live.ts";
import { fingerprint, SheetWriter, sheetKey, sheetPage, verifySheet } from "./point-check.ts";
import { addScanCommand } from "./scan-command.ts";
import { tapped } from "./tap.ts";
import { walk } from "./walk.ts";
import { processTerminal, watch } from "./watch.ts";

/** The commands of commissioning. `readConfig` gives the checked file of `--config`, or ends the program. */
export function addCommissionCommands(
  program: Command,
  readConfig: (file: string | undefined) => EdgeConfig,
): void {
  const configOf = (command: Command) => readConfig(command.optsWithGlobals().config);
  addScanCommand(program, configOf);
  program
    .command("watch")
    .description("shows live values, raw bytes and bus health; stop the service first")
    .option("--config <file>", "the node's edge.yaml")
    .action((_options, command: Command) => runWatch(configOf(command)));
  program
    .command("walk")
    .description(
      "names the sensor that you warm or the door that you open, and writes a signed sheet",
    )
    .option("--config <file>", "the node's edge.yaml")
    .requiredOption("--initials <initials>", "who checks: 1–8 letters")
    .option("--points <pattern>", "only these points, such as a0*.inlet-*")
    .option("--out <folder>", "where the sheet is put", ".")
    .action((options: WalkOptions, command: Command) => runWalk(configOf(command), options));
  program
    .command("verify-sheet <file>")
    .description("checks that a point-check sheet is as it was written")
    .option("--key <key>", "the node's public key, as the first line of a sheet of it names it")
    .action(runVerify);
}

interface WalkOptions {
  initials: string;
  points?: string;
  out: string;
}

async function runWatch(config: EdgeConfig): Promise<void> {
  const { live, loops } = liveLoops(config);
  const terminal = processTerminal();
  await watch({ node: config.node, live, loops, terminal, clock: systemClock }, endSignal());
}

async function runWalk(config: EdgeConfig, options: WalkOptions): Promise<void> {
  const { initials, points: pattern, out } = options;
  const terminal = processTerminal();
  if (!/^[A-Za-z]{1,8}$/.test(initials)) stop(`initials are 1–8 letters, not "${initials}"`);
  if (!terminal.size()) stop("A walk needs a terminal, for your answers.");
  const { live, loops } = liveLoops(config);
  const points = live.points().filter(({ info, device }) =>
    // What a hand can move; a meter moves by itself.
    pattern ? globMatcher(pattern)(info.id) : !isMeter(config, device),
  );
  if (points.length === 0) stop(`No point fits ${pattern ?? "a walk"}; name some with --points.`);
  const at = new Date().toISOString();
  const base = path.join(out, `point-check-${config.node}-${at.slice(0, 19).replace(/\D/g, "")}`);
  const keyFolder = path.dirname(config.spool.path);
  for (const folder of [out, keyFolder]) mkdirSync(folder, { recursive: true });
  const key = sheetKey(path.join(keyFolder, "point-check.key"));
  const start = { node: config.node, at, initials };
  const sheet = new SheetWriter(key, start, (line) => appendFileSync(`${base}.jsonl`, `${line}\n`));
  await walk({ live, points, loops, terminal, sheet, initials, clock: systemClock }, endSignal());
  const checked = verifySheet(readFileSync(`${base}.jsonl`, "utf8"));
  if (checked.is === "wrong") throw new Error(`the sheet is not genuine: ${checked.problems[0]}`);
  writeFileSync(`${base}.txt`, sheetPage(checked, `${path.basename(base)}.jsonl`));
  process.stdout.write(
    `Points checked: ${sheet.checks}. ${base}.jsonl is signed, ${base}.txt is to read.\n`,
  );
}

function runVerify(file: string, { key }: { key?: string }): void {
  const checked = verifySheet(readFileSync(file, "utf8"), key);
  if (checked.is === "wrong") stop(checked.problems.map((line) => `${file}: ${line}`).join("\n"));
  const { node, key: own } = checked.start;
  const whose = key ? "the given key" : `key ${fingerprint(own)}; compare it with the node's`;
  process.stdout.write(
    `${file} is genuine: node ${node}, points: ${checked.checks.length}, ${whose}\n`,
  );
}

function liveLoops(config: EdgeConfig): { live: Live; loops: BusLoop[] } {
  const catalogue = ownCatalogue();
  const live = new Live(config, catalogue, systemClock);
  const loops = busLoops({
    config,
    catalogue,
    ports: tapped(machinePorts(systemClock), live.tap),
    sink: live.sink,
    urgentSink: live.sink,
    doors: { state: () => undefined, trouble: () => undefined },
    // What is counted while looking is not kept: the service keeps its own.
    memory: { recall: () => undefined, remember: () => undefined },
    clock: systemClock,
    log: pino({ level: "silent" }),
  });
  return { live, loops };
}

function isMeter(config: EdgeConfig, device: string): boolean {
  const kind = config.devices.find(({ id }) => id === device)?.kind;
  return kind !== undefined && kind !== "i2c" && kind !== "one-wire";
}

function endSignal(): AbortSignal {
  const end = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => end.abort());
  return end.signal;
}

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
