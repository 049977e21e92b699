import type { EpochMs } from "./clock.ts";

/**
 * Why a value is missing or in doubt. Bad: nothing was measured. Uncertain: measured, but not to be
 * alarmed or averaged as if sound.
 */
export const BAD_REASONS = [
  "no-answer", // the device did not acknowledge or reply
  "checksum", // bytes arrived damaged
  "bus", // the whole bus is stuck, gone or hung
  "identity", // another kind of device answers at this address
  "not-ready", // no conversion has finished; power-on value
  "not-available", // the device itself says it has no value
  "range", // outside what the device can measure
  "wire", // open or shorted sensor loop
  "refused", // the device answered with an exception
  "reset", // the device lost its configuration; sample discarded
  "unsupported", // no driver or register for this point
] as const;
export const UNCERTAIN_REASONS = ["implausible", "frozen", "condensed", "step", "clock"] as const;

export type BadReason = (typeof BAD_REASONS)[number];
export type UncertainReason = (typeof UNCERTAIN_REASONS)[number];

/** What was measured, or honestly not: a bad measurement has no value. */
export type Measurement =
  | { quality: "good"; value: number }
  | { quality: "uncertain"; value: number; reason: string }
  | { quality: "bad"; reason: string };

/** One measurement of one point at one time. */
export type Reading = { point: string; at: EpochMs } & Measurement;

export const good = (value: number): Measurement => ({ quality: "good", value });
export const uncertain = (value: number, reason: UncertainReason): Measurement => ({
  quality: "uncertain",
  value,
  reason,
});
export const bad = (reason: BadReason): Measurement => ({ quality: "bad", reason });

/** A point whose newest reading is older than this is stale: three missed periods, but never under 30 s. */
export function staleAfterMs(periodMs: number): number {
  return Math.max(3 * periodMs, 30_000);
}
