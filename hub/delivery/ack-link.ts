import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { EpochMs } from "../../contract/clock.ts";
import { isId } from "../../contract/id.ts";
import type { HubDb } from "../state/hub-db.ts";

export const LINK_VALID_MS = 24 * 3_600_000;
const MAX_LENGTH = 400;

/** What a link in a message stands for: one receiver may acknowledge one occurrence. */
export interface AckClaim {
  alarm: string;
  occurrence: number;
  receiver: string;
  /** Number of the page, so that each message has its own link. */
  step: number;
  expiresAt: EpochMs;
}

export type ReadClaim = { claim: AckClaim; expired: boolean; used: EpochMs | null };

/** Makes and checks links that acknowledge; the key never leaves hub.db. */
export class AckLinks {
  readonly #key: Buffer;
  readonly #sql;

  constructor(db: HubDb) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS ack_key (id INTEGER PRIMARY KEY CHECK (id = 1),
        key BLOB NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS ack_link_used (seal TEXT PRIMARY KEY, at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL) STRICT;`);
    db.prepare("INSERT OR IGNORE INTO ack_key VALUES (1, ?)").run(randomBytes(32));
    this.#key = db.prepare<[], Buffer>("SELECT key FROM ack_key").pluck().get() as Buffer;
    this.#sql = {
      used: db.prepare<[string], EpochMs>("SELECT at FROM ack_link_used WHERE seal = ?").pluck(),
      use: db.prepare<[string, EpochMs, EpochMs]>("INSERT INTO ack_link_used VALUES (?, ?, ?)"),
      prune: db.prepare<[EpochMs]>("DELETE FROM ack_link_used WHERE expires_at < ?"),
    };
  }

  /** A token of letters, digits, `-`, `_` and one dot. */
  make({ alarm, occurrence, receiver, step, expiresAt }: AckClaim): string {
    const body = [alarm, occurrence, receiver, step, expiresAt].join("~");
    const text = Buffer.from(body).toString("base64url");
    return `${text}.${this.#seal("link", text)}`;
  }

  /** Undefined for anything this hub did not make. */
  read(token: string, now: EpochMs): ReadClaim | undefined {
    if (token.length > MAX_LENGTH) return undefined;
    const [text = "", seal = "", ...rest] = token.split(".");
    if (rest.length > 0 || !isSame(seal, this.#seal("link", text))) return undefined;
    const body = Buffer.from(text, "base64url").toString().split("~");
    const [alarm = "", occurrence, receiver = "", step, expiresAt] = body;
    const claim = {
      ...{ alarm, receiver, occurrence: Number(occurrence), step: Number(step) },
      expiresAt: Number(expiresAt),
    };
    if (!isId(alarm) || !Number.isSafeInteger(claim.expiresAt)) return undefined;
    const used = (this.#sql.used.get(seal) as EpochMs | undefined) ?? null;
    return { claim, expired: now > claim.expiresAt, used };
  }

  /** Notes that a token has been used up. Join it with what it was used for in one transaction. */
  use(token: string, { expiresAt }: AckClaim, now: EpochMs): void {
    this.#sql.prune.run(now - LINK_VALID_MS);
    this.#sql.use.run(token.slice(token.indexOf(".") + 1), now, expiresAt);
  }

  /** Four digits that name one occurrence, for an answer by SMS. */
  code(alarm: string, occurrence: number): string {
    const digest = createHmac("sha256", this.#key).update(`code~${alarm}~${occurrence}`).digest();
    return String(digest.readUInt32BE(0) % 10_000).padStart(4, "0");
  }

  #seal(purpose: string, text: string): string {
    const digest = createHmac("sha256", this.#key).update(`${purpose}~${text}`).digest();
    return digest.subarray(0, 18).toString("base64url");
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
