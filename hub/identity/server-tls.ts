import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import path from "node:path";
import { createSecureContext } from "node:tls";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Authority } from "./authority.ts";
import { IdentityError, readPrivately, writePrivately } from "./key-files.ts";
import type { TlsConfig } from "./tls-config.ts";

const RENEW_LEFT_MS = 60 * 86_400_000;

export interface KeyAndChain {
  key: string;
  cert: string;
}

/** The key and certificate of one listener, always valid: renewed by us, or read again when somebody changes them. */
export interface ServerTls {
  current(): KeyAndChain;
  /** Looks after it; to be called every hour or so. */
  refresh(): Promise<void>;
  onChange(listener: (next: KeyAndChain) => void): void;
}

export interface ServerTlsDeps {
  authority: Authority;
  folder: string;
  /** Which listener, for its file and the log. */
  name: "http" | "mqtt";
  clock: Clock;
  log: Logger;
}

/** Throws IdentityError when a given certificate cannot be used. */
export async function openServerTls(config: TlsConfig, deps: ServerTlsDeps): Promise<ServerTls> {
  const read =
    "names" in config
      ? () => ownCertificate(config.names, deps)
      : async () => givenCertificate(config.certificateFile, config.keyFile);
  const { log, name } = deps;
  let now = await read();
  const listeners: ((next: KeyAndChain) => void)[] = [];
  return {
    current: () => now,
    onChange: (listener) => listeners.push(listener),
    async refresh() {
      let next: KeyAndChain;
      try {
        next = await read();
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error;
        log.error({ listener: name, error: error.message }, "certificate kept as it was");
        return;
      }
      if (next.cert === now.cert && next.key === now.key) return;
      now = next;
      const { validTo } = new X509Certificate(next.cert);
      log.info({ listener: name, validTo }, "server certificate changed");
      for (const listener of listeners) listener(next);
    },
  };
}

/** The kept certificate while it has these names and time left; otherwise a new one. */
async function ownCertificate(names: string[], deps: ServerTlsDeps): Promise<KeyAndChain> {
  const { authority, folder, name, clock } = deps;
  const file = path.join(folder, `server-${name}.pem`);
  const now = clock.nowMs();
  const kept = split(readPrivately(file) ?? "");
  if (kept && isGood(kept, names, { authority, now })) return kept;
  const made = await authority.signServer(names, now);
  writePrivately(file, `${made.key}${made.cert}\n`);
  return split(`${made.key}${made.cert}\n`) ?? made;
}

function split(text: string): KeyAndChain | undefined {
  const at = text.indexOf("-----BEGIN CERTIFICATE-----");
  return at > 0 ? { key: text.slice(0, at), cert: text.slice(at) } : undefined;
}

function isGood(
  { cert }: KeyAndChain,
  names: string[],
  { authority, now }: { authority: Authority; now: number },
): boolean {
  const leaf = new X509Certificate(cert);
  const has = (name: string) =>
    (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined;
  return (
    names.every(has) &&
    leaf.subjectAltName?.split(", ").length === names.length &&
    leaf.verify(new X509Certificate(authority.certificate).publicKey) &&
    Date.parse(leaf.validTo) - now > RENEW_LEFT_MS
  );
}

/** A certificate and key that somebody else looks after. Throws IdentityError. */
export function givenCertificate(certificateFile: string, keyFile: string): KeyAndChain {
  const read = (file: string) => {
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new IdentityError(
        `${file} ${code === "ENOENT" ? "is not there" : `cannot be read (${code})`}`,
      );
    }
  };
  const given = { cert: read(certificateFile), key: read(keyFile) };
  try {
    createSecureContext(given);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new IdentityError(`${certificateFile} and ${keyFile} do not make a pair in PEM (${why})`);
  }
  return given;
}

/** What a node has to trust to recognise a server with this chain: everything in it but the server itself. */
export function trustOf({ cert }: KeyAndChain): string[] {
  const chain = cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return chain.length > 1 ? chain.slice(1) : chain;
}
