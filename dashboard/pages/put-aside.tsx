import { useState } from "preact/hooks";
import { errorText, type Identity } from "../api.ts";
import { dropRows, getPutAside, type PutAside, releaseRows } from "../care-api.ts";
import { fullTime, utcOffset } from "../time.ts";
import { useView } from "../view.ts";
import { Trouble, useAsked, Waiting } from "./asked.tsx";
import "./care.css";

const REFRESH_MS = 30_000;
const MAY_DECIDE: readonly Identity["role"][] = ["engineer", "admin"];

/** Readings the hub would not take: what they are, why, and a person's word on them. */
export function PutAsidePage({ role }: { role: Identity["role"] }) {
  const { store, timeZone } = useView();
  const [why, setWhy] = useState<string | null>(null);
  const { value, problem, again } = useAsked(() => getPutAside(why), why ?? "", REFRESH_MS);
  if (!value)
    return (
      <>
        <h1>Readings put aside</h1>
        <Waiting problem={problem} />
      </>
    );
  return (
    <>
      <h1>Readings put aside</h1>
      <p class="summary">
        {value.held === 0
          ? "None. Every reading that came could be stored."
          : `${value.held.toLocaleString("en")} kept, ${value.total.toLocaleString("en")} ever. They are in no chart and judged by no alarm.`}
      </p>
      <Trouble problem={problem} />
      <ul class="alarm-cards">
        {value.reasons.map((reason) => (
          <Reason
            key={reason.why}
            reason={reason}
            isChosen={reason.why === why}
            canDecide={MAY_DECIDE.includes(role)}
            onLook={() => setWhy(reason.why === why ? null : reason.why)}
            onChange={again}
          />
        ))}
      </ul>
      {value.items.length > 0 && <Rows items={value.items} />}
      {value.items.length > 0 && (
        <p class="quiet">
          {value.next !== null && "The newest 100. "}Times in{" "}
          {utcOffset(store.now.value, timeZone.value)}.
        </p>
      )}
    </>
  );
}

function Reason(props: {
  reason: PutAside["reasons"][number];
  isChosen: boolean;
  canDecide: boolean;
  onLook: () => void;
  onChange: () => void;
}) {
  const { reason, isChosen, canDecide, onLook, onChange } = props;
  const [isDropping, setDropping] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const give = async (order: () => Promise<string>) => {
    setTrouble(null);
    try {
      setSaid(await order());
      setDropping(false);
      onChange();
    } catch (error) {
      setTrouble(errorText(error));
    }
  };
  const release = () =>
    give(async () => {
      const { released, kept, more } = await releaseRows(reason.why);
      const rest = kept.length > 0 ? `, ${kept.length} still do not pass` : "";
      return `${released} stored${rest}${more ? "; there are more" : ""}.`;
    });
  const drop = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    void give(async () => {
      const { dropped, more } = await dropRows(reason.why, String(form.get("reason")).trim());
      return `${dropped} thrown away${more ? "; there are more" : ""}.`;
    });
  };
  const id = `drop-${reason.why.length}-${reason.count}`;
  return (
    <li class="card" data-why={reason.why}>
      <div class="card-head">
        <h2>{reason.why}</h2>
        <span class="age">{reason.count.toLocaleString("en")}</span>
      </div>
      <div class="orders">
        <button type="button" aria-pressed={isChosen} onClick={onLook}>
          {isChosen ? "Show all" : "Show only these"}
        </button>
        {canDecide && !isDropping && (
          <>
            <button type="button" onClick={() => void release()}>
              Try again
            </button>
            <button type="button" onClick={() => setDropping(true)}>
              Throw away …
            </button>
          </>
        )}
      </div>
      {isDropping && (
        <form class="shelve" onSubmit={drop}>
          <label for={id}>Thrown away for good. Why? It stands in the ledger with your name.</label>
          <input id={id} name="reason" required maxLength={500} autocomplete="off" />
          <div class="orders">
            <button type="submit" class="main-button">
              Throw away
            </button>
            <button type="button" onClick={() => setDropping(false)}>
              Cancel
            </button>
          </div>
        </form>
      )}
      {said && (
        <p class="state" role="status">
          {said}
        </p>
      )}
      <Trouble problem={trouble} />
    </li>
  );
}

function Rows({ items }: { items: PutAside["items"] }) {
  const { timeZone } = useView();
  return (
    <ul class="messages">
      {items.map(({ id, node, seq, receivedAt, why, row }) => (
        <li key={id}>
          <time>{fullTime(receivedAt, timeZone.value)}</time>
          <span>
            <b>{node}</b>
            <small>number {seq}</small>
          </span>
          <span class="how">
            {why}
            <code>{row.length > 200 ? `${row.slice(0, 200)} …` : row}</code>
          </span>
        </li>
      ))}
    </ul>
  );
}
