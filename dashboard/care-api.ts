import type { AlarmHealth, Coverage, Drill, Problem, Rehearsal } from "../contract/alarm-health.ts";
import type { EpochMs } from "../contract/clock.ts";
import type { Duty, RuleText } from "../contract/duty.ts";
import { call } from "./api.ts";

/** The requests of the pages that look after the alarm system itself. */
interface List<T> {
  items: T[];
}
const listOf = async <T>(path: string): Promise<T[]> =>
  ((await call("GET", path)) as List<T>).items;

export async function getAlarmHealth(from: EpochMs, to: EpochMs): Promise<AlarmHealth> {
  return (await call("GET", `alarm-health?from=${from}&to=${to}`)) as AlarmHealth;
}

export async function getCoverage(): Promise<Coverage> {
  return (await call("GET", "coverage")) as Coverage;
}

export const getDrills = (): Promise<Drill[]> => listOf("drills");

export async function startDrill(): Promise<Drill> {
  return (await call("POST", "drills", {})) as Drill;
}

export const getDuty = (): Promise<Duty[]> => listOf("duty");

export const getProblems = (days: number): Promise<Problem[]> => listOf(`problems?days=${days}`);

export async function noteProblem(
  id: string,
  note: { text: string; link: string | null },
): Promise<Problem> {
  return (await call("POST", `problems/${encodeURIComponent(id)}/note`, note)) as Problem;
}

export async function solveProblem(id: string): Promise<Problem> {
  return (await call("POST", `problems/${encodeURIComponent(id)}/solved`, {})) as Problem;
}

export const getRules = (): Promise<RuleText[]> => listOf("rules");

export const getRehearsals = (): Promise<Rehearsal[]> => listOf("rehearsals");

export async function getRehearsal(id: string): Promise<Rehearsal> {
  return (await call("GET", `rehearsals/${encodeURIComponent(id)}`)) as Rehearsal;
}

export async function startRehearsal(order: {
  rule: string;
  from: EpochMs;
  to: EpochMs;
}): Promise<Rehearsal> {
  return (await call("POST", "rehearsals", order)) as Rehearsal;
}

export interface PutAside {
  items: {
    id: number;
    node: string;
    seq: number;
    receivedAt: EpochMs;
    why: string;
    row: string;
  }[];
  next: string | null;
  total: number;
  held: number;
  reasons: { why: string; count: number }[];
}

export async function getPutAside(why: string | null): Promise<PutAside> {
  const rest = why === null ? "" : `&why=${encodeURIComponent(why)}`;
  return (await call("GET", `quarantine?limit=100${rest}`)) as PutAside;
}

export async function releaseRows(
  why: string,
): Promise<{ released: number; kept: { id: number; why: string }[]; more: boolean }> {
  return (await call("POST", "quarantine/release", { why })) as Awaited<
    ReturnType<typeof releaseRows>
  >;
}

export async function dropRows(
  why: string,
  reason: string,
): Promise<{ dropped: number; more: boolean }> {
  return (await call("POST", "quarantine/drop", { why, reason })) as {
    dropped: number;
    more: boolean;
  };
}
