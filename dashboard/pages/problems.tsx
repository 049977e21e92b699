import { useState } from "preact/hooks";
import type { Problem } from "../../contract/alarm-health.ts";
import { errorText, type Identity } from "../api.ts";
import { getProblems, noteProblem, solveProblem } from "../care-api.ts";
import { fullTime, shortDate, utcOffset } from "../time.ts";
import { useView } from "../view.ts";
import { mayOperate } from "./alarms.tsx";
import { Trouble, useAsked, Waiting } from "./asked.tsx";
import "./care.css";

const DAYS = 30;
const MAX_NOTE = 2_000;
const STATES: Record<Problem["state"], string> = {
  open: "Cause not known yet",
  known: "Known",
  solved: "Solved, until it comes again",
};

/** Alarms that come again and again, and what people found out about them. */
export function ProblemsPage({ role }: { role: Identity["role"] }) {
  const { store, timeZone } = useView();
  const { value, problem, again } = useAsked(() => getProblems(DAYS));
  return (
    <>
      <h1>Problems</h1>
      <p class="summary">
        Alarms that came three times or more in {DAYS} days, and those with a note. A note shows
        with the alarm the next time. Times in {utcOffset(store.now.value, timeZone.value)}.
      </p>
      {value === null ? <Waiting problem={problem} /> : <Trouble problem={problem} />}
      {value?.length === 0 && <p class="quiet">None: no alarm came three times.</p>}
      <ul class="alarm-cards">
        {(value ?? []).map((each) => (
          <ProblemCard
            key={each.alarm}
            problem={each}
            canOperate={mayOperate(role)}
            onChange={again}
          />
        ))}
      </ul>
    </>
  );
}

function ProblemCard(props: { problem: Problem; canOperate: boolean; onChange: () => void }) {
  const { problem, canOperate, onChange } = props;
  const { timeZone } = useView();
  const [isWriting, setWriting] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const { title, times, firstAt, lastAt, note, state } = problem;
  const give = async (order: () => Promise<unknown>) => {
    try {
      await order();
      setWriting(false);
      setTrouble(null);
      onChange();
    } catch (error) {
      setTrouble(errorText(error));
    }
  };
  return (
    <li class="card" id={problem.alarm} data-problem={problem.alarm}>
      <div class="card-head">
        <h2>{title}</h2>
        <span class="age">{times}×</span>
      </div>
      <p class="state">
        {STATES[state]} · first {shortDate(firstAt, timeZone.value)}, last{" "}
        {fullTime(lastAt, timeZone.value)}
      </p>
      {note && (
        <p class="known-note">
          {note.text}
          {note.link && (
            <>
              {" "}
              <a href={note.link} rel="noreferrer noopener" target="_blank">
                More
              </a>
            </>
          )}
          <small>
            {note.by}, {fullTime(note.at, timeZone.value)}
          </small>
        </p>
      )}
      {canOperate && !isWriting && (
        <div class="orders">
          <button type="button" onClick={() => setWriting(true)}>
            {note ? "Change the note …" : "Write what is known …"}
          </button>
          {state !== "solved" && (
            <button type="button" onClick={() => void give(() => solveProblem(problem.alarm))}>
              Solved
            </button>
          )}
        </div>
      )}
      {isWriting && (
        <NoteForm
          problem={problem}
          onSave={(text, link) => give(() => noteProblem(problem.alarm, { text, link }))}
          onClose={() => setWriting(false)}
        />
      )}
      <Trouble problem={trouble} />
    </li>
  );
}

function NoteForm(props: {
  problem: Problem;
  onSave: (text: string, link: string | null) => Promise<void>;
  onClose: () => void;
}) {
  const { problem, onSave, onClose } = props;
  const id = `note-${problem.alarm}`;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const link = String(form.get("link") ?? "").trim();
    void onSave(String(form.get("text") ?? "").trim(), link === "" ? null : link);
  };
  return (
    <form class="shelve" onSubmit={submit}>
      <label for={id}>What is known, and what helps until it is mended</label>
      <textarea id={id} name="text" rows={3} maxLength={MAX_NOTE}>
        {problem.note?.text ?? ""}
      </textarea>
      <label for={`${id}-link`}>Link to a ticket or page (may stay empty)</label>
      <input
        id={`${id}-link`}
        name="link"
        type="url"
        maxLength={500}
        value={problem.note?.link ?? ""}
      />
      <div class="orders">
        <button type="submit" class="main-button">
          Save
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
