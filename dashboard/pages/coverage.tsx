import type { Coverage } from "../../contract/alarm-health.ts";
import type { Identity } from "../api.ts";
import { getCoverage } from "../care-api.ts";
import { channelWord } from "../channel-words.ts";
import { coverageVerdict, provenText } from "../coverage-words.ts";
import { useView } from "../view.ts";
import { Trouble, useAsked, Waiting } from "./asked.tsx";
import { DrillPanel } from "./drill.tsx";
import "./care.css";

const REFRESH_MS = 30_000;
const SHOWN = 15;

/** What nobody would hear of, and the proof that everybody else would. */
export function CoveragePage({ role }: { role: Identity["role"] }) {
  const { value: coverage, problem, again } = useAsked(getCoverage, "", REFRESH_MS);
  if (!coverage)
    return (
      <>
        <h1>Coverage</h1>
        <Waiting problem={problem} />
      </>
    );
  const { words, isGood } = coverageVerdict(coverage);
  return (
    <>
      <h1>Coverage</h1>
      <p class={`verdict ${isGood ? "good" : "bad"}`} data-verdict={isGood ? "good" : "bad"}>
        {words}
      </p>
      <Trouble problem={problem} />
      <div class="care-columns">
        <Receivers coverage={coverage} />
        <DrillPanel role={role} receivers={coverage.receivers} onDone={again} />
        <Names
          title="Points that can never alarm"
          hint="No rule is about them, not even when they fall silent."
          names={coverage.unwatched.map(({ label }) => label)}
        />
        <Names
          title="Points watched only for silence"
          hint="A rule tells when they stop, none judges their value."
          names={(coverage.presenceOnly ?? []).map(({ label }) => label)}
        />
        <Names
          title="Rules that tell nobody"
          hint="Their alarms show on the wall and go no further."
          names={coverage.rulesWithoutReceiver}
        />
        <Names
          title="Rules about nothing"
          hint="No point or node has such a name; look for a typing error."
          names={coverage.rulesMatchingNothing}
        />
        <Names
          title="Nodes that may fall silent unseen"
          hint="No rule is about them."
          names={coverage.nodesNotWatched}
        />
      </div>
    </>
  );
}

function Receivers({ coverage: { receivers } }: { coverage: Coverage }) {
  const { store } = useView();
  return (
    <section class="panel">
      <h2>Receivers</h2>
      {receivers.length === 0 && <p class="quiet">None is set up under receivers in site.yaml.</p>}
      <ul class="lines">
        {receivers.map(({ id, kind, provenAt, overdue, failing }) => (
          <li key={id} data-receiver={id}>
            <span>
              {id}
              <small>{channelWord(kind)}</small>
              {failing !== null && <small class="off">▲ {failing}</small>}
            </span>
            <span class={`number${overdue ? " off" : ""}`}>
              {overdue && <i aria-hidden="true">▲ </i>}
              {provenText(provenAt, store.now.value)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Names(props: { title: string; hint: string; names: string[] }) {
  const { title, hint, names } = props;
  if (names.length === 0) return null;
  const rest = names.slice(SHOWN);
  return (
    <section class="panel">
      <h2>
        {title} <span class="quiet">{names.length}</span>
      </h2>
      <p class="quiet">{hint}</p>
      <NameList names={names.slice(0, SHOWN)} />
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more</summary>
          <NameList names={rest} />
        </details>
      )}
    </section>
  );
}

function NameList({ names }: { names: string[] }) {
  return (
    <ul class="lines">
      {names.map((name) => (
        <li key={name}>{name}</li>
      ))}
    </ul>
  );
}
