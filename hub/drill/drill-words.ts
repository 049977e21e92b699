import type { EpochMs } from "../../contract/clock.ts";
import type { Receiver } from "../config/hub-config.ts";
import { siteTime } from "../notify/notice.ts";
import type { Notice } from "../notify/outbox.ts";

export interface DrillMessage {
  drill: string;
  /** Names this receiver's part, for whoever acknowledges. */
  alarm: string;
  at: EpochMs;
  receiver: Receiver;
  /** Where the receiver stands: "duty, step 1". */
  asked: readonly string[];
  site: { label: string; timezone: string };
  ackUrl: string | null;
  replyCode: string;
}

/** What a receiver gets: a test that nobody can take for an alarm. */
export function drillNotice(message: DrillMessage): Notice {
  const { alarm, at, receiver, asked, site, ackUrl, replyCode } = message;
  const title = `TEST, no alarm: can Plenum at ${site.label} reach you?`;
  const lines = [
    "This is a test of the way alarms come to you. Nothing is wrong in the room.",
    "",
    `Where:       ${site.label}`,
    `Sent:        ${siteTime(at, site.timezone)}`,
    `Receiver:    ${receiver.id}`,
    ...asked.map((step) => `Asked as:    ${step}`),
    ...(ackUrl ? [`Acknowledge: ${ackUrl}`] : []),
    "What to do:  acknowledge, so that it is known that messages come to you and are read.",
  ];
  const about = { id: alarm, occurrence: 1, priority: 4, title, place: null, runbook: null };
  return {
    key: `drill/${message.drill}`,
    ...{ alarm, occurrence: 1, change: "drill", priority: 4, receivers: [receiver.id] },
    ...{ subject: title, text: `${lines.join("\n")}\n` },
    data: {
      ...{ change: "drill", test: true, at, text: title, site: site.label, link: null },
      ...{ alarm: about, ackUrl, replyCode },
    },
  };
}

/** Ends what a test begins: a beacon that is on, a ticket or a page that is open. None for the others. */
export function drillEnd(notice: Notice, receiver: Receiver): Notice | undefined {
  const template = receiver.kind === "webhook" ? receiver.template?.name : undefined;
  const opens = template !== undefined && !["slack", "teams", "ntfy"].includes(template);
  if (receiver.kind !== "relay" && !opens) return undefined;
  return {
    ...notice,
    key: notice.key.replace("drill/", "drill-end/"),
    subject: `OVER: ${notice.subject}`,
    data: { ...notice.data, change: "cleared" },
  };
}
