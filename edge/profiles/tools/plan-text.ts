import type { LineSpeed } from "../../bus/modbus-timing.ts";
import { loadProfile } from "../load.ts";
import { linePlan, lineShare, type PlannedRead, speedOf } from "./line-plan.ts";

/**
 * The requests of one device and what they cost on a serial line: the first line is the sum, such as
 * "3 requests, 42 registers, 168 ms at 9600". Throws `ProfileError` for an unknown or wrong profile.
 */
export function planText(id: string, baud?: number): string {
  const profile = loadProfile(id);
  const speed = speedOf(profile, baud);
  const plan = linePlan(profile, speed);
  const share = (100 * lineShare(profile, speed)).toFixed(1);
  return [
    `${id}: ${total(plan)} at ${speed.baud}`,
    ...plan.map((read) => `  ${line(read, profile.classes[read.class] ?? 0)}`),
    `One device takes ${share} % of a line at ${speed.baud} baud ${frame(speed)}, besides its own time to answer.`,
  ].join("\n");
}

function total(plan: readonly PlannedRead[]): string {
  const sum = (of: (read: PlannedRead) => number) => plan.reduce((n, read) => n + of(read), 0);
  const registers = sum(({ fc, count }) => (fc > 2 ? count : 0));
  const bits = sum(({ fc, count }) => (fc <= 2 ? count : 0));
  const parts = [
    `${plan.length} ${plan.length === 1 ? "request" : "requests"}`,
    ...(registers > 0 ? [`${registers} registers`] : []),
    ...(bits > 0 ? [`${bits} bits`] : []),
    `${Math.ceil(sum(({ lineMs }) => lineMs))} ms`,
  ];
  return parts.join(", ");
}

function line({ unit, fc, address, count, lineMs, fields }: PlannedRead, everyMs: number): string {
  const first = fields[0]?.id ?? "";
  const last = fields.at(-1)?.id ?? "";
  const span = count === 1 ? `${address}` : `${address}–${address + count - 1}`;
  const names = first === last ? first : `${first} … ${last}`;
  return [
    `every ${everyMs / 1_000} s`.padEnd(11),
    `unit ${unit} function ${fc}`.padEnd(20),
    span.padEnd(12),
    `${count} ${fc <= 2 ? "bits" : "registers"}`.padEnd(14),
    `${lineMs.toFixed(0)} ms`.padEnd(8),
    names,
  ].join(" ");
}

const frame = ({ parity, stop }: LineSpeed) => `8${parity.charAt(0).toUpperCase()}${stop}`;
