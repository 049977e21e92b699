import type { Order } from "../schema.ts";
import type { ProbeDecode, ProbeReport, ProbeRow, Shift } from "./probe.ts";

/** A probe as a person reads it: a line for each reading, ✓ beside what is plausible, then the verdict. */
export function probeText(report: ProbeReport): string {
  return [...report.rows.map(rowText), "", verdictText(report)].join("\n");
}

/** One line of the table, to be printed while the probe runs. */
export function rowText({ field, shift, wire, error, decodes }: ProbeRow): string {
  const name = shift === 0 ? field.id : `  ${shift > 0 ? "+1" : "−1"}`;
  const place = `${field.fc}:${field.address + shift}`;
  const start = `${name.padEnd(22)} ${place.padEnd(8)} ${field.type.padEnd(10)}`;
  if (!wire) return `${start} ${error}`;
  return `${start} ${hex(wire).padEnd(20)} ${decodes.map(decodeText).join("  ")}`.trimEnd();
}

function hex(wire: Uint16Array | boolean[]): string {
  if (!(wire instanceof Uint16Array)) return wire.map((bit) => (bit ? "1" : "0")).join("");
  const words = [...wire].map((word) => word.toString(16).padStart(4, "0"));
  return words.length > 4 ? `${words.slice(0, 4).join(" ")} …` : words.join(" ");
}

function decodeText({ order, decoded, plausible }: ProbeDecode): string {
  const value = "reason" in decoded ? `(${decoded.reason})` : short(decoded.value);
  return `${order} ${value}${plausible ? " ✓" : ""}`;
}

function short(value: number | string): string {
  if (typeof value === "string") return `"${value}"`;
  const plain = Math.abs(value) >= 1e7 || (value !== 0 && Math.abs(value) < 1e-3);
  return plain ? value.toExponential(2) : String(Number(value.toPrecision(7)));
}

/** How many values are plausible in each reading of the document; the best one is named. */
export function verdictText({ rows, silent, unit, profile }: ProbeReport): string {
  if (silent) return `Unit ${unit} does not answer. Check unit number, speed, parity and wiring.`;
  const telling = rows.filter((row) => row.decodes.length > 1 && isTelling(row));
  const own = telling.find(({ shift }) => shift === 0)?.field.order ?? "ABCD";
  const counts = readings().map(({ order, shift }) => ({
    order,
    shift,
    count: telling.filter((row) => row.shift === shift && inOrder(row, order)?.plausible).length,
  }));
  const refused = rows
    .filter(({ wire, shift }) => !wire && shift === 0)
    .map(({ field }) => field.id);
  const missing = refused.length > 0 ? `\nNot given: ${refused.join(", ")}.` : "";
  const stated = counts.find(({ order, shift }) => order === own && shift === 0)?.count ?? 0;
  const best = counts.reduce((a, b) => (b.count > a.count ? b : a), {
    order: own as Order,
    shift: 0 as Shift,
    count: stated,
  });
  if (telling.length === 0)
    return `Nothing but zeros to judge by; put a load on the device.${missing}`;
  if (best.count === 0)
    return `Nothing is plausible in any byte order or one register beside: another model?${missing}`;
  if (best.count === stated)
    return `${stated} values are plausible as ${profile.id} says (${own}).${missing}`;
  const place = best.shift === 0 ? "" : ` and ${best.shift > 0 ? "+1" : "−1"} on every address`;
  return `As ${profile.id} says (${own}), ${stated} values are plausible; with ${best.order}${place}, ${best.count} are.${missing}`;
}

/** One register has bytes to swap, but no words. */
const inOrder = ({ decodes }: ProbeRow, order: Order) =>
  decodes.find((decode) => decode.order === order) ??
  decodes.find((decode) => decode.order === { CDAB: "ABCD", DCBA: "BADC" }[order as "CDAB"]);

/** Zeros fit everywhere and tell nothing. */
const isTelling = ({ wire }: ProbeRow) => wire?.some((word) => Number(word) !== 0);

const readings = () =>
  ([0, -1, 1] as const).flatMap((shift) =>
    (["ABCD", "CDAB", "BADC", "DCBA"] as const).map((order) => ({ order, shift })),
  );
