import { Badge } from "../badge.tsx";
import { isRowOver, type ListRow, moreText, spokenFor, waitingIn } from "../incident-fold.ts";
import { raceLine, raceWords } from "../race-words.ts";
import { fitText, textEm } from "../text-fit.ts";
import { alarmAge } from "../time.ts";
import { useView } from "../view.ts";
import type { ListPlan } from "./list-plan.ts";

/** How long a new alarm's badge pulses. */
const NEW_MS = 5_000;

interface Facts {
  age: string;
  /** `not ack`, `ack KN`; with `cleared` before it when the cause is gone. */
  ack: string;
  isWaiting: boolean;
  isNew: boolean;
  isOver: boolean;
}

function useFacts(row: ListRow): Facts {
  const { store } = useView();
  const { alarm, incident, folded } = row;
  const now = store.now.value;
  const raisedAt = incident && folded.length > 0 ? incident.openedAt : alarm.raisedAt;
  const newest = Math.max(...spokenFor(row).map((each) => each.raisedAt ?? 0));
  const waiting = waitingIn(row);
  const some = waiting < spokenFor(row).length ? `${waiting} not ack` : "not ack";
  return {
    age: alarmAge(raisedAt === null ? 0 : now - raisedAt),
    ack: waiting > 0 ? some : `ack ${initials(alarm.ack?.by ?? "")}`,
    isWaiting: waiting > 0,
    isNew: now - newest < NEW_MS,
    isOver: isRowOver(row),
  };
}

/** Leads to the incident, for a wall that has a mouse; looks like the words it holds. */
function Title({ row, text }: { row: ListRow; text: string }) {
  if (!row.incident) return <>{text}</>;
  return (
    <a class="plain" href={`/incidents/${row.incident.id}`}>
      {text}
    </a>
  );
}

/** Two letters for a name: the wall shows no names. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const [first, second] = words;
  if (!first) return "";
  return (
    second ? `${[...first][0]}${[...second][0]}` : [...first].slice(0, 2).join("")
  ).toUpperCase();
}

function AckMark({ facts }: { facts: Facts }) {
  const { ack, isWaiting, isOver } = facts;
  return (
    <>
      {isOver && "cleared · "}
      {isWaiting ? <b class="un">{ack}</b> : ack}
    </>
  );
}

/** Beside the badge and inside the card's padding, in drawing units. */
const CARD_EXTRAS = 4.25 * 16 + 16 + 2 * 16;
const CARD_TITLE = { max: 51, min: 31 };
const ROW_EXTRAS = 2.75 * 16 + 0.9 * 16 + 0.9 * 16;
const ROW_TITLE = { max: 31, min: 22 };

const CARD_LINE = { max: 30, min: 20 };
const CARD_MORE_MAX = 24;

/** The race clock first, then what stands behind the title; without either the alarm's own detail. */
function cardLines(row: ListRow, now: number, room: number) {
  const { alarm, incident } = row;
  const more = moreText(row, (text) => textEm(text) * CARD_LINE.min <= room);
  if (!incident?.race) return [{ text: more || alarm.detail, max: CARD_LINE.max }];
  const { heat, power, first } = raceWords(incident.race, now);
  const ending = [power, first].filter((part) => part !== "").join(" · ");
  return [
    { text: heat, max: CARD_LINE.max },
    { text: ending, max: CARD_LINE.max },
    { text: more, max: CARD_MORE_MAX },
  ].filter(({ text }) => text !== "");
}

export function BigCard({ row, width }: { row: ListRow; width: number }) {
  const { alarm, incident, priority } = row;
  const { store } = useView();
  const facts = useFacts(row);
  const room = width - CARD_EXTRAS;
  const fit = fitText(alarm.title, room, CARD_TITLE);
  const isLong = fit.text !== alarm.title;
  const lines = cardLines(row, store.now.value, room);
  const race = incident?.race ? `race ${row.folded.length > 0 ? "with-more" : ""}` : "";
  return (
    <div class={`big p${priority} ${race}`} {...marksOf(row)}>
      <div class={`mark ${facts.isNew ? "new" : ""}`}>
        <Badge priority={priority} rem={4.1} />
      </div>
      <h2
        class={isLong ? "two-lines" : ""}
        style={{ fontSize: `${isLong ? 1.9 : fit.size / 16}rem` }}
      >
        <Title row={row} text={alarm.title} />
      </h2>
      {lines.map(({ text, max }) => (
        <CardLine key={text} text={text} room={room} max={isLong ? 22 : max} />
      ))}
      <p class="m">
        <span>{facts.age}</span>
        <span>
          <AckMark facts={facts} />
        </span>
      </p>
    </div>
  );
}

function CardLine({ text, room, max }: { text: string; room: number; max: number }) {
  const fit = fitText(text, room, { ...CARD_LINE, max });
  return (
    <p class="d" style={{ fontSize: `${fit.size / 16}rem` }}>
      {fit.text}
    </p>
  );
}

/** So that a test, or a style sheet of the house, finds the row. */
const marksOf = ({ alarm, incident, folded }: ListRow) => ({
  "data-alarm": alarm.id,
  ...(incident && folded.length > 0 ? { "data-incident": incident.id } : {}),
});

export const ROW_LINE = { max: 22, min: 17 };

export function Row({ row, width }: { row: ListRow; width: number }) {
  const { alarm, incident, priority } = row;
  const { store } = useView();
  const facts = useFacts(row);
  const inner = width - ROW_EXTRAS;
  const fit = fitText(alarm.title, inner - textEm(facts.age) * ROW_TITLE.max, ROW_TITLE);
  const ackEm = textEm(facts.ack) + (facts.isOver ? 4.5 : 0) + 1.5;
  const more = moreText(row, (text) => (textEm(text) + ackEm) * ROW_LINE.max <= inner);
  const race = incident?.race ? raceLine(incident.race, store.now.value) : null;
  const raceFit = fitText(race ?? "", inner, ROW_LINE);
  return (
    <div
      class={`row p${priority} ${facts.isOver ? "over" : ""} ${race === null ? "" : "race"}`}
      {...marksOf(row)}
    >
      <div class={`mark ${facts.isNew ? "new" : ""}`}>
        <Badge priority={priority} rem={2.7} />
      </div>
      <div class="line">
        <h4 style={{ fontSize: `${fit.size / 16}rem` }}>
          <Title row={row} text={fit.text} />
        </h4>
        <div class="a">{facts.age}</div>
      </div>
      <div class="line">
        <div class="d">{more || alarm.detail}</div>
        <div class="s">
          <AckMark facts={facts} />
        </div>
      </div>
      {race !== null && (
        <div class="r" style={{ fontSize: `${raceFit.size / 16}rem` }}>
          {raceFit.text}
        </div>
      )}
    </div>
  );
}

const SHORT_TITLE = { max: 26, min: 18 };
const SHORT_GAP = 12;

export function ShortRow(props: { row: ListRow; plan: ListPlan; width: number }) {
  const { row, plan, width } = props;
  const { alarm, folded, priority } = row;
  const facts = useFacts(row);
  const isWide = plan.kind === "short";
  const own = isWide ? width : (width - 16) / 2;
  const ack = isWide ? (textEm(facts.ack) + (facts.isOver ? 4.5 : 0)) * 22 + 15 + SHORT_GAP : 0;
  const more = folded.length > 0 ? ` +${folded.length}` : "";
  const room = own - 32 - 2 * SHORT_GAP - textEm(facts.age) * 22 - ack - textEm(more) * 26;
  const fit = fitText(alarm.title, room, SHORT_TITLE);
  return (
    <div class={`short p${priority} ${facts.isWaiting ? "unacked" : ""}`} {...marksOf(row)}>
      <span class={facts.isNew ? "new" : ""}>
        <Badge priority={priority} rem={1.7} />
      </span>
      <span class="h" style={{ fontSize: `${fit.size / 16}rem` }}>
        <Title row={row} text={fit.text} />
        {more}
      </span>
      {isWide && (
        <span class="s">
          <AckMark facts={facts} />
        </span>
      )}
      <span class="a">{facts.age}</span>
    </div>
  );
}
