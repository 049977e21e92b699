import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { newCertificateRequest } from "./certificate-request.ts";
import { type Credentials, daysLeft, IdentityError, type IdentityStore, nameIn } from "./store.ts";

/** The hub gives 90 days; a third of them is left for trouble. */
const RENEW_DAYS = 30;
const WARN_DAYS = 14;
const LOOK_EVERY_MS = 60 * 60_000;
/** When the request could not be sent, because there is no connection yet. */
const RETRY_MS = 2_000;

export interface KeeperDeps {
  node: string;
  store: IdentityStore;
  /** Sends a request to the hub; rejects when there is no connection. */
  ask(request: string): Promise<void>;
  /** The next connection will use the new certificate: make it now. */
  renewed(): void;
  clock: Clock;
  log: Logger;
}

/** Keeps the node's certificate young while the node runs. */
export class IdentityKeeper {
  readonly #deps: KeeperDeps;
  #credentials: Credentials;
  /** The request that waits for its answer. */
  #pending: { key: string; request: string } | undefined;
  #warned = false;

  /** Throws IdentityError when the node has no identity of its name. */
  constructor(deps: KeeperDeps) {
    this.#deps = deps;
    this.#credentials = deps.store.load();
    const name = nameIn(this.#credentials.cert);
    if (name !== deps.node)
      throw new IdentityError(
        `${deps.store.file} is the identity of ${name ?? "nobody"}, and edge.yaml says node: ` +
          `${deps.node}. Enrol this node by its own name: plenum-hub enrol ${deps.node}`,
      );
  }

  credentials = (): Credentials => this.#credentials;

  /** Days until the certificate ends. */
  daysLeft = (): number => daysLeft(this.#credentials.cert, this.#deps.clock.nowMs());

  /** Looks every hour; a lost request is asked again then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const done = await this.look();
      await this.#deps.clock.sleep(done ? LOOK_EVERY_MS : RETRY_MS, signal);
    }
  }

  /** Asks for the next certificate when it is time; false when it should have and could not. */
  async look(): Promise<boolean> {
    const { log, node, ask } = this.#deps;
    const days = this.daysLeft();
    this.#warn(days);
    if (days > RENEW_DAYS) return true;
    this.#pending ??= newCertificateRequest(node);
    try {
      await ask(this.#pending.request);
      return true;
    } catch (error) {
      log.debug({ error: (error as Error).message }, "certificate not asked for");
      return false;
    }
  }

  /** Takes the hub's answer. Anything that is not the certificate asked for changes nothing. */
  take({ certificate, trust }: { certificate: string; trust: string }): void {
    const { log, store, renewed } = this.#deps;
    const key = this.#pending?.key;
    const why = this.#whyNot(certificate, trust, key);
    if (why !== undefined || key === undefined) {
      log.warn({ why: why ?? "not asked for" }, "certificate from the hub not taken");
      return;
    }
    try {
      store.save({ key, cert: certificate, ca: trust });
      this.#credentials = store.load();
    } catch (error) {
      // The old one is good for weeks; the next look asks again.
      log.error({ error: (error as Error).message }, "new certificate could not be kept");
      return;
    }
    this.#pending = undefined;
    this.#warned = false;
    log.info({ days: Math.floor(this.daysLeft()) }, "certificate renewed");
    renewed();
  }

  #whyNot(certificate: string, trust: string, key: string | undefined): string | undefined {
    if (key === undefined) return "not asked for";
    try {
      const parsed = new X509Certificate(certificate);
      if (!parsed.checkPrivateKey(createPrivateKey(key))) return "it is for another key";
      if (nameIn(certificate) !== this.#deps.node) return "it is for another node";
      new X509Certificate(trust);
      return undefined;
    } catch (error) {
      return `it cannot be read (${(error as Error).message})`;
    }
  }

  #warn(days: number): void {
    const { log } = this.#deps;
    if (days > WARN_DAYS || this.#warned) return;
    this.#warned = true;
    if (days > 0) log.warn({ days: Math.floor(days) }, "certificate ends soon and is not renewed");
    else log.error("certificate has ended; enrol this node again: plenum-edge enrol");
  }
}
