import { createHash, timingSafeEqual } from "node:crypto";
import type { Role } from "./rights.ts";

export interface AccessToken {
  name: string;
  role: Role;
  token: string;
}

interface Entry {
  name: string;
  role: Role;
  hash: Buffer;
}

export const sha256 = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();

/** The tokens of site.yaml, kept as hashes only. */
export class TokenBook {
  readonly #entries: Entry[];

  constructor(tokens: readonly AccessToken[]) {
    this.#entries = tokens.map(({ name, role, token }) => ({ name, role, hash: sha256(token) }));
  }

  /** Compares with every entry in constant time, so that an answer's delay says nothing. */
  find(token: string): Entry | undefined {
    return this.#search(sha256(token));
  }

  /** The entry a session was opened with, as long as its name, role and secret are still the same. */
  stillValid(entry: Entry): boolean {
    const now = this.#search(entry.hash);
    return now !== undefined && now.name === entry.name && now.role === entry.role;
  }

  #search(hash: Buffer): Entry | undefined {
    let found: Entry | undefined;
    for (const entry of this.#entries) if (timingSafeEqual(entry.hash, hash)) found = entry;
    return found;
  }
}
export type { Entry as TokenEntry };
