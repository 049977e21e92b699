import { useState } from "preact/hooks";
import type { Rehearsal } from "../../contract/alarm-health.ts";
import type { RuleText } from "../../contract/duty.ts";
import { errorText, type Identity } from "../api.ts";
import { getRehearsal, getRehearsals, getRules, startRehearsal } from "../care-api.ts";
import { spanText } from "../health-words.ts";
import { perDay, rehearsalVerdict } from "../rehearsal-words.ts";
import { fullTime, utcOffset } from "../time.ts";
import { useView } from "../view.ts";
import { Trouble, useAsked, Waiting } from "./asked.tsx";
import "./care.css";

const DAY_MS = 86_400_000;
const RANGES = [1, 7, 30, 90] as const;
const POLL_MS = 1_000;
const MAY_START: readonly Identity["role"][] = ["engineer", "admin"];

/** Plays what was measured over a changed rule: which alarms would have come, and which not. */
export function RehearsalPage({ role }: { role: Identity["role"] }) {
  const rules = useAsked(getRules);
  const earlier = useAsked(getRehearsals);
  const [chosen, setChosen] = useState<string | null>(null);
  const id = chosen ?? earlier.value?.[0]?.id ?? null;
  return (
    <>
      <h1>Rehearsal</h1>
      <p class="summary">
        Try a change of a rule on the last days before you make it. Nothing is changed and nobody is
        told; to keep it, write it into site.yaml.
      </p>
      {rules.value === null && <Waiting problem={rules.problem} />}
      {rules.value !== null && MAY_START.includes(role) && (
        <RuleForm rules={rules.value} onStarted={setChosen} />
      )}
      {!MAY_START.includes(role) && (
        <p class="quiet">Engineers and administrators may start one.</p>
      )}
      {id !== null && <Result key={id} id={id} />}
    </>
  );
}

function RuleForm(props: { rules: RuleText[]; onStarted: (id: string) => void }) {
  const { rules, onStarted } = props;
  const able = rules.filter(({ canRehearse }) => canRehearse);
  const [picked, setPicked] = useState(able[0]);
  const [text, setText] = useState(able[0]?.text ?? "");
  const [days, setDays] = useState<number>(7);
  const [trouble, setTrouble] = useState<string | null>(null);
  if (able.length === 0)
    return <p class="quiet">This site has no rule with a limit to rehearse.</p>;
  const pick = (id: string) => {
    const rule = able.find((each) => each.id === id);
    setPicked(rule);
    setText(rule?.text ?? "");
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const to = Date.now() - 1_000;
    try {
      // Readings are kept for 90 days to the second; the first of them may be gone in a moment.
      const from = to - days * DAY_MS + 3_600_000;
      const { id } = await startRehearsal({ rule: text, from, to });
      setTrouble(null);
      onStarted(id);
    } catch (error) {
      setTrouble(errorText(error));
    }
  };
  return (
    <form class="panel rule-form" onSubmit={(event) => void submit(event)}>
      <label>
        Rule
        <select
          name="rule"
          value={picked?.id ?? ""}
          onChange={(event) => pick(event.currentTarget.value)}
        >
          {able.map(({ id, title }) => (
            <option key={id} value={id}>
              {id} — {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        Change the limit, deadband or delay here
        <textarea
          name="text"
          rows={14}
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <label>
        Over the last
        <select
          name="days"
          value={String(days)}
          onChange={(event) => setDays(Number(event.currentTarget.value))}
        >
          {RANGES.map((each) => (
            <option key={each} value={each}>
              {each === 1 ? "day" : `${each} days`}
            </option>
          ))}
        </select>
      </label>
      <Trouble problem={trouble} />
      <div class="orders">
        <button type="submit" class="main-button">
          Rehearse
        </button>
        {picked && text !== picked.text && (
          <button type="button" onClick={() => setText(picked.text)}>
            As it is now
          </button>
        )}
      </div>
    </form>
  );
}

function Result({ id }: { id: string }) {
  const [isOver, setOver] = useState(false);
  const ask = async () => {
    const found = await getRehearsal(id);
    setOver(found.state !== "running");
    return found;
  };
  const { value: found, problem } = useAsked(ask, id, isOver ? undefined : POLL_MS);
  if (!found) return <Waiting problem={problem} />;
  if (found.state === "running")
    return (
      <p class="quiet" role="status">
        Playing history over the rule: {found.percent} %
      </p>
    );
  if (found.state === "failed")
    return <Trouble problem={`The rehearsal failed: ${found.error ?? "no reason known"}`} />;
  return <Played rehearsal={found} />;
}

function Played({ rehearsal }: { rehearsal: Rehearsal }) {
  const { store, timeZone } = useView();
  const { from, to, points, resolutionMs, items } = rehearsal;
  const zone = timeZone.value;
  const changed = items.filter(({ found }) => found !== "both");
  return (
    <section class="panel" data-rehearsal={rehearsal.id}>
      <h2>Then, and with this rule</h2>
      <p class="verdict-line">{rehearsalVerdict(rehearsal)}</p>
      <p class="quiet">
        {fullTime(from, zone).slice(0, 16)} to {fullTime(to, zone).slice(0, 16)},{" "}
        {utcOffset(store.now.value, zone)} · {points === 1 ? "1 point" : `${points} points`} · read
        every {spanText(resolutionMs / 1_000)}; shorter breaches do not show.
      </p>
      <Days rehearsal={rehearsal} />
      {changed.length > 0 && (
        <ul class="lines">
          {changed.slice(0, 50).map(({ alarm, title, raisedAt, clearedAt, found }) => (
            <li key={`${alarm}-${raisedAt}`} data-found={found}>
              <span>
                {title}
                <small>
                  {fullTime(raisedAt, zone)}
                  {clearedAt !== null && `, for ${spanText((clearedAt - raisedAt) / 1_000)}`}
                </small>
              </span>
              <span class="number">
                {found === "before-only" ? "would not have come" : "would have come"}
              </span>
            </li>
          ))}
        </ul>
      )}
      {changed.length > 50 && <p class="quiet">and {changed.length - 50} more</p>}
    </section>
  );
}

const BAR_WIDTH = 7;
const BAR_HEIGHT = 60;

function Days({ rehearsal }: { rehearsal: Rehearsal }) {
  const { timeZone } = useView();
  const days = perDay(rehearsal, timeZone.value);
  const most = Math.max(1, ...days.flatMap(({ before, after }) => [before, after]));
  const height = (count: number) => (count / most) * BAR_HEIGHT;
  const width = days.length * BAR_WIDTH * 2.6;
  return (
    <figure class="days">
      <svg
        viewBox={`0 0 ${width} ${BAR_HEIGHT}`}
        preserveAspectRatio="xMinYMax meet"
        role="img"
        aria-label="Alarms per day"
      >
        {days.map(({ day, before, after }, i) => (
          <g key={day} transform={`translate(${i * BAR_WIDTH * 2.6} 0)`}>
            <title>{`${day}: ${before} then, ${after} with this rule`}</title>
            <rect
              class="then"
              y={BAR_HEIGHT - height(before)}
              width={BAR_WIDTH}
              height={height(before)}
            />
            <rect
              class="now"
              x={BAR_WIDTH}
              y={BAR_HEIGHT - height(after)}
              width={BAR_WIDTH}
              height={height(after)}
            />
          </g>
        ))}
      </svg>
      <figcaption class="quiet">
        Alarms per day, at most {most}: <i class="key then" /> then <i class="key now" /> with this
        rule
      </figcaption>
    </figure>
  );
}
