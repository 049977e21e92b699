import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { systemClock } from "../../contract/clock.ts";
import type { CliDeps } from "../cli.ts";
import type { HubConfig } from "../config/hub-config.ts";
import { identityFolder } from "../identity/identity.ts";
import { writePrivately } from "../identity/key-files.ts";
import { type Listed, Register } from "../identity/register.ts";
import { openHubDb } from "../state/hub-db.ts";
import { issueForBroker } from "./broker-certificates.ts";
import { FILES, type MosquittoSite, mosquittoFiles } from "./mosquitto-config.ts";

/** The hub's own certificate and key as a client of the broker, in the folder of its authority. */
export const HUB_FILES = {
  cert: "broker-client.crt",
  key: "broker-client.key",
  ca: "broker-ca.crt",
};

interface Options {
  out: string;
  name: string[];
  port: number;
}

/** Adds `mosquitto-config`. `config` reads the site and tells what is wrong with it. */
export function addMosquittoConfig(
  program: Command,
  deps: Pick<CliDeps, "out"> & { config(): HubConfig | undefined },
  ended: (code: number) => void,
): void {
  program
    .command("mosquitto-config")
    .description(
      "writes configuration, access rules and certificates for a Mosquitto 2 that serves this site; " +
        "run it again after a node was revoked, and monthly to renew the certificates",
    )
    .requiredOption(
      "--out <folder>",
      "where Mosquitto finds the files, such as /etc/mosquitto/plenum",
    )
    .requiredOption("--name <name...>", "DNS names and addresses by which the broker is reached")
    .addOption(portOption("--port <port>", "where nodes and the hub connect", 8_883))
    .action(async (options: Options) => {
      const config = deps.config();
      ended(config ? 0 : 1);
      if (config) await writeAll(config.storage.path, options, deps.out);
    });
}

function portOption(flags: string, description: string, fallback: number): Option {
  return new Option(flags, description).default(fallback).argParser((text) => {
    const port = Number(text);
    if (!/^\d+$/.test(text) || port < 1 || port > 65_535)
      throw new InvalidArgumentError("Allowed: 1–65535.");
    return port;
  });
}

/** Writes every file; the private ones can be read by their owner only. */
export async function writeAll(
  storagePath: string,
  { out, name, port }: Options,
  say: (line: string) => void,
): Promise<void> {
  const folder = path.resolve(out);
  const authority = identityFolder(storagePath);
  const now = systemClock.nowMs();
  const listed = listCertificates(storagePath);
  const revoked = listed.flatMap(({ serial, revokedAt }) =>
    revokedAt === null ? [] : [{ serial, at: revokedAt }],
  );
  const issued = await issueForBroker({ folder: authority, names: name, revoked, now });
  const site: MosquittoSite = { folder, port, revoked: shutOut(listed, now) };
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const open = { ...mosquittoFiles(site), [FILES.ca]: issued.ca, [FILES.cert]: issued.broker.cert };
  for (const [file, text] of Object.entries({ ...open, [FILES.crl]: issued.revoked })) {
    writeFileSync(path.join(folder, file), text);
    // Rules and public certificates; Mosquitto reads them as a user of its own.
    chmodSync(path.join(folder, file), 0o644);
  }
  writePrivately(path.join(folder, FILES.key), issued.broker.key);
  writePrivately(path.join(authority, HUB_FILES.cert), issued.hub.cert);
  writePrivately(path.join(authority, HUB_FILES.key), issued.hub.key);
  writePrivately(path.join(authority, HUB_FILES.ca), issued.ca);
  const url = `mqtts://${name[0]}:${port}`;
  for (const line of nextSteps({ folder, authority, url })) say(line);
}

/** Nodes that have had a certificate, but none that is good. */
function shutOut(listed: readonly Listed[], now: number): string[] {
  const good = new Set(
    listed.filter((one) => one.revokedAt === null && one.expiresAt > now).map(({ node }) => node),
  );
  return [...new Set(listed.map(({ node }) => node))].filter((node) => !good.has(node));
}

function listCertificates(storagePath: string): Listed[] {
  const db = openHubDb(path.join(storagePath, "hub.db"));
  try {
    return new Register(db).list();
  } finally {
    db.close();
  }
}

function nextSteps({ folder, authority, url }: Record<"folder" | "authority" | "url", string>) {
  return [
    `Written to ${folder}. On the broker's machine, the first time:`,
    `  chown mosquitto ${folder}/${FILES.key}`,
    `  ln -sf ${folder}/${FILES.conf} /etc/mosquitto/conf.d/`,
    "  systemctl restart mosquitto",
    "and afterwards, whenever this command has been run again:",
    `  chown mosquitto ${folder}/${FILES.key}; systemctl reload mosquitto`,
    "In site.yaml:",
    "  mqtt:",
    "    external:",
    `      url: ${url}`,
    `      ca: file:${authority}/${HUB_FILES.ca}`,
    `      cert: file:${authority}/${HUB_FILES.cert}`,
    `      key: file:${authority}/${HUB_FILES.key}`,
    `In each edge.yaml the hub's url is ${url}, too.`,
  ];
}
