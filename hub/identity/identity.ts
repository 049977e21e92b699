import { createHash } from "node:crypto";
import path from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Command } from "../../contract/message.ts";
import type { BrokerDeps } from "../broker/broker.ts";
import type { Listening } from "../config/hub-config.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { PROBE_NODE } from "../own-nodes.ts";
import type { ProbeTarget } from "../probe/probe-link.ts";
import type { OwnGauge } from "../self-watch.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";
import { openPki, type Pki } from "./pki.ts";
import { Register } from "./register.ts";
import { IdentityTroubles } from "./troubles.ts";

const LOOK_EVERY_MS = 400;
const RECHECK_EVERY_MS = 60_000;
const REFRESH_EVERY_MS = 60 * 60_000;
const MAX_ROLE_CHARS = 36;

type Place = Listening & { host: string; port: number };

export interface IdentityDeps {
  storagePath: string;
  http: Place;
  mqtt: Place;
  db: HubDb;
  ledger: Pick<Ledger, "appendOwn">;
  clock: Clock;
  log: Logger;
}

/** Makes the authority on first use when a listener speaks TLS. Throws IdentityError. */
export async function openIdentity(deps: IdentityDeps): Promise<HubIdentity> {
  const register = new Register(deps.db);
  const troubles = new IdentityTroubles(deps.clock);
  const { http, mqtt } = deps;
  const wanted = { http: http.tls, mqtt: mqtt.tls };
  const folder = identityFolder(deps.storagePath);
  const pki =
    http.tls || mqtt.tls
      ? await openPki({ ...deps, ...wanted, folder, register, troubles })
      : undefined;
  return new HubIdentity(deps, { register, troubles, pki });
}

export const identityFolder = (storagePath: string) => path.join(storagePath, "identity");

/** Which nodes belong to this hub, who may come in by which door, and what is wrong with any of them. */
export class HubIdentity {
  /** Undefined while every listener is plain. */
  readonly pki: Pki | undefined;
  readonly #deps: IdentityDeps;
  readonly #register: Register;
  readonly #troubles: IdentityTroubles;

  constructor(
    deps: IdentityDeps,
    parts: { register: Register; troubles: IdentityTroubles; pki: Pki | undefined },
  ) {
    this.#deps = deps;
    this.#register = parts.register;
    this.#troubles = parts.troubles;
    this.pki = parts.pki;
    for (const name of this.#plain()) this.#warnOfPlain(name);
  }

  /** What the broker has to know of identities. `send` answers a node. */
  brokerDeps(
    send: (node: string, command: Command) => void,
  ): Pick<BrokerDeps, "tls" | "onRenew" | "onConflict" | "onBreach"> {
    const { pki } = this;
    const server = pki?.mqtt;
    return {
      ...(pki &&
        server && { tls: { ...server, authority: pki.authority.certificate, ...pki.door } }),
      onRenew: (node, request) => {
        void pki?.renew(node, request).then((answer) => answer && send(node, answer));
      },
      onConflict: (node, addresses) =>
        this.alarm(node, "identity.conflict", "two machines use its identity; both are kept out", {
          addresses,
        }),
      onBreach: (node, why) => this.alarm(node, "identity.breach", `broke the rules: ${why}`),
    };
  }

  /** The way in for the node that the hub plays towards itself. */
  async asProbe(target: ProbeTarget): Promise<ProbeTarget> {
    if (!this.pki?.mqtt) return target;
    const own = await this.pki.ownNode(PROBE_NODE);
    // It calls on an address of this machine, which the certificate need not name; the chain is checked.
    const options = { ...target.options, ...own, checkServerIdentity: () => undefined };
    return { url: target.url.replace(/^mqtt:/, "mqtts:"), options };
  }

  /** An event about a node that belongs into the ledger and on somebody's desk. */
  alarm(node: string, type: string, why: string, detail: Record<string, unknown> = {}): void {
    this.#troubles.note(node, why);
    this.#deps.log.warn({ node, ...detail }, why);
    this.#record(type, { node, why, ...detail });
  }

  /** One flag for each enrolled node, and one for each door that stands open. */
  gauges(): OwnGauge[] {
    const flag = (role: string, label: string, wrong: boolean): OwnGauge => ({
      ...{ role, label, quantity: "flag", read: () => (wrong ? 1 : 0) },
    });
    const plain = this.#plain().map((name) =>
      flag(`plain-${name}`, `${name.toUpperCase()} is open to other machines without TLS`, true),
    );
    const nodes = this.#troubles
      .states(this.#register.list())
      .map(({ node, trouble }) =>
        flag(
          identityRole(node),
          `Identity of ${node}${trouble ? `: ${trouble}` : ""}`,
          trouble !== null,
        ),
      );
    return [...plain, ...nodes];
  }

  /**
   * Carries what commands have done into the ledger, and calls `recheck` when certificates may have lost
   * their worth: at once after another process wrote to hub.db, and every minute.
   */
  async watch(recheck: () => void, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let seen = this.#register.foreignChanges();
    let recheckAtMs = clock.monoMs() + RECHECK_EVERY_MS;
    let refreshAtMs = clock.monoMs() + REFRESH_EVERY_MS;
    while (!signal.aborted) {
      this.#carryNotes();
      const changes = this.#register.foreignChanges();
      const nowMs = clock.monoMs();
      if (changes !== seen || nowMs >= recheckAtMs) {
        seen = changes;
        recheckAtMs = nowMs + RECHECK_EVERY_MS;
        recheck();
      }
      if (nowMs >= refreshAtMs) {
        refreshAtMs = nowMs + REFRESH_EVERY_MS;
        await this.pki?.refresh();
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  #plain(): ("http" | "mqtt")[] {
    return (["http", "mqtt"] as const).filter((name) => this.#deps[name].plain);
  }

  #warnOfPlain(listener: "http" | "mqtt"): void {
    const { host, port } = this.#deps[listener];
    const risk =
      listener === "mqtt"
        ? "anybody who reaches this port can pass for any node"
        : "anybody on the way can read the tokens people sign in with";
    this.#deps.log.warn(
      { listener, host, port, risk },
      "LISTENING WITHOUT TLS beyond this machine",
    );
    this.#record("hub.listening-plain", { listener, host, port, risk });
  }

  #carryNotes(): void {
    const { ledger } = this.#deps;
    this.#sparingly(() =>
      this.#register.carryNotes(({ type, at, detail }) => ledger.appendOwn(type, at, detail)),
    );
  }

  #record(type: string, detail: Record<string, unknown>): void {
    const { ledger, clock } = this.#deps;
    this.#sparingly(() => ledger.appendOwn(type, clock.nowMs(), detail));
  }

  /** A full disk must neither end the hub nor let anybody in; what is not written now is logged. */
  #sparingly(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!isStorageFault(error)) throw error;
      this.#deps.log.error({ error: (error as Error).message }, "identity event not written");
    }
  }
}

/**
 * The flag of a node's identity. It leaves room for the rule's name in that of the alarm; dots would make
 * it look like a place; what is cut or replaced is told apart by a hash.
 */
export function identityRole(node: string): string {
  if (node.length <= MAX_ROLE_CHARS && !node.includes(".")) return `identity-${node}`;
  const short = node.replaceAll(".", "_").slice(0, MAX_ROLE_CHARS - 9);
  return `identity-${short}-${createHash("sha256").update(node).digest("hex").slice(0, 8)}`;
}
