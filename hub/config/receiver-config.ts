/** A service with a form of its own, and how one signs in there. */
export type WebhookTemplate =
  | { name: "slack" | "teams" }
  | { name: "ntfy"; token: string | null }
  | { name: "pagerduty"; key: string }
  | { name: "servicenow" | "zendesk"; user: string; password: string }
  | { name: "jira"; user: string; password: string; project: string; issueType: string };

export interface SmsReceiver {
  kind: "sms";
  id: string;
  /** As +358401234567. */
  to: string[];
  by: { modem: ModemConfig } | { gateway: GatewayConfig };
}

export interface ModemConfig {
  /** The modem's serial line for AT commands. */
  device: string;
  baud: number;
  pin: string | null;
}

/** A service that turns an HTTP request into an SMS; `{to}`, `{text}` and `{key}` in values are filled in. */
export interface GatewayConfig {
  url: string;
  encoding: "json" | "form";
  fields: Record<string, string>;
  /** Value of the header Authorization. */
  authorization: string | null;
  allowPrivate: boolean;
}

export interface SnmpReceiver {
  kind: "snmp";
  id: string;
  host: string;
  port: number;
  /** Asks the receiver to confirm, and sends again when it does not. */
  inform: boolean;
  as: { version: "2c"; community: string } | ({ version: "3" } & SnmpUser);
}

export interface SnmpUser {
  user: string;
  auth: { protocol: SnmpAuthProtocol; password: string };
  /** Null sends signed, but for everybody to read. */
  priv: { protocol: SnmpPrivProtocol; password: string } | null;
  /** Name in the engine id of traps, which the receiver must know. */
  engine: string;
}

export const SNMP_AUTH = ["sha", "sha256", "sha384", "sha512"] as const;
export type SnmpAuthProtocol = (typeof SNMP_AUTH)[number];
export const SNMP_PRIV = ["aes", "aes256b", "aes256r"] as const;
export type SnmpPrivProtocol = (typeof SNMP_PRIV)[number];

export interface SyslogReceiver {
  kind: "syslog";
  id: string;
  transport: "udp" | "tcp" | "tls";
  host: string;
  port: number;
  /** Code of the facility, 0…23. */
  facility: number;
  /** File of the authority that signed the server's certificate; null: those this machine trusts. */
  caFile: string | null;
}

/** An output of an edge node: a beacon, a siren. */
export interface RelayReceiver {
  kind: "relay";
  id: string;
  node: string;
  output: string;
}
