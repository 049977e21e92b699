import type { Receiver } from "./hub-config.ts";

const SERVICES = {
  slack: "Slack",
  teams: "Teams",
  ntfy: "ntfy",
  pagerduty: "PagerDuty",
  servicenow: "ServiceNow",
  jira: "Jira",
  zendesk: "Zendesk",
};

/** By which way a receiver is reached, in a few words without a secret; an address of a hook may be one. */
export function describeReceiver(receiver: Receiver): string {
  const { id } = receiver;
  switch (receiver.kind) {
    case "email":
      return `${id} (email)`;
    case "webhook":
      return `${id} (${receiver.template ? SERVICES[receiver.template.name] : "webhook"})`;
    case "sms": {
      const { by } = receiver;
      return `${id} (SMS by ${"modem" in by ? by.modem.device : new URL(by.gateway.url).host})`;
    }
    case "snmp":
      return `${id} (SNMP v${receiver.as.version} ${receiver.inform ? "informs" : "traps"} to ${receiver.host})`;
    case "syslog":
      return `${id} (syslog by ${receiver.transport} to ${receiver.host})`;
    case "relay":
      return `${id} (output ${receiver.output} of ${receiver.node})`;
  }
}
