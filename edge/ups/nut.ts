import { bad, good, type Measurement } from "../../contract/reading.ts";
import { judgeUps, UPS_FLAGS, type UpsFlag, type UpsRole, type UpsValue } from "./model.ts";

const PHASES = ["l1", "l2", "l3"] as const;

/** Values of one phase, by what NUT calls them (docs/nut-names.txt, "DOMAINs and CONTEXTs"). */
function phases<const Role extends string>(role: Role, nameOf: (phase: string) => string) {
  return Object.fromEntries(
    PHASES.map((phase) => [`${role}-${phase}`, nameOf(phase.toUpperCase())]),
  ) as Record<`${Role}-${(typeof PHASES)[number]}`, string>;
}

/** Where NUT keeps each value (docs/nut-names.txt). Units are those of the quantity: V, A, W, Hz, %, s, °C. */
const VARIABLES: Record<UpsValue, string> = {
  load: "ups.load",
  charge: "battery.charge",
  runtime: "battery.runtime",
  "input-voltage": "input.voltage",
  "output-voltage": "output.voltage",
  "battery-voltage": "battery.voltage",
  "battery-temperature": "battery.temperature",
  temperature: "ups.temperature",
  power: "ups.realpower",
  "output-current": "output.current",
  "input-frequency": "input.frequency",
  frequency: "output.frequency",
  ...phases("input-voltage", (phase) => `input.${phase}-N.voltage`),
  ...phases("output-voltage", (phase) => `output.${phase}-N.voltage`),
  ...phases("output-current", (phase) => `output.${phase}.current`),
  ...phases("load", (phase) => `output.${phase}.power.percent`),
};

/** Words of `ups.status` (docs/new-drivers.txt). Unknown ones come with new drivers and mean nothing here. */
const TOKENS = [
  ...["OL", "OB", "LB", "HB", "RB", "CHRG", "DISCHRG", "BYPASS", "CAL", "OFF"],
  ...["OVER", "TRIM", "BOOST", "FSD", "ALARM", "TEST"],
];

/** One UPS from the variables upsd lists. Never throws: what is missing or no number is bad. */
export function upsFromNut(
  variables: ReadonlyMap<string, string>,
  values: readonly UpsValue[],
): Map<UpsRole, Measurement> {
  const numbers = values.map((role) => [role, numberOf(variables.get(VARIABLES[role]))] as const);
  return new Map<UpsRole, Measurement>([...flagsFrom(variables.get("ups.status")), ...numbers]);
}

function flagsFrom(status: string | undefined): Map<UpsFlag, Measurement> {
  const tokens = new Set((status ?? "").split(/\s+/));
  const flags = Object.keys(UPS_FLAGS) as UpsFlag[];
  const all = (measurement: Measurement) => new Map(flags.map((flag) => [flag, measurement]));
  if (status === undefined) return all(bad("unsupported"));
  // upsd has not heard of the UPS yet: whatever stands beside it is no statement.
  if (tokens.has("WAIT")) return all(bad("not-ready"));
  if (!TOKENS.some((token) => tokens.has(token))) return all(bad("not-available"));
  const has = (...any: string[]) => good(any.some((token) => tokens.has(token)) ? 1 : 0);
  // OL and OB describe the input. Both at once is a driver's slip: the worse one counts.
  const input = tokens.has("OB") ? "OB" : tokens.has("OL") ? "OL" : undefined;
  const testing = has("CAL", "TEST");
  const judged = judgeUps({
    online: input ? good(input === "OL" ? 1 : 0) : bad("not-available"),
    onBattery: input ? good(input === "OB" ? 1 : 0) : bad("not-available"),
    batteryNearEmpty: has("LB"),
    shutdownOrdered: has("FSD"),
    testing,
  });
  return new Map(
    Object.entries({
      ...judged,
      bypass: has("BYPASS"),
      overload: has("OVER"),
      "output-off": has("OFF"),
      "replace-battery": has("RB"),
      testing,
      "communication-lost": good(0),
    } satisfies Record<UpsFlag, Measurement>) as [UpsFlag, Measurement][],
  );
}

function numberOf(text: string | undefined): Measurement {
  if (text === undefined) return bad("unsupported");
  return /^[-+]?\d+(\.\d+)?$/.test(text.trim()) ? good(Number(text)) : bad("not-available");
}
