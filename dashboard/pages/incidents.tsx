import { useState } from "preact/hooks";
import type { IncidentView } from "../../contract/incident.ts";
import { errorText, getClosedIncidents } from "../api.ts";
import { Badge } from "../badge.tsx";
import { incidentState, placesText } from "../incident-words.ts";
import { raceLine } from "../race-words.ts";
import { alarmAge, utcOffset } from "../time.ts";
import { useView } from "../view.ts";

/** One line per cause: what is open, what is over, and what was. */
export function IncidentsPage() {
  const { store, timeZone } = useView();
  const all = store.incidents.value;
  if (all === null)
    return (
      <>
        <h1>Incidents</h1>
        <p class="summary">
          This hub does not group its alarms into incidents. See <a href="/alarms">Alarms</a>.
        </p>
      </>
    );
  const open = all.filter(({ state }) => state === "open");
  const past = all.filter(({ state }) => state !== "open");
  return (
    <>
      <h1>Incidents</h1>
      <p class="summary" aria-live="polite">
        {open.length === 0 ? "No open incidents." : `${open.length} open.`} Times in{" "}
        {utcOffset(store.now.value, timeZone.value)}.
      </p>
      <ul class="alarm-cards">
        {open.map((incident) => (
          <IncidentCard key={incident.id} incident={incident} />
        ))}
      </ul>
      <h2>Over, or closed within a day</h2>
      {past.length === 0 && <p class="summary">None.</p>}
      <ul class="past">
        {past.map((incident) => (
          <PastLine key={incident.id} incident={incident} />
        ))}
      </ul>
      <Older shown={past} />
    </>
  );
}

function IncidentCard({ incident }: { incident: IncidentView }) {
  const { store, timeZone } = useView();
  const now = store.now.value;
  const { id, priority, title, symptoms, places, race } = incident;
  return (
    <li class={`card p${priority}`} data-incident={id}>
      <div class="card-head">
        <Badge priority={priority} rem={2} />
        <h2>
          <a href={`/incidents/${id}`}>{title}</a>
        </h2>
        <span class="age">{alarmAge(now - incident.openedAt)}</span>
      </div>
      {symptoms > 0 && (
        <p class="detail">
          and {symptoms} more{places.length > 0 && `: ${placesText(places)}`}
        </p>
      )}
      {race && <p class="race-line">{raceLine(race, now)}</p>}
      <p class="state">{incidentState(incident, now, timeZone.value)}</p>
    </li>
  );
}

function PastLine({ incident }: { incident: IncidentView }) {
  const { store, timeZone } = useView();
  const { id, priority, title, symptoms } = incident;
  return (
    <li data-incident={id}>
      <Badge priority={priority} rem={1.5} />
      <span>
        <a href={`/incidents/${id}`}>{title}</a>
        {symptoms > 0 && ` and ${symptoms} more`}
        <small>{incidentState(incident, store.now.value, timeZone.value)}</small>
      </span>
    </li>
  );
}

/** Asked for page by page; what stands above already is left out. */
function Older({ shown }: { shown: readonly IncidentView[] }) {
  const [items, setItems] = useState<IncidentView[]>([]);
  const [next, setNext] = useState<string | null | undefined>(undefined);
  const [problem, setProblem] = useState<string | null>(null);
  const load = async () => {
    try {
      const page = await getClosedIncidents(next ?? null);
      setItems([...items, ...page.items]);
      setNext(page.next);
      setProblem(null);
    } catch (error) {
      setProblem(errorText(error));
    }
  };
  const known = new Set(shown.map(({ id }) => id));
  const older = items.filter(({ id }) => !known.has(id));
  return (
    <>
      {next !== undefined && <h2>Older</h2>}
      {next === null && older.length === 0 && <p class="summary">None.</p>}
      <ul class="past">
        {older.map((incident) => (
          <PastLine key={incident.id} incident={incident} />
        ))}
      </ul>
      {next !== null && (
        <button type="button" onClick={() => void load()}>
          {next === undefined ? "Show older ones" : "Show more"}
        </button>
      )}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}
