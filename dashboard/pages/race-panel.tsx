import type { Race, RaceRack } from "../../contract/incident.ts";
import { bandText, minutesText, raceWords } from "../race-words.ts";
import { useView } from "../view.ts";

const SHOWN = 6;

/** How long the racks and the batteries have, were nothing done. */
export function RacePanel({ race }: { race: Race }) {
  const { store } = useView();
  const { heat, power, first } = raceWords(race, store.now.value);
  const rest = race.racks.slice(SHOWN);
  return (
    <section class="panel race-panel">
      <h2>Time left, were nothing done</h2>
      <p class="race-words">{[heat, power, first].filter((part) => part !== "").join(" · ")}</p>
      {race.ups.length > 1 && (
        <p class="state">
          {race.ups
            .map(({ label, minutes }) =>
              minutes === null ? `${label} not known` : `${label} ${minutesText(minutes)}`,
            )
            .join(" · ")}
        </p>
      )}
      {race.racks.length > 0 && <Racks racks={race.racks.slice(0, SHOWN)} />}
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more racks</summary>
          <Racks racks={rest} />
        </details>
      )}
    </section>
  );
}

function Racks({ racks }: { racks: readonly RaceRack[] }) {
  return (
    <table class="race-table">
      <thead>
        <tr>
          <th scope="col">Rack</th>
          <th scope="col" class="number">
            Now
          </th>
          <th scope="col" class="number">
            Limit
          </th>
          <th scope="col">Reached in</th>
        </tr>
      </thead>
      <tbody>
        {racks.map((rack) => (
          <tr key={rack.rack}>
            <th scope="row">
              <a href={`/rack/${rack.rack}`}>{rack.label}</a>
            </th>
            <td class="number">{rack.inletC === null ? "–" : `${rack.inletC.toFixed(1)} °C`}</td>
            <td class="number">{rack.limitC} °C</td>
            <td>{reached(rack)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function reached(rack: RaceRack): string {
  if (rack.minutes === 0) return "over it now";
  if (rack.why?.startsWith("rising so slowly")) return "more than 4\u00a0h";
  if (rack.minutes === null) return rack.why ?? "not known";
  return rack.why === null ? bandText(rack) : `${bandText(rack)}; ${rack.why}`;
}
