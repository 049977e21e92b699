import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import type { Clock, EpochMs } from "../contract/clock.ts";

const ASK_EVERY_MS = 60_000;
const ANSWER_MS = 5_000;
/** A hardware clock this close to the wall clock is where the wall clock came from. */
const SAME_CLOCK_MS = 60_000;
/** Where timesyncd leaves a file once it has set the clock, and where the kernel shows hardware clocks. */
const PLACES = {
  timesyncdFlag: "/run/systemd/timesync/synchronized",
  hardwareClocks: "/sys/class/rtc",
};
/** chrony's name for "no source but myself". */
const CHRONY_LOCAL = "7F7F0101";
/** Further off, chrony is still slewing and the time is not right yet. */
const LARGEST_OFFSET_S = 1;
/** adjtimex(2): the kernel's clock is not disciplined by anybody. */
const STA_UNSYNC = 0x40;
const TIME_ERROR = 5;

/** `unknown` where nothing can be asked, as in a container. */
export type Verdict = "synced" | "unsynced" | "unknown";

/** What the machine says about its wall clock. */
export interface ClockEvidence {
  service: Verdict;
  /** A battery-backed clock runs, and agrees. */
  hardwareClock: boolean;
}

/** One program that knows the state of the clock, and how to understand its answer. */
interface Witness {
  program: string;
  args: readonly string[];
  verdict: (answer: string) => Verdict;
}

/**
 * `timedatectl` reads the kernel's flag, which chrony sets only with `rtcsync`; so chrony is asked
 * itself, and the kernel where there is no systemd.
 */
const WITNESSES: readonly Witness[] = [
  {
    program: "timedatectl",
    args: ["show", "-p", "NTPSynchronized", "--value"],
    verdict: timedatectlVerdict,
  },
  { program: "chronyc", args: ["-c", "tracking"], verdict: chronyVerdict },
  { program: "adjtimex", args: ["-p"], verdict: adjtimexVerdict },
];

export function timedatectlVerdict(answer: string): Verdict {
  return { yes: "synced" as const, no: "unsynced" as const }[answer.trim()] ?? "unknown";
}

/** Fields of `chronyc -c tracking`: reference id first, offset in seconds fifth, leap status last. */
export function chronyVerdict(answer: string): Verdict {
  const fields = answer.trim().split(",");
  const [reference, , , , offset] = fields;
  if (fields.length < 14 || !reference || !offset) return "unknown";
  const followed = reference !== "00000000" && reference !== CHRONY_LOCAL;
  const settled = fields.at(-1) !== "Not synchronised";
  const near = Math.abs(Number(offset)) < LARGEST_OFFSET_S;
  return followed && settled && near ? "synced" : "unsynced";
}

/** Both Debian's and BusyBox' `adjtimex -p`. */
export function adjtimexVerdict(answer: string): Verdict {
  const status = /status:\s*(\d+)/.exec(answer)?.[1];
  const state = /return value\s*[=:]\s*(\d+)/.exec(answer)?.[1];
  if (status === undefined && state === undefined) return "unknown";
  const loose = (Number(status ?? 0) & STA_UNSYNC) !== 0 || Number(state ?? 0) === TIME_ERROR;
  return loose ? "unsynced" : "synced";
}

/** Runs a program and returns what it printed; undefined when it is not there or has nothing to say. */
export type Ask = (program: string, args: readonly string[]) => Promise<string | undefined>;

/** One witness who has seen the clock set is enough. */
export async function askServices(ask: Ask): Promise<Verdict> {
  let all: Verdict = "unknown";
  for (const { program, args, verdict } of WITNESSES) {
    const answer = await ask(program, args);
    const said = answer === undefined ? "unknown" : verdict(answer);
    if (said === "synced") return said;
    if (said === "unsynced") all = said;
  }
  return all;
}

/** Asks this machine; the time services at most once a minute. */
export function machineEvidence(
  clock: Clock,
  ask: Ask = run,
  { timesyncdFlag, hardwareClocks } = PLACES,
): () => Promise<ClockEvidence> {
  let service: Verdict = "unknown";
  let askAtMs = -Infinity;
  return async () => {
    if (existsSync(timesyncdFlag)) service = "synced";
    else if (clock.monoMs() >= askAtMs) {
      askAtMs = clock.monoMs() + ASK_EVERY_MS;
      service = await askServices(ask);
    }
    return { service, hardwareClock: hasHardwareClock(hardwareClocks, clock.nowMs()) };
  };
}

async function run(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const env = { ...process.env, LC_ALL: "C" };
    const { stdout } = await promisify(execFile)(program, args, { timeout: ANSWER_MS, env });
    return stdout;
  } catch (error) {
    // Not installed, no daemon behind it, or another init: this one cannot say.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function hasHardwareClock(folder: string, now: EpochMs): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((name) => {
    const kept = keptMs(path.join(folder, name, "since_epoch"));
    return kept !== undefined && Math.abs(kept - now) < SAME_CLOCK_MS;
  });
}

/** What a hardware clock shows; undefined when it has none, as one whose battery is empty (EINVAL). */
function keptMs(file: string): EpochMs | undefined {
  try {
    return Number(readFileSync(file, "utf8")) * 1_000;
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
