import { shortened, type Told } from "./template.ts";

const MAX_SUMMARY_CHARS = 1_024;
const SEVERITY = { 1: "critical", 2: "error", 3: "warning", 4: "info" };

/** PagerDuty, Events API v2: one dedup_key per occurrence, so that the end resolves what the start triggered. */
export function pagerdutyEvent({ message, facts }: Told, routingKey: string): object {
  const { isOver, isAcknowledged, thread, priority, site, place, alarm, link } = facts;
  const action = isOver ? "resolve" : isAcknowledged ? "acknowledge" : "trigger";
  const event = { routing_key: routingKey, event_action: action, dedup_key: thread };
  if (action !== "trigger") return event;
  return {
    ...event,
    payload: {
      summary: shortened(message.subject, MAX_SUMMARY_CHARS),
      source: site,
      severity: SEVERITY[priority],
      timestamp: new Date(message.createdAt).toISOString(),
      ...(place && { component: place }),
      ...(alarm && { class: alarm }),
      custom_details: { text: message.text, key: message.key },
    },
    client: "Plenum",
    ...(link && { client_url: link, links: [{ href: link, text: "Look" }] }),
  };
}
