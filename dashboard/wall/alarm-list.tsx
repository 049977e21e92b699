import { hiddenText, listedAlarms } from "../alarm-order.ts";
import { chooseRows, foldRows, type ListRow } from "../incident-fold.ts";
import { raceLine } from "../race-words.ts";
import { fitText } from "../text-fit.ts";
import { clockTime, hourMinute } from "../time.ts";
import { useView } from "../view.ts";
import { BigCard, ROW_LINE, Row, ShortRow } from "./alarm-rows.tsx";
import { CalmPanel } from "./calm-panel.tsx";
import { planList } from "./list-plan.ts";
import { useSize } from "./size.ts";

export function AlarmList() {
  const view = useView();
  const { store } = view;
  const listed = listedAlarms(store.alarms.value);
  const rows = foldRows(listed, store.incidents.value);
  const folded = rows.length < listed.length ? " by cause" : "";
  const asOf = `Alarms as of ${clockTime(store.heardAt.value, view.timeZone.value)}`;
  return (
    <section class="al" aria-label="Alarms">
      <div class="cap">
        <span>{store.lost.value ? asOf : "Active alarms"}</span>
        <span>
          {listed.length > 0
            ? `${listed.length}${folded} · unacknowledged first`
            : shelvedText(view)}
        </span>
      </div>
      {listed.length > 0 ? <Listed rows={rows} /> : <CalmPanel />}
    </section>
  );
}

/** `shelved 1, until 16:00`, `suppressed 2`; empty when nothing is out of sight. */
export function shelvedText({ store, timeZone }: ReturnType<typeof useView>): string {
  const alarms = store.alarms.value;
  const shelved = alarms.filter((alarm) => alarm.shelved);
  const suppressed = alarms.filter((alarm) => alarm.suppressed).length;
  const outOfService = alarms.filter((alarm) => alarm.outOfService).length;
  const until = Math.min(...shelved.map((alarm) => alarm.shelved?.until ?? 0));
  return [
    ...(shelved.length > 0
      ? [`shelved ${shelved.length}, until ${hourMinute(until, timeZone.value)}`]
      : []),
    ...(suppressed > 0 ? [`suppressed ${suppressed}`] : []),
    ...(outOfService > 0 ? [`out of service ${outOfService}`] : []),
  ].join(" · ");
}

/** Room for the race clock in rem: under the card's title, and as a third line of a row. */
const CARD_RACE_REM = 3.1;
const CARD_MORE_REM = 1.8;
const ROW_RACE_REM = 1.9;

const hasRace = (row: ListRow) => row.incident?.race != null;

const cardExtraRem = ({ folded }: ListRow) =>
  CARD_RACE_REM + (folded.length > 0 ? CARD_MORE_REM : 0);

function Listed({ rows }: { rows: ListRow[] }) {
  const view = useView();
  const { ref, size } = useSize<HTMLDivElement>();
  // Either of these becomes the card.
  const firsts = [rows[0], rows.find((row) => row.priority === 1)];
  const cardRem = firsts.map((row) => (row && hasRace(row) ? cardExtraRem(row) : ROW_RACE_REM));
  const raceRows = rows.filter(hasRace).length;
  const raceRem = raceRows * ROW_RACE_REM + Math.max(...cardRem) - ROW_RACE_REM;
  const plan = planList(
    rows.filter((row) => row.priority === 1).length,
    rows.length,
    (size?.h ?? 0) / 16 - raceRem,
  );
  const { visible, hidden } = chooseRows(rows, plan.capacity);
  const [first, ...others] = visible;
  return (
    <>
      <div ref={ref} class={`rows rows-${plan.kind}`}>
        {size &&
          (plan.kind === "card" ? (
            <>
              {first && <BigCard row={first} width={size.w} />}
              {others.map((row) => (
                <Row key={row.alarm.id} row={row} width={size.w} />
              ))}
            </>
          ) : (
            <>
              <RaceStrip rows={rows} width={size.w} />
              {visible.map((row) => (
                <ShortRow key={row.alarm.id} row={row} plan={plan} width={size.w} />
              ))}
            </>
          ))}
      </div>
      <div class="more">
        <span>{hiddenText(hidden)}</span>
        <span>{shelvedText(view)}</span>
      </div>
    </>
  );
}

/** The race clock above a list too dense for it; of the first incident that has one. */
function RaceStrip({ rows, width }: { rows: ListRow[]; width: number }) {
  const { store } = useView();
  const race = rows.find(hasRace)?.incident?.race;
  if (!race) return null;
  const fit = fitText(raceLine(race, store.now.value), width, ROW_LINE);
  return (
    <div class="r strip" style={{ fontSize: `${fit.size / 16}rem` }}>
      {fit.text}
    </div>
  );
}
