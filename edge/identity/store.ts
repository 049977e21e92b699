import { X509Certificate } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";

/** What the node proves its name with, and by what it recognises the hub; all PEM. */
export interface Credentials {
  key: string;
  cert: string;
  /** Certificates of which one must have signed the hub's. */
  ca: string;
}

/** The node's identity cannot be used. The message says which file and what to do. */
export class IdentityError extends Error {
  override name = "IdentityError";
}

const FILE = "node.pem";
const BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n?/g;

/**
 * The node's key, certificate and trust: one file, so that a power cut leaves the old or the new one and
 * never halves of both. Only its owner can read it.
 */
export class IdentityStore {
  readonly file: string;

  constructor(folder: string) {
    this.file = path.join(folder, FILE);
  }

  /** Throws IdentityError. */
  load(): Credentials {
    const text = this.#read();
    const blocks = [...text.matchAll(BLOCK)].map(([pem, label]) => ({ pem, label }));
    const key = blocks.find(({ label }) => label === "PRIVATE KEY")?.pem;
    const [cert, ...ca] = blocks.filter(({ label }) => label === "CERTIFICATE");
    if (key && cert && ca.length > 0)
      return { key, cert: cert.pem, ca: ca.map(({ pem }) => pem).join("") };
    throw new IdentityError(`${this.file} is not whole; enrol the node again: plenum-edge enrol`);
  }

  /** Throws the file system's error when it cannot be kept; what was there before then still is. */
  save({ key, cert, ca }: Credentials): void {
    mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
    const draft = `${this.file}.new`;
    const handle = openSync(draft, "w", 0o600);
    try {
      writeSync(handle, [key, cert, ca].map((pem) => `${pem.trim()}\n`).join(""));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, this.file);
  }

  #read(): string {
    try {
      const mode = statSync(this.file).mode & 0o777;
      if (mode & 0o077)
        throw new IdentityError(
          `${this.file} holds the node's private key and can be read by others (mode ` +
            `${mode.toString(8)}): chmod 600 ${this.file}`,
        );
      return readFileSync(this.file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (error instanceof IdentityError || code === undefined) throw error;
      if (code === "ENOENT")
        throw new IdentityError(
          `${this.file} is not there: this node has not been enrolled. On the hub: plenum-hub enrol ` +
            "<node>; then here: plenum-edge enrol",
        );
      throw new IdentityError(`${this.file} cannot be read (${code})`);
    }
  }
}

const DAY_MS = 86_400_000;

/** Days until a certificate ends; negative when it has. */
export function daysLeft(cert: string, nowMs: number): number {
  return (Date.parse(new X509Certificate(cert).validTo) - nowMs) / DAY_MS;
}

/** The name in a certificate. */
export function nameIn(cert: string): string | undefined {
  return /^CN=([^\n]+)$/.exec(new X509Certificate(cert).subject)?.[1];
}
