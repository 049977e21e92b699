import { useState } from "preact/hooks";
import type { IncidentDetail } from "../../contract/incident.ts";
import { useView } from "../view.ts";
import type { OrderProps } from "./incident.tsx";

const MAX_NOTE = 1_000;

/** What a person saw or did, for the next one on duty. */
export function NoteForm({ isSending, give }: OrderProps) {
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = String(new FormData(form).get("text") ?? "").trim();
    if (text !== "" && (await give({ word: "note", text }))) form.reset();
  };
  return (
    <form class="note" onSubmit={submit}>
      <label for="note">Add a note</label>
      <input id="note" name="text" required maxLength={MAX_NOTE} autocomplete="off" />
      <button type="submit" disabled={isSending}>
        {isSending ? "Sending …" : "Add"}
      </button>
    </form>
  );
}

/** For when the folding is wrong: into another incident, or one alarm out of this one. */
export function MoveForm(props: OrderProps & { incident: IncidentDetail }) {
  const { incident, isSending, give } = props;
  const { store } = useView();
  const [moved, setMoved] = useState<IncidentDetail | null>(null);
  const others = (store.incidents.value ?? []).filter(
    ({ id, state }) => id !== incident.id && state !== "closed",
  );
  const { members } = incident;
  if (others.length === 0 && members.length < 2 && !moved) return null;
  const merge = async (into: string) => {
    const answer = await give({ word: "merge", into });
    if (answer) location.assign(`/incidents/${answer.id}`);
  };
  const split = async (alarm: string) => setMoved(await give({ word: "split", alarm }));
  return (
    <details class="panel">
      <summary>Does not belong together?</summary>
      {members.length > 1 && (
        <Choice
          id="split"
          label="Make this alarm an incident of its own"
          choices={members.map(({ alarm, title }) => [alarm, title])}
          button="Take out"
          isSending={isSending}
          onChoose={split}
        />
      )}
      {others.length > 0 && (
        <Choice
          id="merge"
          label="Put everything here into another incident"
          choices={others.map(({ id, title }) => [id, title])}
          button="Put together"
          isSending={isSending}
          onChoose={merge}
        />
      )}
      {moved && (
        <p class="state" role="status">
          Taken out: <a href={`/incidents/${moved.id}`}>{moved.title}</a>
        </p>
      )}
    </details>
  );
}

function Choice(props: {
  id: string;
  label: string;
  choices: [value: string, words: string][];
  button: string;
  isSending: boolean;
  onChoose: (value: string) => Promise<void>;
}) {
  const { id, label, choices, button, isSending, onChoose } = props;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    void onChoose(String(form.get("choice") ?? ""));
  };
  return (
    <form class="note" onSubmit={submit}>
      <label for={id}>{label}</label>
      <select id={id} name="choice" required>
        {choices.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      <button type="submit" disabled={isSending}>
        {button}
      </button>
    </form>
  );
}
