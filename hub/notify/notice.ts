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
  /** Set when it asks somebody to act. */
  page?: PageContext;
}

/** What a page says besides the alarm itself. */
export interface PageContext {
  /** Counts the pages about this occurrence from 0. */
  step: number;
  kind: "first" | "escalated" | "repeated";
  /** Who has been asked before, and when. */
  asked: readonly { at: EpochMs; names: readonly string[] }[];
  /** Alarms that follow from this one and are not told by themselves. */
  more: number;
  /** Titles of those among them that are more urgent than the alarm itself. */
  graver?: readonly string[];
  /** Why nobody was told before, when the page was held back. */
  heldFor: string | null;
  /** Address where one tap acknowledges; null leaves it out. */
  ackUrl: string | null;
  /** What an answer by SMS must hold. */
  replyCode: string;
}

const URGENCY = { 1: "act now", 2: "act this hour", 3: "act this shift", 4: "for your notes" };
const PAGE_LEAD = {
  first: "",
  escalated: "NOT ACKNOWLEDGED: ",
  repeated: "STILL NOT ACKNOWLEDGED: ",
};
const LEAD: Record<ToldChange, string> = {
  raised: "",
  "re-alarmed": "STILL ON: ",
  cleared: "OVER: ",
  withdrawn: "NO LONGER WATCHED: ",
};

/** Words an alarm's change for a person at night: one line that says it all, then the rest. */
export function composeNotice(alarm: AlarmView, context: NoticeContext): Notice {
  const { change, at, receivers, page } = context;
  const link = context.linkBase && `${context.linkBase}/?alarm=${encodeURIComponent(alarm.id)}`;
  return {
    key: `${alarm.id}/${alarm.occurrence}/${page ? `page-${page.step}` : `${change}/${at}`}`,
    alarm: alarm.id,
    occurrence: alarm.occurrence,
    change: !page || page.kind === "first" ? change : page.kind,
    priority: alarm.priority,
    receivers,
    subject: subjectOf(alarm, context),
    text: textOf(alarm, context, link),
    data: {
      ...{ change, at, text: subjectOf(alarm, context), site: context.siteLabel, link, alarm },
      ...(page && pageData(page)),
    },
    ...(page && { step: page.step }),
  };
}

function pageData({ step, more, ackUrl, replyCode }: PageContext): Record<string, unknown> {
  return { step, more, ackUrl, replyCode };
}

function subjectOf(alarm: AlarmView, { change, room, siteLabel, page }: NoticeContext): string {
  const { priority, title, limit, place } = alarm;
  const graver = page?.graver ?? [];
  const isSaid = limit === null || graver.length > 0 || saysNumber(title, limit);
  const said = isSaid ? "" : ` (limit ${limit})`;
  const where = [place, room ?? siteLabel].filter((name) => name && !title.includes(name));
  const titles = [title, ...graver].join(", ");
  const lead = page && page.kind !== "first" ? PAGE_LEAD[page.kind] : LEAD[change];
  const more = page && page.more > 0 ? ` (and ${page.more} more)` : "";
  return `${lead}P${priority} ${titles}${said}${more} — ${where.join(", ") || siteLabel}`;
}

/** True when the text holds the number itself, not merely its digits. */
function saysNumber(text: string, number: number): boolean {
  return (text.match(/-?\d+(\.\d+)?/g) ?? []).some((found) => found === String(number));
}

function textOf(alarm: AlarmView, context: NoticeContext, link: string | null): string {
  const { change, at, room, siteLabel, timezone, page } = context;
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
    ...(page ? pageLines(page, time) : []),
    ...(link ? [`Look:        ${link}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function pageLines(page: PageContext, time: (when: EpochMs) => string): string[] {
  const { asked, more, heldFor, ackUrl, graver = [] } = page;
  return [
    ...graver.map((title) => `And with it: ${title}`),
    ...(more > 0 ? [`With it:     ${more} more alarms that follow from it`] : []),
    ...(heldFor ? [`Not told:    until now, because of ${heldFor}`] : []),
    ...asked.slice(-5).map(({ at, names }) => `Asked:       ${names.join(", ")}, ${time(at)}`),
    ...(ackUrl ? [`Acknowledge: ${ackUrl}`] : []),
  ];
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
