import { useEffect, useState } from "preact/hooks";
import type { IncidentDetail, IncidentView } from "../../contract/incident.ts";
import {
  errorText,
  getIncident,
  type Identity,
  type IncidentOrder,
  orderIncident,
  reportAddress,
} from "../api.ts";
import { Badge } from "../badge.tsx";
import { incidentState, placesText } from "../incident-words.ts";
import { alarmAge } from "../time.ts";
import { useView } from "../view.ts";
import { mayOperate } from "./alarms.tsx";
import { MoveForm, NoteForm } from "./incident-forms.tsx";
import { Feeds, Members, Timeline } from "./incident-parts.tsx";
import { RacePanel } from "./race-panel.tsx";

const REFRESH_MS = 10_000;

/** One cause: what follows from it, what was done, what comes next. */
export function IncidentPage({ id, role }: { id: string; role: Identity["role"] }) {
  const { store } = useView();
  const live = store.incidents.value?.find((incident) => incident.id === id);
  const { detail, problem, isSending, give } = useIncident(id, live);
  if (!detail)
    return (
      <>
        <h1>Incident</h1>
        <p class={problem ? "problem" : "quiet"}>{problem ?? "Asking the hub …"}</p>
        <p>
          <a href="/incidents">All incidents</a>
        </p>
      </>
    );
  // The list in the stream is newer than what was asked for; members and timeline are not in it.
  const incident: IncidentDetail = live ? { ...detail, ...live } : detail;
  const canOperate = mayOperate(role);
  const isClosed = incident.state === "closed";
  return (
    <div class="incident-page">
      <Head incident={incident} />
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="incident-main">
        {canOperate && <Acknowledge {...{ incident, isSending, give }} />}
        {incident.race && <RacePanel race={incident.race} />}
        {incident.runbook && (
          <section class="panel">
            <h2>What to do</h2>
            <p class="runbook">{incident.runbook}</p>
          </section>
        )}
        <Members incident={incident} />
        <Feeds incident={incident} />
      </div>
      <div class="incident-side">
        <Timeline incident={incident}>
          {canOperate && <NoteForm {...{ isSending, give }} />}
        </Timeline>
        {canOperate && !isClosed && <MoveForm {...{ incident, isSending, give }} />}
        <p class="state">
          <a href={reportAddress(id)}>Report of this incident (Markdown)</a>
        </p>
      </div>
    </div>
  );
}

function Head({ incident }: { incident: IncidentDetail }) {
  const { store, timeZone } = useView();
  const now = store.now.value;
  const { priority, title, symptoms, places, state, openedAt } = incident;
  return (
    <section class={`incident-head p${priority} ${state}`}>
      <Badge priority={priority} rem={2.6} />
      <h1>{title}</h1>
      {state === "open" && <span class="age">{alarmAge(now - openedAt)}</span>}
      {symptoms > 0 && (
        <p>
          and {symptoms} more{places.length > 0 && `: ${placesText(places)}`}
        </p>
      )}
      <p class="state">{incidentState(incident, now, timeZone.value)}</p>
    </section>
  );
}

export type Give = (order: IncidentOrder) => Promise<IncidentDetail | null>;
export interface OrderProps {
  isSending: boolean;
  /** Null when the hub refused, or could not be asked; the page then says why. */
  give: Give;
}

function Acknowledge(props: OrderProps & { incident: IncidentDetail }) {
  const { incident, isSending, give } = props;
  const waiting = incident.members.filter(({ acknowledged }) => !acknowledged).length;
  if (waiting === 0 || incident.state === "closed") return null;
  const words = waiting === 1 ? "Acknowledge" : `Acknowledge all ${waiting}`;
  return (
    <div class="orders">
      <button
        type="button"
        class="main-button"
        disabled={isSending}
        onClick={() => void give({ word: "ack" })}
      >
        {isSending ? "Sending …" : words}
      </button>
    </div>
  );
}

/** The detail, asked for again when the stream shows another state, and every ten seconds while open. */
function useIncident(id: string, live: IncidentView | undefined) {
  const [detail, setDetail] = useState<IncidentDetail | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const mark = JSON.stringify(live && { ...live, race: null, title: "" });
  const isClosed = live?.state === "closed";
  useEffect(() => {
    // The mark alone says that something changed.
    void mark;
    let isStopped = false;
    const load = async () => {
      try {
        const found = await getIncident(id);
        if (isStopped) return;
        setDetail(found);
        setProblem(null);
      } catch (error) {
        if (!isStopped) setProblem(errorText(error));
      }
    };
    void load();
    const timer = isClosed ? undefined : setInterval(() => void load(), REFRESH_MS);
    return () => {
      isStopped = true;
      clearInterval(timer);
    };
  }, [id, mark, isClosed]);

  const give: Give = async (order) => {
    setSending(true);
    setProblem(null);
    try {
      const answer = await orderIncident(id, order);
      // The answer to a split is the new incident.
      setDetail(answer.id === id ? answer : await getIncident(id));
      return answer;
    } catch (error) {
      setProblem(errorText(error));
      return null;
    } finally {
      setSending(false);
    }
  };
  return { detail, problem, isSending, give };
}
