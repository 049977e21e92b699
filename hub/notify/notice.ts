import type { AlarmView } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { Notice } from "./outbox.ts";

/** What people are told about. `withdrawn`: the rule is gone, so nobody watches this any more. */
export type ToldChange = "raised" | "re-alarmed" | "cleared" | "withdrawn";

export interface NoticeContext {
  change: ToldChange;
  at: EpochMs;
  receivers: readonly string[];
  /** The room, when the place stands in one. */
  room: string | null;
  siteLabel: string;
  timezone: string;
  /** Address of the dashboard, without a slash at the end; null leaves the link out. */
  linkBase: string | null;
}

const URGENCY = { 1: "act now", 2: "act this hour", 3: "act this shift", 4: "for your notes" };
const LEAD: Record<ToldChange, string> = {
  raised: "",
  "re-alarmed": "STILL ON: ",
  cleared: "OVER: ",
  withdrawn: "NO LONGER WATCHED: ",
};

/** Words an alarm's change for a person at night: one line that says it all, then the rest. */
export function composeNotice(alarm: AlarmView, context: NoticeContext): Notice {
  const { change, at, receivers } = context;
  const link = context.linkBase && `${context.linkBase}/?alarm=${encodeURIComponent(alarm.id)}`;
  return {
    key: `${alarm.id}/${alarm.occurrence}/${change}/${at}`,
    alarm: alarm.id,
    occurrence: alarm.occurrence,
    change,
    priority: alarm.priority,
    receivers,
    subject: subjectOf(alarm, context),
    text: textOf(alarm, context, link),
    data: { change, at, text: subjectOf(alarm, context), site: context.siteLabel, link, alarm },
  };
}

function subjectOf(alarm: AlarmView, { change, room, siteLabel }: NoticeContext): string {
  const { priority, title, limit, place } = alarm;
  const said = limit === null || saysNumber(title, limit) ? "" : ` (limit ${limit})`;
  const where = [place, room ?? siteLabel].filter((name) => name && !title.includes(name));
  return `${LEAD[change]}P${priority} ${title}${said} — ${where.join(", ") || siteLabel}`;
}

/** True when the text holds the number itself, not merely its digits. */
function saysNumber(text: string, number: number): boolean {
  return (text.match(/-?\d+(\.\d+)?/g) ?? []).some((found) => found === String(number));
}

function textOf(alarm: AlarmView, context: NoticeContext, link: string | null): string {
  const { change, at, room, siteLabel, timezone } = context;
  const time = (when: EpochMs) => siteTime(when, timezone);
  const over = change === "cleared";
  const lines = [
    alarm.title,
    alarm.detail,
    "",
    `Where:       ${[alarm.place, room, siteLabel].filter((name) => name).join(", ")}`,
    ...(alarm.raisedAt === null ? [] : [`Since:       ${time(alarm.raisedAt)}`]),
    ...(over ? [`Over since:  ${time(at)}`] : []),
    `Priority:    ${alarm.priority} (${URGENCY[alarm.priority]})`,
    ...(change === "withdrawn" ? ["Why:         its rule was removed from the configuration"] : []),
    ...(alarm.runbook && !over ? [`What to do:  ${alarm.runbook}`] : []),
    ...(link ? [`Look:        ${link}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** "22 Nov 2026, 14:32:10 GMT+2 (Europe/Helsinki)". */
export function siteTime(at: EpochMs, timezone: string): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    ...{ day: "numeric", month: "short", year: "numeric" },
    ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "shortOffset" },
  });
  return `${format.format(at)} (${timezone})`;
}
