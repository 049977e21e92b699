import { randomBytes } from "node:crypto";
import type { Database } from "better-sqlite3";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { Identity, Role } from "./rights.ts";
import { sha256, type TokenBook, type TokenEntry } from "./tokens.ts";

const HOUR_MS = 3_600_000;
/** A person signs in again every working day. */
const PERSON_MS = 8 * HOUR_MS;
/** Browsers keep no cookie longer than 400 days; a wall's is renewed daily, so it never meets that limit. */
const WALL_MS = 390 * 24 * HOUR_MS;
const RENEW_AFTER_MS = 24 * HOUR_MS;
/** The oldest are signed out beyond this. */
const MAX_SESSIONS = 1_000;

export interface OpenSession {
  identity: Identity;
  /** The cookie should be sent again with this age. */
  renewMaxAgeS: number | null;
}

interface SessionRow {
  name: string;
  role: Role;
  token_hash: Buffer;
  created_at: EpochMs;
}

/**
 * Sessions survive a restart, so that a wall needs nobody after an upgrade. Only hashes are stored.
 * A session ends with its time, at sign-out, and when its token is removed or changed in site.yaml.
 */
export class Sessions {
  readonly #db: Database;
  readonly #tokens: TokenBook;
  readonly #clock: Clock;

  constructor(deps: { db: Database; tokens: TokenBook; clock: Clock }) {
    this.#db = deps.db;
    this.#tokens = deps.tokens;
    this.#clock = deps.clock;
    this.#db.exec(`CREATE TABLE IF NOT EXISTS http_session (
      hash BLOB PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL,
      token_hash BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  }

  open(entry: TokenEntry): { secret: string; maxAgeS: number } {
    const secret = randomBytes(32).toString("base64url");
    const now = this.#clock.nowMs();
    this.#db
      .prepare("INSERT INTO http_session VALUES (?, ?, ?, ?, ?)")
      .run(sha256(secret), entry.name, entry.role, entry.hash, now);
    this.#db
      .prepare(
        `DELETE FROM http_session WHERE created_at <= ? OR hash IN
         (SELECT hash FROM http_session ORDER BY created_at DESC LIMIT -1 OFFSET ?)`,
      )
      .run(now - WALL_MS, MAX_SESSIONS);
    return { secret, maxAgeS: lifeMs(entry.role) / 1_000 };
  }

  find(secret: string): OpenSession | undefined {
    const hash = sha256(secret);
    const row = this.#valid(hash);
    if (!row) return undefined;
    const { name, role } = row;
    const now = this.#clock.nowMs();
    const renew = role === "wall" && now - row.created_at >= RENEW_AFTER_MS;
    if (renew)
      this.#db.prepare("UPDATE http_session SET created_at = ? WHERE hash = ?").run(now, hash);
    return {
      identity: { name, role, via: "session" },
      renewMaxAgeS: renew ? lifeMs(role) / 1_000 : null,
    };
  }

  /** Like `find`, for a caller that cannot send a cookie any more. */
  isOpen(secret: string): boolean {
    return this.#valid(sha256(secret)) !== undefined;
  }

  close(secret: string): void {
    this.#delete(sha256(secret));
  }

  #valid(hash: Buffer): SessionRow | undefined {
    const row = this.#db
      .prepare<[Buffer], SessionRow>(
        "SELECT name, role, token_hash, created_at FROM http_session WHERE hash = ?",
      )
      .get(hash);
    if (!row) return undefined;
    const { name, role } = row;
    const over = this.#clock.nowMs() - row.created_at >= lifeMs(role);
    if (!over && this.#tokens.stillValid({ name, role, hash: row.token_hash })) return row;
    this.#delete(hash);
    return undefined;
  }

  #delete(hash: Buffer): void {
    this.#db.prepare("DELETE FROM http_session WHERE hash = ?").run(hash);
  }
}

function lifeMs(role: Role): number {
  return role === "wall" ? WALL_MS : PERSON_MS;
}
