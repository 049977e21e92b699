import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { errorCode } from "../bus/errno.ts";
import { type Judgement, judge, type Vitals } from "./judge.ts";

/** Tells systemd how the service is. Node cannot speak its datagram socket, so `systemd-notify` does. */
export interface Notifier {
  /** The unit's WatchdogSec in ms; undefined when it has none, or systemd does not run this program. */
  readonly watchdogMs: number | undefined;
  /** Sends lines such as `READY=1`. Never throws; a message while one is on its way replaces the one waiting. */
  notify(...lines: string[]): void;
  /** Resolves when everything was sent. */
  settled(): Promise<void>;
}

const NOTIFY_MS = 5_000;
/** Pets per watchdog time: two may fail before the service is killed. */
const PETS = 3;
const STATUS_EVERY_MS = 30_000;

export interface NotifierDeps {
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** Runs `systemd-notify` with these lines. */
  send?: (lines: readonly string[]) => Promise<void>;
}

export function createNotifier(deps: NotifierDeps): Notifier {
  const { env, log, send = (lines) => spawnNotify(lines, env) } = deps;
  const none = { watchdogMs: undefined, notify: () => undefined, settled: async () => undefined };
  if (!env.NOTIFY_SOCKET) return none;
  const microseconds = Number(env.WATCHDOG_USEC);
  // The variable is inherited by children; it means the process whose number it names.
  const meant = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
  const waiting = new Map<string, string>();
  let sending: Promise<void> | undefined;
  let failed = false;
  const drain = async () => {
    while (waiting.size > 0) {
      const lines = [...waiting].map(([name, value]) => `${name}=${value}`);
      waiting.clear();
      try {
        await send(lines);
        if (failed) log.info("systemd hears again");
        failed = false;
      } catch (error) {
        if (!failed) log.warn({ error: errorCode(error) }, "systemd cannot be told");
        failed = true;
      }
    }
    sending = undefined;
  };
  return {
    watchdogMs: microseconds > 0 && meant ? microseconds / 1_000 : undefined,
    notify(...lines) {
      // One value per name, so what waits stays small however long systemd takes.
      for (const line of lines) {
        const cut = line.indexOf("=");
        waiting.set(line.slice(0, cut), line.slice(cut + 1).replaceAll("\n", " "));
      }
      sending ??= drain();
    },
    settled: async () => sending,
  };
}

async function spawnNotify(lines: readonly string[], env: NotifierDeps["env"]): Promise<void> {
  await promisify(execFile)("systemd-notify", [...lines], { timeout: NOTIFY_MS, env });
}

export interface WatchdogDeps {
  notifier: Notifier;
  /** What stands now; the lag counts from the last call. */
  vitals: () => Vitals;
  /** One line for `systemctl status`, such as `48 points, 12 rows waiting`. */
  status: () => string;
  clock: Clock;
  log: Logger;
}

/** Says READY, and then pets the watchdog as long as the program really works. */
export async function runWatchdog(deps: WatchdogDeps, signal: AbortSignal): Promise<void> {
  const { notifier, vitals, status, clock, log } = deps;
  notifier.notify("READY=1", `STATUS=${status()}`);
  const everyMs = Math.min((notifier.watchdogMs ?? Infinity) / PETS, STATUS_EVERY_MS);
  let last: Judgement = { alive: true };
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal);
    if (signal.aborted) break;
    const now = judge(vitals());
    if (now.alive) notifier.notify("WATCHDOG=1", `STATUS=${status()}`);
    else notifier.notify(`STATUS=stuck: ${now.why}`);
    if (!now.alive && last.alive) log.error({ why: now.why }, "stuck; the watchdog is not petted");
    if (now.alive && !last.alive) log.info("works again");
    last = now;
  }
  notifier.notify("STOPPING=1", "STATUS=stopping");
  await notifier.settled();
}
