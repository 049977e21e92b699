import { createHash, randomBytes } from "node:crypto";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import { type Authority, type NodeCertificate, RequestError } from "./authority.ts";
import type { Register } from "./register.ts";

export const TOKEN_MS = 15 * 60_000;
const SECRET_BYTES = 16;
/** A node asks for a new certificate once in two months; more often is a fault or an abuse. */
const RENEWAL_PAUSE_MS = 60 * 60_000;

export interface EnrolRequest {
  token: string;
  node: string;
  /** PEM of a PKCS #10 certificate request; only its public key counts. */
  request: string;
}

/** Why nothing was issued, in words for whoever enrols the node. */
export class EnrolRefused extends Error {
  override name = "EnrolRefused";
}

/**
 * A token for one node: 128 random bits and the hash of the key by which the node recognises the hub.
 * Only a hash is kept. A new one takes the place of an unused one.
 */
export function issueToken(
  register: Register,
  { node, keyHash, now }: { node: string; keyHash: string; now: EpochMs },
): { token: string; expiresAt: EpochMs } {
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const expiresAt = now + TOKEN_MS;
  register.transact(() => {
    register.addToken(hashOf(secret), node, expiresAt);
    register.note({ type: "identity.token-issued", at: now, detail: { node, expiresAt } });
  });
  return { token: `${secret}.${keyHash}`, expiresAt };
}

export interface EnrolmentDeps {
  authority: Authority;
  register: Register;
  clock: Clock;
}

/** Turns tokens and standing certificates into new certificates. */
export class Enrolment {
  readonly #deps: EnrolmentDeps;

  constructor(deps: EnrolmentDeps) {
    this.#deps = deps;
  }

  /** Issues against a token. Throws EnrolRefused; the token then stays as it was. */
  async enrol({ token, node, request }: EnrolRequest): Promise<NodeCertificate> {
    const { register, clock } = this.#deps;
    const hash = hashOf(token.split(".")[0] ?? "");
    this.#checkToken(hash, node);
    const issued = await this.#sign(node, request);
    register.transact(() => {
      // Signing takes a moment in which the same token may have been used.
      this.#checkToken(hash, node);
      register.useToken(hash, clock.nowMs());
      this.#keep(issued, "enrolled");
    });
    return issued;
  }

  /** Issues to a node that has just proven who it is. Throws EnrolRefused. */
  async renew(node: string, request: string): Promise<NodeCertificate> {
    const { register, clock } = this.#deps;
    const now = clock.nowMs();
    const recent = register
      .list()
      .some((one) => one.node === node && one.issuedAt > now - RENEWAL_PAUSE_MS);
    if (recent) throw new EnrolRefused("a certificate was issued less than an hour ago");
    const issued = await this.#sign(node, request);
    register.transact(() => this.#keep(issued, "renewed"));
    return issued;
  }

  #checkToken(hash: Buffer, node: string): void {
    const state = this.#deps.register.token(hash);
    if (!state)
      throw new EnrolRefused(
        "this token is not known: it was mistyped, replaced by a newer one or withdrawn. " +
          "Make a new one with: plenum-hub enrol <node>",
      );
    const iso = (at: EpochMs) => new Date(at).toISOString().slice(0, 19);
    const again = `Make a new one with: plenum-hub enrol ${state.node}`;
    if (state.usedAt !== null)
      throw new EnrolRefused(
        `this token was used at ${iso(state.usedAt)}Z. If that was not you, revoke the node: ` +
          `plenum-hub revoke ${state.node}. ${again}`,
      );
    if (state.node !== node) throw new EnrolRefused(`this token is for another node than ${node}`);
    if (this.#deps.clock.nowMs() >= state.expiresAt)
      throw new EnrolRefused(`this token ended at ${iso(state.expiresAt)}Z. ${again}`);
  }

  async #sign(node: string, request: string): Promise<NodeCertificate> {
    const { authority, clock } = this.#deps;
    try {
      return await authority.signNode(node, request, clock.nowMs());
    } catch (error) {
      if (error instanceof RequestError) throw new EnrolRefused(error.message);
      throw error;
    }
  }

  #keep(issued: NodeCertificate, how: "enrolled" | "renewed"): void {
    const { register, clock } = this.#deps;
    const { node, serial, expiresAt } = issued;
    register.add(issued, how);
    register.note({
      type: `identity.${how}`,
      at: clock.nowMs(),
      detail: { node, serial, expiresAt },
    });
  }
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}
