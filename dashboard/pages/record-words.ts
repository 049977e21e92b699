import type { LedgerRecord } from "../../contract/api.ts";

const WORDS: Record<string, string> = {
  "door.opened": "Opened",
  "door.closed": "Closed",
  "door.chatter": "Contact chatters",
  "door.fault": "Contact fault",
  "door.gap": "Door events missing",
  "node.started": "Edge node started",
  "node.gap": "Readings missing",
  "node.spool-corrupt": "Spool damaged",
  "node.clock-step": "Clock stepped",
  "node.config-rejected": "Configuration refused",
  "node.disk-low": "Disk nearly full",
  "person.signed-in": "Signed in",
  "person.signed-out": "Signed out",
  "person.refused": "Refused",
};

/** `alarm.raised` → `Alarm raised`; types of later versions come out readable too. */
function typeWords(type: string): string {
  const text = type.replaceAll(/[.-]/g, " ");
  return WORDS[type] ?? text.charAt(0).toUpperCase() + text.slice(1);
}

/** What happened, and to or by whom when the record says so. */
export function recordWords({ type, detail }: Pick<LedgerRecord, "type" | "detail">): string {
  const named = [detail.title ? "title" : "alarm", "by", "reason", "detail"].flatMap((key) => {
    const value = detail[key];
    const isSaid = typeof value === "string" && value !== "" && !(key === "by" && value === "hub");
    return isSaid ? [value] : [];
  });
  return [typeWords(type), ...named].join(" · ");
}
