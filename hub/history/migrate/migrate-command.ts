import { connect } from "node:net";
import { type Command, Option } from "commander";
import { systemClock } from "../../../contract/clock.ts";
import type { HubConfig, InfluxTarget } from "../../config/hub-config.ts";
import { secretsFrom } from "../../config/secret.ts";
import { StoreError } from "../store.ts";
import { type MigrateResult, migrateHistory } from "./migrate-history.ts";

interface Flags {
  to: "influx";
  url?: string;
  database: string;
  username?: string;
  password?: string;
  reader?: string;
  readerPassword?: string;
}

export interface MigrateCommandDeps {
  out(line: string): void;
  err(line: string): void;
  /** site.yaml, checked; undefined when it has problems, which have been told. */
  config(): HubConfig | undefined;
}

const SEEN_MS = 2_000;

/** `plenum-hub migrate-history --to influx`. `done` gets the exit code. */
export function addMigrateHistory(
  program: Command,
  deps: MigrateCommandDeps,
  done: (code: number) => void,
): void {
  program
    .command("migrate-history")
    .description("copies the embedded history into InfluxDB; goes on where it was stopped")
    .addOption(new Option("--to <store>", "where to").choices(["influx"]).makeOptionMandatory())
    .option("--url <address>", "InfluxDB's address; without it, storage.influx of site.yaml")
    .option("--database <name>", "the raw database", "dc_raw")
    .option("--username <name>", "who writes")
    .option("--password <ref>", "the password, as file:PATH or env:NAME")
    .option("--reader <name>", "who reads, for the comparison at the end")
    .option("--reader-password <ref>", "the password, as file:PATH or env:NAME")
    .action(async (flags: Flags) => done(await run(flags, deps)));
}

async function run(flags: Flags, { out, err, config }: MigrateCommandDeps): Promise<number> {
  const hub = config();
  if (!hub) return 1;
  const given = flags.url === undefined ? hub.storage.influx : targetOf(flags);
  const influx = given ?? "give --url, or storage.influx in site.yaml: where is the InfluxDB?";
  if (typeof influx === "string") {
    err(influx);
    return 1;
  }
  if (await answers(hub)) {
    err(
      `A hub answers on port ${hub.http.port}. Stop it first: what it stores meanwhile would be left behind.`,
    );
    return 1;
  }
  const stop = new AbortController();
  const aborted = () => stop.abort();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, aborted);
  try {
    const storage = hub.storage.path;
    const deps = { storage, influx, clock: systemClock, tell: out, signal: stop.signal };
    return report(await migrateHistory(deps), { out, err, influx, named: flags.url === undefined });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    err(`${error.message}. Run it again: what is stored stays stored.`);
    return 1;
  } finally {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.off(name, aborted);
  }
}

function report(
  result: MigrateResult,
  told: Pick<MigrateCommandDeps, "out" | "err"> & { influx: InfluxTarget; named: boolean },
): number {
  if (!result.done) {
    told.err(result.why);
    for (const line of result.differences) told.err(line);
    return 1;
  }
  told.out("Every point has the same number of rows and the same sum in both places.");
  const { url, database } = told.influx;
  told.out(
    told.named
      ? "Start the hub. history.db is no longer used; keep it until the first backup of InfluxDB."
      : `Now write into site.yaml, under storage:, and start the hub (the logins as influx-setup printed them):\n  influx: { url: ${JSON.stringify(url)}, database: ${database} }\nhistory.db is no longer used then; keep it until the first backup of InfluxDB.`,
  );
  return 0;
}

/** The target of the options, or what is wrong with them. */
function targetOf(flags: Flags): InfluxTarget | string {
  const { url = "", database, username, reader } = flags;
  if (!URL.canParse(url)) return `--url ${url}: not an address`;
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(database))
    return `--database ${database}: allowed are letters, digits and _`;
  const secret = (reference: string | undefined) =>
    reference === undefined
      ? { value: undefined }
      : /^(file|env):./.test(reference)
        ? secretsFrom(process.cwd())(reference)
        : { why: "a password is given as file:PATH or env:NAME, not itself" };
  const [password, readerPassword] = [secret(flags.password), secret(flags.readerPassword)];
  if ("why" in password) return `--password: ${password.why}`;
  if ("why" in readerPassword) return `--reader-password: ${readerPassword.why}`;
  return {
    ...{ url, database },
    ...(username === undefined ? {} : { username }),
    ...(password.value === undefined ? {} : { password: password.value }),
    ...(reader === undefined || readerPassword.value === undefined
      ? {}
      : { reader: { username: reader, password: readerPassword.value } }),
  };
}

/** Whether anything answers where this site's hub would. */
function answers({ http: { host, port } }: HubConfig): Promise<boolean> {
  if (port === 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: SEEN_MS });
    const end = (seen: boolean) => {
      socket.destroy();
      resolve(seen);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}
