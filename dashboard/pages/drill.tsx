import { useEffect, useState } from "preact/hooks";
import type { Coverage, Drill } from "../../contract/alarm-health.ts";
import { errorText, type Identity } from "../api.ts";
import { getDrills, startDrill } from "../care-api.ts";
import { channelWord, deliveryWords } from "../channel-words.ts";
import { drillWords } from "../coverage-words.ts";
import { clockTime, fullTime, utcOffset } from "../time.ts";
import { useView } from "../view.ts";
import { Trouble, useAsked } from "./asked.tsx";

const RUNNING_MS = 2_000;
const IDLE_MS = 60_000;
const MAY_START: readonly Identity["role"][] = ["engineer", "admin"];

/** A test to every receiver: start one, watch it, and how the last ones went. */
export function DrillPanel(props: {
  role: Identity["role"];
  receivers: Coverage["receivers"];
  onDone: () => void;
}) {
  const { role, receivers, onDone } = props;
  const { store, timeZone } = useView();
  const [isRunning, setRunning] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const { value, problem, again } = useAsked(getDrills, "", isRunning ? RUNNING_MS : IDLE_MS);
  const [newest, ...older] = value ?? [];
  const goesOn = newest !== undefined && newest.doneAt === null;
  useEffect(() => {
    if (isRunning && !goesOn) onDone();
    setRunning(goesOn);
  }, [goesOn]);
  if (role === "wall") return null;
  const start = async () => {
    setAsking(false);
    try {
      await startDrill();
      setTrouble(null);
      again();
    } catch (error) {
      setTrouble(errorText(error));
    }
  };
  return (
    <section class="panel" data-drill={newest?.id ?? "none"}>
      <h2>Drill</h2>
      <p class="quiet">
        Sends a test through every receiver; it says that it is a test. One runs by itself every
        month.
      </p>
      {MAY_START.includes(role) && !isAsking && !goesOn && (
        <button type="button" disabled={receivers.length === 0} onClick={() => setAsking(true)}>
          Start a drill …
        </button>
      )}
      {isAsking && (
        <div class="shelve" role="alertdialog" aria-label="Start a drill">
          <p>
            A test goes to {receivers.map(({ id }) => id).join(", ")} now. People may be woken by
            it.
          </p>
          <div class="orders">
            <button type="button" class="main-button" onClick={() => void start()}>
              Send the test
            </button>
            <button type="button" onClick={() => setAsking(false)}>
              Cancel
            </button>
          </div>
        </div>
      )}
      <Trouble problem={trouble ?? problem} />
      {newest && <DrillReport drill={newest} />}
      {older.length > 0 && (
        <details>
          <summary>Earlier drills</summary>
          <ul class="lines">
            {older.slice(0, 24).map((drill) => (
              <li key={drill.id}>
                <span>
                  {fullTime(drill.startedAt, timeZone.value).slice(0, 16)}
                  <small>by {drill.by}</small>
                </span>
                <span class="number">{drillWords(drill)}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {newest && <p class="quiet">Times in {utcOffset(store.now.value, timeZone.value)}.</p>}
    </section>
  );
}

function DrillReport({ drill }: { drill: Drill }) {
  const { timeZone } = useView();
  return (
    <>
      <p aria-live="polite">
        <b>{drillWords(drill)}</b>
        <small class="under">
          {fullTime(drill.startedAt, timeZone.value)} by {drill.by}
        </small>
      </p>
      <ul class="lines">
        {drill.steps.map(({ receiver, kind, state, why, at, by, asked }) => (
          <li key={`${receiver}-${kind}`} data-state={state}>
            <span>
              {receiver}
              <small>
                {kind === "step" ? "step of a ladder" : channelWord(kind)}
                {asked && asked.length > 0 && ` · ${asked.join(", ")}`}
              </small>
            </span>
            <span class={`number${state === "failed" ? " off" : ""}`}>
              {state === "failed" && <i aria-hidden="true">▲ </i>}
              {deliveryWords({ state, attempts: 0 })}
              {state !== "queued" && ` ${clockTime(at, timeZone.value)}`}
              {by && <small>by {by}</small>}
              {why && <small>{why}</small>}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
