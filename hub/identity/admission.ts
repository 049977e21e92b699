import { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { isId } from "../../contract/id.ts";
import type { Peer, Presented } from "../broker/listener.ts";
import { isStorageFault } from "../state/hub-db.ts";
import type { Register } from "./register.ts";
import type { IdentityTroubles } from "./troubles.ts";

export interface AdmissionDeps {
  /** PEM of the hub's authority. */
  authority: string;
  register: Register;
  troubles: IdentityTroubles;
  clock: Clock;
  log: Logger;
}

/**
 * Decides who a client certificate stands for. Only certificates in the register count, so that neither a
 * copied authority key nor a forgotten certificate lets anybody in.
 */
export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #authority: X509Certificate;
  /** Serials of the nodes that the hub itself plays. */
  readonly #own = new Map<string, string>();

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    this.#authority = new X509Certificate(deps.authority);
  }

  /** Lets in a certificate that is in no register because its key never leaves this process. */
  admitOwn({ serial, node }: { serial: string; node: string }): void {
    this.#own.set(serial, node);
  }

  examine({ certificate, error, address }: Presented): Peer {
    if (!certificate) return { why: "no client certificate" };
    if (!certificate.verify(this.#authority.publicKey))
      return { why: "client certificate of another authority" };
    const node = /^CN=([^\n]+)$/.exec(certificate.subject)?.[1];
    if (!isId(node)) return { why: "client certificate without a node id" };
    const serial = certificate.serialNumber.toLowerCase();
    const why = this.whyNot(serial, node) ?? (error && `client certificate refused (${error})`);
    if (why) {
      this.#deps.troubles.note(node, `${why}; refused at ${address}`);
      return { why: `${node}: ${why}` };
    }
    this.#markUsed(serial);
    return { node, serial };
  }

  /** Why a certificate may not be used now; undefined when it may. */
  whyNot(serial: string, node: string): string | undefined {
    const { register, clock } = this.#deps;
    if (this.#own.get(serial) === node) return undefined;
    const listed = register.find(serial);
    if (listed?.node !== node) return "certificate is not in the hub's register";
    if (listed.revokedAt !== null)
      return `certificate was revoked (${listed.why ?? "no reason given"})`;
    if (clock.nowMs() >= listed.expiresAt) return "certificate has expired; enrol the node again";
    return undefined;
  }

  #markUsed(serial: string): void {
    const { register, clock, log } = this.#deps;
    const listed = register.find(serial);
    if (!listed || listed.firstUsedAt !== null) return;
    try {
      register.transact(() => register.used(listed, clock.nowMs()));
    } catch (error) {
      // A full disk keeps no node out; it is noted at the next connection.
      if (!isStorageFault(error)) throw error;
      log.error({ node: listed.node, error: (error as Error).message }, "first use not noted");
    }
  }
}
