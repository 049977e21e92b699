import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";

/** 24 random bytes: 32 characters that need no escape in YAML, a shell or a query. */
export const newPassword = (): string => randomBytes(24).toString("base64url");

/** Passwords and tokens of one InfluxDB, a file each that only its owner may read. */
export class SecretFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = path.resolve(folder);
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
  }

  pathOf(name: string): string {
    return path.join(this.folder, name);
  }

  read(name: string): string | undefined {
    const file = this.pathOf(name);
    return existsSync(file) ? readFileSync(file, "utf8").trim() || undefined : undefined;
  }

  /** On disk when it returns. Made by root it belongs to the folder's owner, so that the hub may read it. */
  write(name: string, secret: string): void {
    const file = this.pathOf(name);
    const fresh = `${file}.new`;
    const handle = openSync(fresh, "w", 0o600);
    try {
      writeSync(handle, `${secret}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    chmodSync(fresh, 0o600);
    const { uid, gid } = statSync(this.folder);
    if (process.getuid?.() === 0) chownSync(fresh, uid, gid);
    renameSync(fresh, file);
  }
}
