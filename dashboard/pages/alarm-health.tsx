import { useState } from "preact/hooks";
import type { AlarmHealth, Figure } from "../../contract/alarm-health.ts";
import { getAlarmHealth } from "../care-api.ts";
import { figureText, misses, spanText, verdict } from "../health-words.ts";
import { alarmAge, fullTime, hourMinute, shortDate, utcOffset } from "../time.ts";
import { useView } from "../view.ts";
import { Trouble, useAsked, Waiting } from "./asked.tsx";
import "./care.css";

const PERIODS = [
  [1, "24 hours"],
  [7, "7 days"],
  [30, "30 days"],
] as const;
const DAY_MS = 86_400_000;
/** Of fewer alarms ten are always most. */
const FEW = 200;

/** How well the alarms themselves do: are there few enough, and does somebody answer them. */
export function AlarmHealthPage() {
  const { store, timeZone } = useView();
  const [days, setDays] = useState<number>(7);
  const asked = useAsked(() => {
    const now = Date.now();
    return getAlarmHealth(now - days * DAY_MS, now);
  }, `${days}`);
  const { value: health, problem } = asked;
  return (
    <>
      <h1>Alarm health</h1>
      <fieldset class="ranges" aria-label="Period">
        {PERIODS.map(([each, words]) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === days}
            onClick={() => setDays(each)}
          >
            {words}
          </button>
        ))}
      </fieldset>
      {health ? (
        <>
          <Trouble problem={problem} />
          <Report health={health} />
          <p class="quiet">
            Counted from the ledger by the definitions of ISA-18.2 and EEMUA 191. Times in{" "}
            {utcOffset(store.now.value, timeZone.value)}.
          </p>
        </>
      ) : (
        <Waiting problem={problem} />
      )}
    </>
  );
}

function Report({ health }: { health: AlarmHealth }) {
  const { words, isGood } = verdict(health);
  const { acknowledge, clear } = health;
  return (
    <>
      <p class={`verdict ${isGood ? "good" : "bad"}`} data-verdict={isGood ? "good" : "bad"}>
        {words}
      </p>
      <ul class="figures">
        <li>
          <b>{health.raised.toLocaleString("en")}</b>
          <span>alarms sounded</span>
        </li>
        <FigureTile
          figure={health.perTenMinutes}
          words="in 10 minutes, on average"
          more="about 1 is very likely all right"
        />
        <FigureTile figure={health.worstTenMinutes} words="in the worst 10 minutes" />
        <FigureTile figure={health.timeInFlood} words="of the time in flood" />
        <FigureTile
          figure={health.topTenShare}
          words="of all come from the top ten"
          tooFew={health.raised < FEW}
        />
        <li>
          <b>{spanText(acknowledge.p50S)}</b>
          <span>
            until acknowledged, half of them; 95 of 100 within {spanText(acknowledge.p95S)}
          </span>
        </li>
        <li>
          <b>{spanText(clear.p50S)}</b>
          <span>until over, half of them; 95 of 100 within {spanText(clear.p95S)}</span>
        </li>
      </ul>
      <div class="care-columns">
        <TopTen health={health} />
        <Priorities health={health} />
        <Repeaters health={health} />
        <Standing health={health} />
        <Floods health={health} />
        <Operators health={health} />
      </div>
    </>
  );
}

function FigureTile(props: { figure: Figure; words: string; more?: string; tooFew?: boolean }) {
  const { figure, words, more, tooFew = false } = props;
  const isBad = !tooFew && misses(figure) === true;
  const aim = `aim: ${figure.bad === "above" ? "at most" : "at least"} ${figureText(figure.target, figure.unit)}`;
  return (
    <li data-missed={isBad}>
      <b>
        {isBad && (
          <i class="off" aria-hidden="true">
            ▲{" "}
          </i>
        )}
        {figureText(figure.value, figure.unit)}
      </b>
      <span>
        {words}
        <small>{[aim, more].filter(Boolean).join(" · ")}</small>
      </span>
    </li>
  );
}

function TopTen({ health: { topTen } }: { health: AlarmHealth }) {
  return (
    <section class="panel">
      <h2>Top ten</h2>
      {topTen.length === 0 && <p class="quiet">None.</p>}
      <ol class="bars">
        {topTen.map(({ alarm, title, times, sharePercent }) => (
          <li key={alarm} data-top={alarm}>
            <a href={`/problems#${encodeURIComponent(alarm)}`}>{title}</a>
            <span class="number">
              {times}× · {figureText(sharePercent, "%")}
            </span>
            <Bar percent={sharePercent} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Drawn as SVG, because the page's policy forbids styles in the markup. */
function Bar({ percent }: { percent: number }) {
  return (
    <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width={Math.max(0, Math.min(100, percent))} height="1" />
    </svg>
  );
}

const PRIORITY_WORDS = ["", "1 act now", "2 this hour", "3 this shift", "4 note"];

function Priorities({ health: { priorities } }: { health: AlarmHealth }) {
  return (
    <section class="panel">
      <h2>Priorities</h2>
      <ul class="bars">
        {priorities.map(({ priority, count, share }) => (
          <li key={priority} class={`p${priority}`}>
            <span>{PRIORITY_WORDS[priority] ?? priority}</span>
            <span class="number">
              {count} · {figureText(share.value, "%")}
              <small>
                {" "}
                aim {share.bad === "above" ? "≤" : "≥"} {share.target} %
              </small>
            </span>
            <Bar percent={share.value ?? 0} />
          </li>
        ))}
      </ul>
      <p class="quiet">When much is urgent, nothing is.</p>
    </section>
  );
}

function Repeaters({ health: { chattering, fleeting } }: { health: AlarmHealth }) {
  return (
    <section class="panel">
      <h2>Come and go</h2>
      {chattering.length + fleeting.length === 0 && <p class="quiet">None.</p>}
      <Times items={chattering} words="within a minute, again and again" />
      <Times items={fleeting} words="gone before anybody could act" />
    </section>
  );
}

function Times(props: { items: AlarmHealth["chattering"]; words: string }) {
  const { items, words } = props;
  if (items.length === 0) return null;
  return (
    <>
      <p class="quiet">{words}:</p>
      <ul class="lines">
        {items.slice(0, 10).map(({ alarm, title, times }) => (
          <li key={alarm}>
            <span>{title}</span>
            <span class="number">{times}×</span>
          </li>
        ))}
      </ul>
      {items.length > 10 && <p class="quiet">and {items.length - 10} more</p>}
    </>
  );
}

function Standing({ health: { standing, shelved } }: { health: AlarmHealth }) {
  const { store, timeZone } = useView();
  return (
    <section class="panel">
      <h2>Standing for more than a day</h2>
      {standing.length === 0 && <p class="quiet">None.</p>}
      <ul class="lines">
        {standing.slice(0, 20).map(({ alarm, title, since }) => (
          <li key={alarm}>
            <span>{title}</span>
            <span class="number">{alarmAge(store.now.value - since)}</span>
          </li>
        ))}
      </ul>
      {shelved.length > 0 && (
        <>
          <h2>Shelved now</h2>
          <ul class="lines">
            {shelved.map(({ alarm, title, by, until }) => (
              <li key={alarm}>
                <span>
                  {title}
                  <small>by {by}</small>
                </span>
                <span class="number">until {hourMinute(until, timeZone.value)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Floods({ health: { floods } }: { health: AlarmHealth }) {
  const { timeZone } = useView();
  return (
    <section class="panel">
      <h2>Floods</h2>
      <p class="quiet">More than 10 alarms in 10 minutes.</p>
      {floods.length === 0 && <p class="quiet">None.</p>}
      <ul class="lines">
        {floods.slice(-10).map(({ from, to, alarms }) => (
          <li key={from}>
            <span>
              {fullTime(from, timeZone.value).slice(0, 16)}
              <small>{spanText((to - from) / 1_000)} long</small>
            </span>
            <span class="number">{alarms} alarms</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Operators({ health: { operators, from } }: { health: AlarmHealth }) {
  const { timeZone } = useView();
  return (
    <section class="panel">
      <h2>Acknowledged by</h2>
      <p class="quiet">since {shortDate(from, timeZone.value)}</p>
      {operators.length === 0 && <p class="quiet">Nobody yet.</p>}
      <ul class="lines">
        {operators.map(({ name, acknowledged, p50S, p95S }) => (
          <li key={name}>
            <span>
              {name}
              <small>
                half within {spanText(p50S)}, 95 of 100 within {spanText(p95S)}
              </small>
            </span>
            <span class="number">{acknowledged}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
