import type { AlarmView } from "../../contract/api.ts";
import { shelve } from "../api.ts";
import { useView } from "../view.ts";

const CHOICES = [
  [15, "15 minutes"],
  [60, "1 hour"],
  [4 * 60, "4 hours"],
  [8 * 60, "8 hours"],
  [24 * 60 - 1, "24 hours"],
] as const;
const MAX_REASON = 200;

/** Shelving takes an alarm out of sight, so it needs an end and a reason. */
export function ShelveForm(props: {
  alarm: AlarmView;
  isSending: boolean;
  give: (order: () => Promise<AlarmView>) => Promise<boolean>;
  onClose: () => void;
}) {
  const { alarm, isSending, give, onClose } = props;
  const { store } = useView();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const reason = String(form.get("reason") ?? "").trim();
    const until = store.now.peek() + Number(form.get("minutes")) * 60_000;
    if (reason !== "" && (await give(() => shelve(alarm.id, { until: Math.round(until), reason }))))
      onClose();
  };
  const id = `shelve-${alarm.id}`;
  return (
    <form class="shelve" onSubmit={submit}>
      <label for={`${id}-minutes`}>Shelve for</label>
      <select id={`${id}-minutes`} name="minutes" required>
        {CHOICES.map(([minutes, words]) => (
          <option key={minutes} value={minutes}>
            {words}
          </option>
        ))}
      </select>
      <label for={`${id}-reason`}>Reason</label>
      <input id={`${id}-reason`} name="reason" required maxLength={MAX_REASON} autocomplete="off" />
      <div class="orders">
        <button type="submit" class="main-button" disabled={isSending}>
          {isSending ? "Sending …" : "Shelve"}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
