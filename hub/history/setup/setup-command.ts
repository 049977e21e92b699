import type { Command } from "commander";
import { secretsFrom } from "../../config/secret.ts";
import { setUpInflux } from "./influx-setup.ts";
import { SetupError } from "./setup-http.ts";
import type { SetupOptions } from "./setup-job.ts";

interface Told {
  out(line: string): void;
  err(line: string): void;
}

interface Flags {
  url: string;
  database: string;
  secrets: string;
  adminUser?: string;
  adminPassword?: string;
  adminToken?: string;
  org?: string;
}

/** `plenum-hub influx-setup`: prepares an InfluxDB before site.yaml names it. `done` gets the exit code. */
export function addInfluxSetup(program: Command, told: Told, done: (code: number) => void): void {
  program
    .command("influx-setup")
    .description(
      "makes databases, retention and least-privilege logins in an InfluxDB 1.x, 2.x or 3",
    )
    .option("--url <address>", "where InfluxDB answers", "http://127.0.0.1:8086")
    .option("--database <name>", "the raw database", "dc_raw")
    .option("--secrets <folder>", "where the password files go", "secrets")
    .option("--admin-user <name>", "1.x: an administrator that exists already")
    .option("--admin-password <ref>", "its password, as file:PATH or env:NAME")
    .option("--admin-token <ref>", "2.x and 3: a token that may set up, as file:PATH or env:NAME")
    .option("--org <name>", "2.x: the organization")
    .action(async (flags: Flags) => done(await runInfluxSetup(flags, told)));
}

async function runInfluxSetup(flags: Flags, { out, err }: Told): Promise<number> {
  try {
    const result = await setUpInflux(optionsOf(flags), (what) => out(`- ${what}`));
    const bad = result.checks.filter(({ ok }) => !ok);
    for (const { what, ok, found } of result.checks)
      (ok ? out : err)(ok ? `ok  ${what}` : `NO  ${what}: ${found}`);
    if (result.logins.caveat !== null) err(result.logins.caveat);
    if (bad.length > 0) {
      err(`${bad.length} of ${result.checks.length} checks failed; do not use these logins yet.`);
      return 1;
    }
    out(`Write this into site.yaml, beside \`path:\`, and restart the hub:\n${result.siteYaml}`);
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    err(error.message);
    return 1;
  }
}

function optionsOf(flags: Flags): SetupOptions {
  const { url, database, secrets, adminUser, org } = flags;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new SetupError(`--url ${url}: not an http or https address`);
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(database))
    throw new SetupError(`--database ${database}: allowed are letters, digits and _`);
  const password = secretOf("--admin-password", flags.adminPassword);
  const adminToken = secretOf("--admin-token", flags.adminToken);
  if ((adminUser === undefined) !== (password === undefined))
    throw new SetupError("--admin-user and --admin-password go together.");
  return {
    ...{ url, database, secrets },
    ...(adminUser !== undefined && password !== undefined
      ? { admin: { username: adminUser, password } }
      : {}),
    ...(adminToken === undefined ? {} : { adminToken }),
    ...(org === undefined ? {} : { org }),
  };
}

/** A secret in a command line can be read by everybody on the machine: only a reference is taken. */
function secretOf(flag: string, reference: string | undefined): string | undefined {
  if (reference === undefined) return undefined;
  if (!/^(file|env):./.test(reference))
    throw new SetupError(`${flag}: give file:PATH or env:NAME, not the secret itself`);
  const secret = secretsFrom(process.cwd())(reference);
  if ("why" in secret) throw new SetupError(`${flag}: ${secret.why}`);
  return secret.value;
}
