import type { IncidentDetail } from "../../contract/incident.ts";
import { siteTime } from "../notify/notice.ts";

/** An incident as a page to hand on: Markdown that also reads well as plain text. */
export function incidentReport(
  incident: IncidentDetail,
  site: { label: string; timezone: string },
): string {
  const time = (at: number) => siteTime(at, site.timezone);
  const { title, id, state, members, timeline, feeds, openedAt, overAt, closedAt, ack } = incident;
  const lines = [
    `# ${plain(title)}`,
    "",
    `${plain(site.label)}, incident ${id}, ${state}`,
    "",
    `- Began: ${time(openedAt)}`,
    ...(overAt === null ? [] : [`- Over: ${time(overAt)}`]),
    ...(closedAt === null ? [] : [`- Closed: ${time(closedAt)}`]),
    `- Acknowledged: ${ack ? `${plain(ack.by)}, ${time(ack.at)}` : "by nobody"}`,
    `- Alarms: ${members.length}, of which ${incident.activeAlarms} still stand`,
    ...(incident.runbook ? [`- What to do: ${plain(incident.runbook)}`] : []),
    "",
    "## What happened",
    "",
    ...timeline.map(({ at, text }) => `- ${time(at)}: ${plain(text)}`),
    "",
    "## Alarms",
    "",
    ...members.map(({ title, part, priority, active }) =>
      [`- P${priority} ${plain(title)}`, part, active ? "stands" : "over"].join(", "),
    ),
    ...(feeds.length === 0 ? [] : ["", "## What else hangs on the cause", ""]),
    ...feeds.map(({ label, kind }) => `- ${plain(label)} (${kind})`),
  ];
  return `${lines.join("\n")}\n`;
}

/** One line; names that come from devices must not turn into markup. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>#|]/g, "\\$&")
    .trim();
}
