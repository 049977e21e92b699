import type { ComponentChildren } from "preact";
import type { IncidentDetail, IncidentMember, TimelineEntry } from "../../contract/incident.ts";
import { Badge } from "../badge.tsx";
import { clockTime, shortDate, utcOffset } from "../time.ts";
import { useView } from "../view.ts";

/** Rows shown at once; the rest opens below. */
const SHOWN = 12;

export function Members({ incident }: { incident: IncidentDetail }) {
  const { members, lead } = incident;
  const shown = members.slice(0, SHOWN);
  const rest = members.slice(SHOWN);
  return (
    <section class="panel">
      <h2>Alarms of this incident</h2>
      <ul class="members">
        {shown.map((member) => (
          <MemberLine key={member.alarm} member={member} isLead={member.alarm === lead} />
        ))}
      </ul>
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more</summary>
          <ul class="members">
            {rest.map((member) => (
              <MemberLine key={member.alarm} member={member} isLead={false} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function MemberLine({ member, isLead }: { member: IncidentMember; isLead: boolean }) {
  const { timeZone } = useView();
  const { title, priority, active, acknowledged, joinedAt, byHand } = member;
  const words = [
    isLead ? "cause" : "",
    active ? `since ${clockTime(joinedAt, timeZone.value)}` : "over",
    acknowledged ? "acknowledged" : "not acknowledged",
    byHand ? "put here by a person" : "",
  ];
  return (
    <li class={active ? "" : "over"}>
      <Badge priority={priority} rem={1.5} />
      <span>
        <strong>{title}</strong>
        <small>{words.filter((word) => word !== "").join(" · ")}</small>
      </span>
    </li>
  );
}

/** Newest first, so that what just happened is on the screen. */
export function Timeline(props: { incident: IncidentDetail; children?: ComponentChildren }) {
  const { incident, children } = props;
  const { timeZone } = useView();
  const entries = [...incident.timeline].reverse();
  const zone = utcOffset(incident.openedAt, timeZone.value);
  const days = entries.map(({ at }) => shortDate(at, timeZone.value));
  const isOneDay = new Set(days).size <= 1;
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>What happened</h2>
        <span class="quiet">
          {isOneDay && days[0] ? `${days[0]} · ` : ""}
          {zone}
        </span>
      </div>
      {children}
      <ol class="timeline">
        {entries.map((entry, i) => (
          <TimelineLine
            key={`${entry.at}-${entries.length - i}`}
            entry={entry}
            day={isOneDay || days[i] === days[i - 1] ? null : (days[i] ?? null)}
          />
        ))}
      </ol>
    </section>
  );
}

function TimelineLine({ entry, day }: { entry: TimelineEntry; day: string | null }) {
  const { timeZone } = useView();
  const { at, kind, text, by } = entry;
  return (
    <>
      {day && <li class="day">{day}</li>}
      <li class={kind}>
        <time dateTime={new Date(at).toISOString()}>{clockTime(at, timeZone.value)}</time>
        <span>
          {kind === "note" && <b>{by ?? "Note"}: </b>}
          {text}
        </span>
      </li>
    </>
  );
}

export function Feeds({ incident }: { incident: IncidentDetail }) {
  const { feeds, places } = incident;
  if (feeds.length === 0) return null;
  const showing = new Set(places);
  const quiet = feeds.filter(({ label }) => !showing.has(label));
  return (
    <section class="panel">
      <h2>What else hangs on it</h2>
      <p class="state">
        {quiet.length === 0
          ? "Everything that hangs on the cause shows an alarm."
          : `${quiet.length} of ${feeds.length} show nothing yet:`}
      </p>
      <ul class="feeds">
        {quiet.slice(0, 60).map(({ id, label, kind }) => (
          <li key={id}>{kind === "rack" ? <a href={`/rack/${id}`}>{label}</a> : label}</li>
        ))}
        {quiet.length > 60 && <li>and {quiet.length - 60} more</li>}
      </ul>
    </section>
  );
}
