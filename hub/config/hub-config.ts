import type { AlarmRule } from "../../contract/alarm/rule.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { Climate } from "../derived/climate.ts";
import type { ExternalTarget } from "../external-broker/target.ts";
import type { ForeignAccount, ReaderAccount } from "../foreign/mapping.ts";
import type { Role } from "../http/rights.ts";
import type { TlsConfig } from "../identity/tls-config.ts";
import type { RuleGroup } from "../standard-rules/groups.ts";
import type { DeliveryConfig } from "./delivery-config.ts";
import type {
  RelayReceiver,
  SmsReceiver,
  SnmpReceiver,
  SyslogReceiver,
  WebhookTemplate,
} from "./receiver-config.ts";

/** site.yaml, checked: durations in milliseconds, paths absolute, secrets resolved. Never log it whole. */
export interface HubConfig {
  site: SiteModel;
  http: {
    host: string;
    /** 0: any free port. */
    port: number;
    /** Address people open, without a slash at the end, when it is not `http://host:port`. */
    publicUrl: string | null;
  } & Listening;
  mqtt: { host: string; port: number; external?: ExternalTarget } & Listening;
  storage: { path: string; influx: InfluxTarget | null };
  tokens: ApiToken[];
  alarms: SiteRule[];
  receivers: Receiver[];
  /** Who is told, when and how often; without it everybody a rule names is told at once. */
  delivery?: DeliveryConfig;
  /** Who outside is told that the hub works; two or more, that no single one can fail unseen. */
  heartbeat?: HeartbeatTarget[];
  /** When the ways alarms go are tried by themselves, once a month; never without it. */
  drill?: DrillTimes;
  /** What air is judged by; the usual of ASHRAE without it. */
  climate?: Climate;
  /** Which of the ready-made rules are on; none without it. */
  standardRules?: readonly RuleGroup[];
  /** Devices that are no edge nodes, by the account they sign in with. */
  foreign?: ForeignAccount[];
  /** Who may only read what the hub publishes. */
  readers?: ReaderAccount[];
  /** Tells Home Assistant of these points; null: of none. */
  homeAssistant?: { prefix: string; points: string[] } | null;
  /** What /metrics holds besides the hub's own figures. */
  metrics?: { points: boolean };
}

/** How a listener is protected; neither on loopback only. */
export interface Listening {
  tls?: TlsConfig;
  /** The operator accepts that it is open to other machines without TLS. */
  plain?: true;
}

export interface InfluxTarget {
  url: string;
  database: string;
  /** Whom it writes as; asks as, too, unless there is a `reader`. */
  username?: string;
  password?: string;
  reader?: { username: string; password: string };
}

export interface ApiToken {
  name: string;
  role: Role;
  token: string;
}

/** A rule and whom it concerns. Rules on nodes have `points` empty, and the other way round. */
export interface SiteRule extends AlarmRule {
  /** Patterns of point names. */
  points: string[];
  /** Patterns of node names. */
  nodes: string[];
  /** May hold {place} {label} {value} {limit}. */
  title: string;
  runbook: string | null;
  /** Ids of those who are told. */
  receivers: string[];
  /** The node that holds the same rule judges it too, and its alarm is merged into the hub's. */
  local?: true;
}

/** In the site's own time. */
export interface DrillTimes {
  /** Of the month, 1–28. */
  day: number;
  hour: number;
}

export interface HeartbeatTarget {
  url: string;
  everyMs: number;
  /** Key of the HMAC-SHA256 signature; null sends unsigned. */
  secret: string | null;
  /** Allows loopback and private addresses, and plain http. */
  allowPrivate: boolean;
}

export type Receiver =
  | EmailReceiver
  | WebhookReceiver
  | SmsReceiver
  | SnmpReceiver
  | SyslogReceiver
  | RelayReceiver;

export interface EmailReceiver {
  kind: "email";
  id: string;
  to: string[];
  from: string;
  server: {
    host: string;
    port: number;
    /** TLS from the first byte; otherwise STARTTLS where the server offers it. */
    secure: boolean;
    user?: string;
    password?: string;
  };
}

export interface WebhookReceiver {
  kind: "webhook";
  id: string;
  url: string;
  /** Key of the HMAC-SHA256 signature; null sends unsigned. */
  secret: string | null;
  /** Allows loopback and private addresses, and plain http. */
  allowPrivate: boolean;
  /** What the body looks like, and who takes it; Plenum's own signed JSON when left out. */
  template?: WebhookTemplate;
}

/** What a rule's title may hold between braces. */
export const PLACEHOLDERS = ["place", "label", "value", "limit"] as const;
