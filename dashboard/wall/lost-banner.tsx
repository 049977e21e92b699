import { clockTime, stopwatch } from "../time.ts";
import { useView } from "../view.ts";

/** Stands over the header as long as nothing is heard: whatever is below it is the past. */
export function LostBanner() {
  const { store, timeZone } = useView();
  if (!store.lost.value) return null;
  const zone = timeZone.value;
  const tries = store.attempts.value > 0 ? `, try ${store.attempts.value}` : "";
  return (
    <div class="bn" role="alert">
      <span>No data from the hub for {stopwatch(store.silentMs.value)}</span>
      <span class="bn-rest">
        {`Values shown are from ${clockTime(store.heardAt.value, zone)} · reconnecting${tries} · now ${clockTime(store.now.value, zone)}`}
      </span>
    </div>
  );
}
