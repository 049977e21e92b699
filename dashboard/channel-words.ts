import type { NotificationView } from "../contract/api.ts";

const CHANNELS: Record<NotificationView["channel"], string> = {
  email: "E-mail",
  webhook: "Web message",
  sms: "SMS",
  snmp: "SNMP trap",
  syslog: "Syslog",
  relay: "Relay",
};

/** How people call a way messages go; a kind this page does not know is shown as it is. */
export function channelWord(kind: string): string {
  return (CHANNELS as Record<string, string>)[kind] ?? kind;
}

const STATES: Record<NotificationView["state"], string> = {
  queued: "waiting to be sent",
  accepted: "accepted by the receiver's server",
  delivered: "delivered",
  failed: "failed",
  acknowledged: "delivered, then acknowledged",
  superseded: "not sent: acknowledged before",
};

/** How far a message has come: "waiting to be sent, 2 tries". */
export function deliveryWords({ state, attempts }: Pick<NotificationView, "state" | "attempts">) {
  const tries = attempts === 1 ? "1 try" : `${attempts} tries`;
  return state === "queued" && attempts > 0 ? `${STATES[state]}, ${tries} so far` : STATES[state];
}

const CHANGES: Record<string, string> = {
  raised: "alarm",
  "re-alarmed": "alarm, again",
  cleared: "over",
  withdrawn: "no longer watched",
  acknowledged: "acknowledged",
  escalated: "alarm, next step",
  repeated: "alarm, again",
  digest: "several alarms",
  drill: "test",
};

/** What the message said. */
export function changeWord(change: string): string {
  return CHANGES[change] ?? change;
}
