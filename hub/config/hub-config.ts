import type { AlarmRule } from "../../contract/alarm/rule.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { Role } from "../http/rights.ts";

/** site.yaml, checked: durations in milliseconds, paths absolute, secrets resolved. Never log it whole. */
export interface HubConfig {
  site: SiteModel;
  http: {
    host: string;
    /** 0: any free port. */
    port: number;
    /** Address people open, without a slash at the end, when it is not `http://host:port`. */
    publicUrl: string | null;
  };
  mqtt: { host: string; port: number };
  storage: { path: string; influx: InfluxTarget | null };
  tokens: ApiToken[];
  alarms: SiteRule[];
  receivers: Receiver[];
}

export interface InfluxTarget {
  url: string;
  database: string;
  username?: string;
  password?: string;
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

export type Receiver = EmailReceiver | WebhookReceiver;

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
}

/** What a rule's title may hold between braces. */
export const PLACEHOLDERS = ["place", "label", "value", "limit"] as const;
