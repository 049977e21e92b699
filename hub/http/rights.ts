export const ROLES = ["viewer", "operator", "engineer", "auditor", "admin", "wall"] as const;
export type Role = (typeof ROLES)[number];

/** What a route lets its caller do. Every route names exactly one right. */
export const RIGHTS = {
  /** The site's plan, one's own sign-in, the description of this API. */
  site: ["viewer", "operator", "engineer", "auditor", "admin", "wall"],
  /** Points, history, nodes, alarms, the stream. */
  watch: ["viewer", "operator", "engineer", "admin", "wall"],
  doors: ["viewer", "operator", "engineer", "auditor", "admin", "wall"],
  /** The access ledger: it names people. */
  ledger: ["operator", "engineer", "auditor", "admin"],
  /** Deliveries and counters. */
  service: ["viewer", "operator", "engineer", "admin"],
  quarantine: ["operator", "engineer", "admin"],
  /** Let rows out of quarantine, or throw them away. */
  release: ["engineer", "admin"],
  /** Acknowledge, shelve, reset. */
  operate: ["operator", "engineer", "admin"],
  /** Take an alarm out of service and back. */
  maintain: ["engineer", "admin"],
  /** Take a node that is gone for good off every list. */
  forget: ["admin"],
} as const satisfies Record<string, readonly Role[]>;
export type Right = keyof typeof RIGHTS;

export function allowed(role: Role, right: Right): boolean {
  return (RIGHTS[right] as readonly Role[]).includes(role);
}

export interface Identity {
  /** Stands in the ledger behind everything this caller does. */
  name: string;
  role: Role;
  via: "token" | "session";
}
