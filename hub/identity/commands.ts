import path from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../contract/clock.ts";
import { isId } from "../../contract/id.ts";
import type { HubConfig } from "../config/hub-config.ts";
import { isOwnNode } from "../own-nodes.ts";
import { openHubDb } from "../state/hub-db.ts";
import { keyHashOfServer, openAuthority } from "./authority.ts";
import { issueToken, TOKEN_MS } from "./enrolment.ts";
import { identityFolder } from "./identity.ts";
import { IdentityError } from "./key-files.ts";
import { type Listed, Register } from "./register.ts";
import { givenCertificate } from "./server-tls.ts";

const DAY_MS = 86_400_000;

export interface IdentityCommandDeps {
  out(line: string): void;
  err(line: string): void;
  /** The checked site.yaml, or undefined once its problems are printed. */
  config(): HubConfig | undefined;
}

/** `enrol`, `revoke` and `nodes`. They work on hub.db, whether the hub runs or not; a running hub sees it at once. */
export function addIdentityCommands(
  program: Command,
  deps: IdentityCommandDeps,
  ended: (code: number) => void,
): void {
  program
    .command("enrol <node>")
    .description(
      "prints a token by which one edge node gets its certificate, once, within 15 minutes",
    )
    .action(async (node: string) => ended(await run(deps, (site) => enrol(site, node, deps))));
  program
    .command("revoke <node>")
    .description("makes every certificate of a node worthless and ends its connection")
    .option("--why <text>", "stands in the ledger", "by command")
    .action(async (node: string, { why }: { why: string }) =>
      ended(await run(deps, (site) => revoke(site, { node, why }, deps))),
    );
  program
    .command("nodes")
    .description("lists the nodes that have a certificate, and when it ends")
    .action(async () => ended(await run(deps, (site) => list(site, deps))));
}

type Work = (site: HubConfig) => Promise<number> | number;

async function run({ config, err }: IdentityCommandDeps, work: Work): Promise<number> {
  const site = config();
  if (!site) return 1;
  try {
    return await work(site);
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    err(error.message);
    return 1;
  }
}

async function enrol(site: HubConfig, node: string, { out, err }: IdentityCommandDeps) {
  const { http, mqtt, storage } = site;
  if (!isId(node) || isOwnNode(node)) {
    err(
      `${JSON.stringify(node)} cannot be a node's name; allowed: 1–64 characters of a–z 0–9 _ . - ` +
        "beginning with a letter or digit, and not the hub's own",
    );
    return 1;
  }
  const missing = [
    ...(http.tls ? [] : ["http.tls"]),
    ...(mqtt.tls || mqtt.external?.tls ? [] : ["mqtt.tls"]),
  ];
  if (!http.tls || missing.length > 0) {
    err(
      `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not set in site.yaml: a node enrols ` +
        "by HTTPS and then speaks MQTT by TLS. docs/security.md shows how",
    );
    return 1;
  }
  const now = systemClock.nowMs();
  const authority = await openAuthority(identityFolder(storage.path), now);
  const keyHash =
    "names" in http.tls
      ? authority.keyHash
      : keyHashOfServer(givenCertificate(http.tls.certificateFile, http.tls.keyFile).cert);
  const { token } = withRegister(site, (register) => issueToken(register, { node, keyHash, now }));
  const name = "names" in http.tls ? http.tls.names[0] : "<this hub>";
  out(`Token for ${node}, good once within ${TOKEN_MS / 60_000} minutes:`);
  out("");
  out(`  ${token}`);
  out("");
  out("On the node, and paste the token when asked:");
  out(`  plenum-edge enrol --config edge.yaml --hub https://${name}:${http.port}`);
  return 0;
}

function revoke(
  site: HubConfig,
  { node, why }: { node: string; why: string },
  { out, err }: IdentityCommandDeps,
): number {
  const now = systemClock.nowMs();
  const count = withRegister(site, (register) =>
    register.transact(() => {
      const revoked = register.revoke(node, why.slice(0, 200), now);
      if (revoked > 0)
        register.note({
          type: "identity.revoked",
          at: now,
          detail: { node, why: why.slice(0, 200) },
        });
      return revoked;
    }),
  );
  if (count === 0) {
    err(`${node} has no certificate that could be revoked. plenum-hub nodes lists those that do.`);
    return 1;
  }
  out(
    `${node} is revoked: a running hub ends its connection within a second and lets it in no more.`,
  );
  out("What it had not sent yet stays on it. To let the same name in again: plenum-hub enrol.");
  return 0;
}

function list(site: HubConfig, { out }: IdentityCommandDeps): number {
  const now = systemClock.nowMs();
  const newest = new Map<string, Listed>();
  for (const one of withRegister(site, (register) => register.list())) {
    const known = newest.get(one.node);
    if (!known || (known.revokedAt !== null && one.revokedAt === null)) newest.set(one.node, one);
  }
  if (newest.size === 0) out("No node has a certificate. The first step: plenum-hub enrol <node>");
  for (const one of newest.values()) out(`${one.node.padEnd(24)} ${stateOf(one, now)}`);
  return 0;
}

function stateOf({ expiresAt, revokedAt, why, firstUsedAt }: Listed, now: number): string {
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  if (revokedAt !== null) return `revoked ${day(revokedAt)}: ${why ?? "no reason given"}`;
  if (expiresAt <= now) return `EXPIRED ${day(expiresAt)}; enrol it again`;
  const days = Math.floor((expiresAt - now) / DAY_MS);
  const used = firstUsedAt === null ? ", has not connected with it yet" : "";
  return `good until ${day(expiresAt)} (${days} days)${used}`;
}

function withRegister<T>({ storage }: HubConfig, work: (register: Register) => T): T {
  const db = openHubDb(path.join(storage.path, "hub.db"));
  try {
    return work(new Register(db));
  } finally {
    db.close();
  }
}
