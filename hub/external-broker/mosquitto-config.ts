import { MAX_PAYLOAD_BYTES } from "../../contract/message.ts";
import { HUB_STATUS_TOPIC, NODE_LANES, TOPIC_ROOT } from "../../contract/topic.ts";

/** Common name of the hub's own client certificate. No node can have it, because its topics are reserved. */
export const HUB_NAME = "hub";
/** How the hub's client ids begin; what follows cannot be guessed, so that no node can take one. */
export const HUB_CLIENT_PREFIX = "hub-";

/** The largest payload and what stands around it. */
const MAX_PACKET_BYTES = MAX_PAYLOAD_BYTES + 512;

export interface MosquittoSite {
  /** Absolute path of the folder the files stand in on the broker's machine. */
  folder: string;
  /** Where nodes and hubs connect. */
  port: number;
  /** Nodes whose certificates have been revoked and that have no newer one. */
  revoked: readonly string[];
}

export const FILES = {
  conf: "plenum.conf",
  acl: "plenum.acl",
  ca: "ca.crt",
  cert: "broker.crt",
  key: "broker.key",
  crl: "revoked.crl",
} as const;

/** What a Mosquitto 2 needs to be the broker of one site: by file name. Certificates are not among them. */
export function mosquittoFiles(site: MosquittoSite): Record<string, string> {
  return { [FILES.conf]: confOf(site), [FILES.acl]: aclOf(site.revoked) };
}

const MADE = "# Written by plenum-hub mosquitto-config. Changes are lost when it is run again.";

const confOf = ({ folder, port }: MosquittoSite) => `${MADE}
# Births, states and alarms are retained; without persistence they are gone until each node connects again.
persistence true
autosave_interval 60

# Nothing a client does may grow without a bound. Whatever is dropped, its node sends again.
max_packet_size ${MAX_PACKET_BYTES}
max_inflight_messages 100
max_queued_messages 1000
max_queued_bytes 67108864
persistent_client_expiration 1h

# Whoever shows the certificate of node n may do what n may, whatever it calls itself.
listener ${port}
max_connections 1200
cafile ${folder}/${FILES.ca}
certfile ${folder}/${FILES.cert}
keyfile ${folder}/${FILES.key}
crlfile ${folder}/${FILES.crl}
require_certificate true
use_identity_as_username true
tls_version tlsv1.2
allow_anonymous false
acl_file ${folder}/${FILES.acl}
`;

function aclOf(revoked: readonly string[]): string {
  const own = (right: string, lane: string) => `pattern ${right} ${TOPIC_ROOT}/%u/${lane}`;
  // The list of revoked certificates stops the next connection; this silences one that is open.
  const denied = revoked.map((node) => `user ${node}\ntopic deny ${TOPIC_ROOT}/#\n`);
  return `${MADE}
user ${HUB_NAME}
topic readwrite ${TOPIC_ROOT}/#

${denied.join("\n")}
${[...NODE_LANES, "renew"].map((lane) => own("write", lane)).join("\n")}
${own("read", "ack")}
${own("read", "cmd")}
pattern read ${HUB_STATUS_TOPIC}
pattern read ${TOPIC_ROOT}/hub/alarms/+
`;
}
