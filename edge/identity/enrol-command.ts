import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { Command } from "commander";
import type { EdgeConfig } from "../config/edge-config.ts";
import { EnrolError, enrol } from "./enrol.ts";
import { daysLeft, IdentityStore } from "./store.ts";

interface EnrolOptions {
  hub: string;
  tokenFile?: string;
}

/** `enrol`: the token comes from a file, from standard input or from the keyboard, never from the command line. */
export function addEnrolCommand(
  program: Command,
  readConfig: (file: string | undefined) => EdgeConfig,
): void {
  program
    .command("enrol")
    .description("gets this node's certificate from the hub, by a token of plenum-hub enrol")
    .option("--config <file>", "the node's edge.yaml")
    .requiredOption("--hub <url>", "the hub's address, such as https://hub.example.net:8443")
    .option("--token-file <file>", "reads the token from a file instead of asking for it")
    .action(async (options: EnrolOptions, command: Command) => {
      const config = readConfig(command.optsWithGlobals().config);
      process.exitCode = await runEnrol(config, options);
    });
}

async function runEnrol(config: EdgeConfig, { hub, tokenFile }: EnrolOptions): Promise<number> {
  const { node, identityFolder, hubUrl } = config;
  try {
    if (!URL.canParse(hub) || new URL(hub).protocol !== "https:")
      throw new EnrolError(`--hub ${hub}: write https://host:port`);
    const token = await readToken(tokenFile);
    const { mqttUrl: wanted, ...credentials } = await enrol({ node, hub, token });
    const store = new IdentityStore(identityFolder);
    store.save(credentials);
    const days = Math.round(daysLeft(credentials.cert, Date.now()));
    print(`${node} is enrolled for ${days} days; it renews by itself while it runs.`);
    print(`Key and certificate: ${store.file}`);
    if (hubUrl !== wanted)
      print(`Now write in edge.yaml:\n  hub: { url: "${wanted}" }\nand restart the service.`);
    else print("Restart the service so that it uses it.");
    return 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof EnrolError) && code === undefined) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

async function readToken(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    if (!existsSync(file)) throw new EnrolError(`${file} is not there`);
    return readFileSync(file, "utf8").trim();
  }
  if (process.stdin.isTTY) return (await askUnseen("Token: ")).trim();
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString("utf8").trim();
}

/** What is typed does not show, so that nobody reads it off the screen. */
async function askUnseen(question: string): Promise<string> {
  process.stdout.write(question);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: hidden, terminal: true });
  try {
    return await reader.question("");
  } finally {
    reader.close();
    process.stdout.write("\n");
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
