import { type Band, type Step, stepOf, tenthC, wholeC } from "../inlet-scale.ts";
import { heightWord } from "../places.ts";
import type { Showing } from "../staleness.ts";
import { shortAge } from "../time.ts";

/** One inlet of a rack, top first. */
export interface Inlet {
  id: string;
  shown: Showing;
}

interface Hottest {
  text: string;
  step: Step;
}
/** What a rack's tile says. A number stands alone only when every inlet of the rack is known now. */
export type RackState =
  | { kind: "known"; hottest: Hottest; strip: Step[]; isDoubtful: boolean }
  /** At least one inlet gives nothing; what the others say stands beside it, smaller. */
  | { kind: "missing"; which: string; age: string; rest: Hottest | null; strip: (Step | null)[] }
  /** Nothing new from any inlet: the last value, only ever shown as old. */
  | { kind: "stale"; last: string; age: string }
  | { kind: "none" };

/** Where the sensors are, when it is not all of them: `top`, `2 of 3`. */
function whichOf(missing: readonly Inlet[], all: readonly Inlet[]): string {
  if (missing.length === all.length) return "";
  const [only] = missing;
  return missing.length === 1 && only ? heightWord(only.id) : `${missing.length} of ${all.length}`;
}

export function rackState(inlets: readonly Inlet[], band: Band): RackState {
  if (inlets.every(({ shown }) => shown.kind === "never")) return { kind: "none" };
  const values = inlets.flatMap(({ shown }) => (shown.kind === "value" ? [shown.value] : []));
  const strip = inlets.map(({ shown }) =>
    shown.kind === "value" ? stepOf(shown.value, band) : null,
  );
  const hottest = values.length > 0 ? furthest(values, band) : null;
  if (values.length === inlets.length && hottest)
    return {
      kind: "known",
      hottest,
      strip: strip.filter((step) => step !== null),
      isDoubtful: inlets.some(({ shown }) => shown.kind === "value" && shown.doubt !== null),
    };
  const missing = inlets.filter(({ shown }) => shown.kind !== "value");
  const ages = missing.flatMap(({ shown }) => ("ageMs" in shown ? [shown.ageMs] : []));
  const age = ages.length > 0 ? shortAge(Math.max(...ages)) : "";
  const last = inlets.flatMap(({ shown }) =>
    shown.kind === "stale" && shown.value !== null ? [shown.value] : [],
  );
  if (last.length === inlets.length)
    return { kind: "stale", last: wholeC(Math.max(...last), band), age };
  return { kind: "missing", which: whichOf(missing, inlets), age, rest: hottest, strip };
}

function furthest(values: readonly number[], band: Band): Hottest {
  const value = Math.max(...values);
  return { text: wholeC(value, band), step: stepOf(value, band) };
}

/** The tile in words, for people who do not see it. */
export function rackSentence(label: string, inlets: readonly Inlet[], band: Band): string {
  const parts = inlets.map(({ id, shown }) => {
    const word = heightWord(id);
    switch (shown.kind) {
      case "value":
        return `${word} ${tenthC(shown.value, band)} °C`;
      case "never":
        return `${word} no reading yet`;
      default:
        return `${word} no reading for ${shortAge(shown.ageMs)}`;
    }
  });
  return `Rack ${label}: ${parts.length > 0 ? parts.join(", ") : "no inlet sensor"}`;
}
