import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";

/** A key or certificate cannot be used. The message says which file and what to do. */
export class IdentityError extends Error {
  override name = "IdentityError";
}

const SHARED = 0o077;

/** Writes a file that only its owner can read, so that a power cut leaves the old or the new one. */
export function writePrivately(file: string, text: string): void {
  const draft = `${file}.new`;
  const handle = openSync(draft, "w", 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}

/** Text of a file that nobody else may read; undefined when it is not there. Throws IdentityError. */
export function readPrivately(file: string): string | undefined {
  try {
    const mode = statSync(file).mode & 0o777;
    if (mode & SHARED)
      throw new IdentityError(
        `${file} holds a private key and can be read by others (mode ${mode.toString(8)}). ` +
          `Find out who has read it, then: chmod 600 ${file}`,
      );
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (error instanceof IdentityError || code === undefined) throw error;
    throw new IdentityError(`${file} cannot be read (${code})`);
  }
}
