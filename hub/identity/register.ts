import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";
import { transact } from "../state/transaction.ts";
import type { NodeCertificate } from "./authority.ts";

/** How long a certificate that can no longer be used stays listed. */
const KEPT_MS = 400 * 86_400_000;
const SCHEMA = `
CREATE TABLE IF NOT EXISTS node_certificate (
  serial TEXT PRIMARY KEY, node TEXT NOT NULL, how TEXT NOT NULL,
  issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, first_used_at INTEGER,
  revoked_at INTEGER, why TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS node_certificate_node ON node_certificate (node);
CREATE TABLE IF NOT EXISTS enrol_token (
  hash BLOB PRIMARY KEY, node TEXT NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS identity_note (
  id INTEGER PRIMARY KEY, type TEXT NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL
) STRICT;
`;

interface CertificateRow {
  serial: string;
  node: string;
  how: Issuing;
  issued_at: number;
  expires_at: number;
  first_used_at: number | null;
  revoked_at: number | null;
  why: string | null;
}

export type Issuing = "enrolled" | "renewed";

/** One certificate of a node. `revokedAt` is also set when a newer one has taken its place. */
export interface Listed {
  serial: string;
  node: string;
  how: Issuing;
  issuedAt: EpochMs;
  expiresAt: EpochMs;
  firstUsedAt: EpochMs | null;
  revokedAt: EpochMs | null;
  why: string | null;
}

export type TokenState = { node: string; expiresAt: EpochMs; usedAt: EpochMs | null };

/** Something for the ledger. Commands write it too; the running hub carries it over. */
export interface IdentityNote {
  type: string;
  at: EpochMs;
  detail: Record<string, unknown>;
}

/** Certificates, enrolment tokens and what happened to them, in hub.db: shared by the hub and its commands. */
export class Register {
  readonly #db: HubDb;

  constructor(db: HubDb) {
    this.#db = db;
    db.exec(SCHEMA);
  }

  transact<T>(work: () => T): T {
    return transact(this.#db, work);
  }

  /** Changes whenever another process has written to hub.db. */
  foreignChanges(): number {
    return Number(this.#db.pragma("data_version", { simple: true }));
  }

  add({ serial, node, issuedAt, expiresAt }: NodeCertificate, how: Issuing): void {
    this.#db
      .prepare("DELETE FROM node_certificate WHERE max(expires_at, coalesce(revoked_at, 0)) < ?")
      .run(issuedAt - KEPT_MS);
    this.#db
      .prepare(
        `INSERT INTO node_certificate (serial, node, how, issued_at, expires_at)
         VALUES (?, ?, ?, ?, ?)`,
      )
      .run(serial, node, how, issuedAt, expiresAt);
  }

  find(serial: string): Listed | undefined {
    const row = this.#db
      .prepare<[string], CertificateRow>("SELECT * FROM node_certificate WHERE serial = ?")
      .get(serial);
    return row && toListed(row);
  }

  /** By node, the newest certificate first. */
  list(): Listed[] {
    return this.#db
      .prepare<[], CertificateRow>("SELECT * FROM node_certificate ORDER BY node, issued_at DESC")
      .all()
      .map(toListed);
  }

  /** A certificate in use takes the place of those issued before it. */
  used(listed: Listed, now: EpochMs): void {
    if (listed.firstUsedAt !== null) return;
    this.#db
      .prepare("UPDATE node_certificate SET first_used_at = ? WHERE serial = ?")
      .run(now, listed.serial);
    this.#db
      .prepare(
        `UPDATE node_certificate SET revoked_at = ?, why = 'replaced by a newer one'
         WHERE node = ? AND serial <> ? AND issued_at <= ? AND revoked_at IS NULL`,
      )
      .run(now, listed.node, listed.serial, listed.issuedAt);
  }

  /** Revokes every certificate of the node and every token for it; returns how many certificates. */
  revoke(node: string, why: string, now: EpochMs): number {
    this.#db.prepare("DELETE FROM enrol_token WHERE node = ?").run(node);
    return this.#db
      .prepare(
        "UPDATE node_certificate SET revoked_at = ?, why = ? WHERE node = ? AND revoked_at IS NULL",
      )
      .run(now, why, node).changes;
  }

  /** Keeps the hash of a token; an unused one of the same node does not count any more. */
  addToken(hash: Buffer, node: string, expiresAt: EpochMs): void {
    this.#db.prepare("DELETE FROM enrol_token WHERE node = ? AND used_at IS NULL").run(node);
    this.#db.prepare("DELETE FROM enrol_token WHERE expires_at < ?").run(expiresAt - KEPT_MS);
    this.#db
      .prepare("INSERT INTO enrol_token (hash, node, expires_at) VALUES (?, ?, ?)")
      .run(hash, node, expiresAt);
  }

  token(hash: Buffer): TokenState | undefined {
    const row = this.#db
      .prepare<[Buffer], { node: string; expires_at: number; used_at: number | null }>(
        "SELECT node, expires_at, used_at FROM enrol_token WHERE hash = ?",
      )
      .get(hash);
    return row && { node: row.node, expiresAt: row.expires_at, usedAt: row.used_at };
  }

  useToken(hash: Buffer, now: EpochMs): void {
    this.#db.prepare("UPDATE enrol_token SET used_at = ? WHERE hash = ?").run(now, hash);
  }

  note({ type, at, detail }: IdentityNote): void {
    this.#db
      .prepare("INSERT INTO identity_note (type, at, detail) VALUES (?, ?, ?)")
      .run(type, at, JSON.stringify(detail));
  }

  /** Hands every waiting note to `take`, oldest first, and removes it in the same transaction. */
  carryNotes(take: (note: IdentityNote) => void): void {
    const waiting = this.#db.prepare("SELECT 1 FROM identity_note LIMIT 1").get();
    if (waiting === undefined) return;
    this.transact(() => {
      const rows = this.#db
        .prepare<[], { id: number; type: string; at: number; detail: string }>(
          "SELECT * FROM identity_note ORDER BY id LIMIT 1000",
        )
        .all();
      for (const { id, type, at, detail } of rows) {
        take({ type, at, detail: JSON.parse(detail) as Record<string, unknown> });
        this.#db.prepare("DELETE FROM identity_note WHERE id = ?").run(id);
      }
    });
  }
}

function toListed(row: CertificateRow): Listed {
  return {
    serial: row.serial,
    node: row.node,
    how: row.how,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    firstUsedAt: row.first_used_at,
    revokedAt: row.revoked_at,
    why: row.why,
  };
}
