import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { systemClock } from "../contract/clock.ts";
import type { HubConfig } from "./config/hub-config.ts";
import { checkSite } from "./config/site-check.ts";
import { formatProblem } from "./config/source.ts";
import { addDrillCommand } from "./drill/drill-command.ts";
import { addMosquittoConfig } from "./external-broker/mosquitto-command.ts";
import { addMigrateHistory } from "./history/migrate/migrate-command.ts";
import { addInfluxSetup } from "./history/setup/setup-command.ts";
import { addIdentityCommands } from "./identity/commands.ts";
import { createLedger } from "./ledger/ledger.ts";
import { watchedBy } from "./standard-rules/watched-by.ts";
import { openHubDb } from "./state/hub-db.ts";
import { VERSION } from "./version.ts";
import { whyNotWorker } from "./workers/worker-name.ts";

export interface CliDeps {
  out(line: string): void;
  err(line: string): void;
  /** Runs the hub until it is told to stop; gives the exit code. */
  run(config: HubConfig, worker?: string): Promise<number>;
}

/** The commands of plenum-hub. Resolves with the exit code. */
export async function runCli(args: readonly string[], deps: CliDeps): Promise<number> {
  let code = 0;
  const program = new Command("plenum-hub")
    .description(
      "Takes readings from the edge nodes, keeps history, judges alarms, serves the wall.",
    )
    .version(VERSION)
    .option("-c, --config <file>", "the site's description", "site.yaml")
    .option("--worker <name>", "be one of several workers that share the load (docs/scale-out.md)")
    .configureOutput({
      writeOut: (text) => deps.out(text.trimEnd()),
      writeErr: (text) => deps.err(text.trimEnd()),
    })
    .exitOverride()
    .action(async () => {
      const { config: file, worker } = program.opts<{ config: string; worker?: string }>();
      const config = load(file, deps);
      const why = config && whyNotWorker(config, worker);
      if (why) deps.err(why);
      code = config && !why ? await deps.run(config, worker) : 1;
    });
  program
    .command("check")
    .description("finds every problem of the site's description at once and starts nothing")
    .action(() => {
      const { config: file } = program.opts<{ config: string }>();
      const config = load(file, deps);
      code = config ? 0 : 1;
      if (config) deps.out(`${file}: no problems; ${summary(config)}`);
      if (config) for (const line of watchedBy(config)) deps.out(line);
    });
  const doors = program.command("doors").description("the access ledger");
  doors
    .command("verify")
    .description("recomputes the ledger's hash chain")
    .action(() => {
      const config = load(program.opts<{ config: string }>().config, deps);
      code = config && verifyLedger(config, deps) ? 0 : 1;
    });
  const ended = (exit: number) => {
    code = exit;
  };
  addInfluxSetup(program, deps, ended);
  const config = () => load(program.opts<{ config: string }>().config, deps);
  addMigrateHistory(program, { ...deps, config }, ended);
  addIdentityCommands(program, { ...deps, config }, ended);
  addMosquittoConfig(program, { ...deps, config }, ended);
  addDrillCommand(program, { ...deps, config, clock: systemClock }, ended);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof Error && "exitCode" in error)) throw error;
    return Number(error.exitCode);
  }
  return code;
}

function load(file: string, { err }: CliDeps): HubConfig | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    err(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
  const result = checkSite(text, file);
  if ("config" in result) return result.config;
  for (const problem of result.problems) err(formatProblem(problem));
  const count = result.problems.length;
  err(`${count} ${count === 1 ? "problem" : "problems"}; nothing was started.`);
  return undefined;
}

function summary({ site, alarms, receivers, tokens }: HubConfig): string {
  const racks = site.rooms.flatMap(({ rows }) => rows.flatMap((row) => row.racks)).length;
  const counts: [number, string][] = [
    [site.rooms.length, "room"],
    [racks, "rack"],
    [alarms.length, "alarm rule"],
    [receivers.length, "receiver"],
    [tokens.length, "token"],
  ];
  return counts.map(([count, word]) => `${count} ${word}${count === 1 ? "" : "s"}`).join(", ");
}

function verifyLedger({ storage }: HubConfig, { out, err }: CliDeps): boolean {
  const file = path.join(storage.path, "hub.db");
  if (!existsSync(file)) {
    err(`${file}: is not there; the hub has not run with this storage path yet.`);
    return false;
  }
  const db = openHubDb(file);
  try {
    const verdict = createLedger({ db, clock: systemClock }).verify();
    if (verdict.ok) out(`${verdict.count} records, chain whole, head ${verdict.head}`);
    else err(`chain broken at record ${verdict.brokenAt}: ${verdict.why}`);
    return verdict.ok;
  } finally {
    db.close();
  }
}
