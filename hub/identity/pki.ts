import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Command } from "../../contract/message.ts";
import type { Peer, Presented } from "../broker/listener.ts";
import { isStorageFault } from "../state/hub-db.ts";
import { Admission } from "./admission.ts";
import { type Authority, openAuthority } from "./authority.ts";
import { Enrolment, EnrolRefused } from "./enrolment.ts";
import type { Register } from "./register.ts";
import { openServerTls, type ServerTls, trustOf } from "./server-tls.ts";
import type { TlsConfig } from "./tls-config.ts";
import type { IdentityTroubles } from "./troubles.ts";

const MAX_REQUEST_BYTES = 4_096;
const OWN_LEFT_MS = 7 * 86_400_000;

export interface PkiDeps {
  folder: string;
  http: TlsConfig | undefined;
  mqtt: TlsConfig | undefined;
  register: Register;
  troubles: IdentityTroubles;
  clock: Clock;
  log: Logger;
}

/** The hub's authority with everything that issues and judges certificates. */
export interface Pki {
  authority: Authority;
  http: ServerTls | undefined;
  mqtt: ServerTls | undefined;
  enrolment: Enrolment;
  /** Who may come in. */
  door: {
    examine(presented: Presented): Peer;
    whyNot(serial: string, node: string): string | undefined;
  };
  /** PEM of everything a node must trust to recognise this hub on MQTT. */
  trust(): string;
  /** Answers a connected node's request for its next certificate; undefined when it gets none. */
  renew(node: string, request: Uint8Array): Promise<Command | undefined>;
  /** Looks after the servers' certificates; to be called every hour or so. */
  refresh(): Promise<void>;
  /** Key, certificate and trust of a node that the hub itself plays. */
  ownNode(node: string): Promise<{ key: string; cert: string; ca: string }>;
}

/** Throws IdentityError when a key or certificate cannot be used. */
export async function openPki(deps: PkiDeps): Promise<Pki> {
  const { folder, register, troubles, clock, log } = deps;
  const authority = await openAuthority(folder, clock.nowMs());
  const serve = async (name: "http" | "mqtt") => {
    const config = deps[name];
    return config && (await openServerTls(config, { authority, folder, name, clock, log }));
  };
  const [http, mqtt] = [await serve("http"), await serve("mqtt")];
  const { certificate } = authority;
  const admission = new Admission({ authority: certificate, register, troubles, clock, log });
  const enrolment = new Enrolment({ authority, register, clock });
  const trust = () => {
    const given = mqtt ? trustOf(mqtt.current()) : [];
    return `${[...new Set([certificate, ...given].map((pem) => pem.trim()))].join("\n")}\n`;
  };
  let own: Awaited<ReturnType<Authority["ownNode"]>> | undefined;
  return {
    ...{ authority, http, mqtt, enrolment, trust },
    door: {
      examine: (presented) => admission.examine(presented),
      whyNot: (serial, node) => admission.whyNot(serial, node),
    },
    async renew(node, request) {
      try {
        if (request.length > MAX_REQUEST_BYTES) throw new EnrolRefused("the request is too long");
        const issued = await enrolment.renew(node, Buffer.from(request).toString("latin1"));
        return { cmd: "certificate", certificate: issued.certificate, trust: trust() };
      } catch (error) {
        if (!(error instanceof EnrolRefused) && !isStorageFault(error)) throw error;
        log.warn({ node, error: (error as Error).message }, "certificate not renewed");
        return undefined;
      }
    },
    async ownNode(node) {
      const now = clock.nowMs();
      if (!own || own.node !== node || own.expiresAt - now < OWN_LEFT_MS) {
        own = await authority.ownNode(node, now);
        admission.admitOwn(own);
      }
      return { key: own.key, cert: own.certificate, ca: trust() };
    },
    async refresh() {
      await http?.refresh();
      await mqtt?.refresh();
    },
  };
}
