import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { MARK } from "./workplace.ts";

/** As a service manager would. */
const RESTART_MS = 500;
const SAMPLE_MS = 500;
/** Of Debian's package faketime; undefined where it is not installed. */
export const FAKETIME = libfaketime();

export interface ServiceOptions {
  /** Program, then its arguments. */
  command: readonly string[];
  env?: Record<string, string>;
  logFile: string;
  /** The run's folder. */
  mark: string;
  /** More resident memory than this fails the run. */
  boundMb: number;
  /** File that says how far the process's wall clock is off; without it the clock is the machine's. */
  clockFile?: string | undefined;
  /** Told what it sends, when it has a channel. */
  onMessage?: (message: unknown) => void;
  /** Called after each start. */
  onStart?: (pid: number) => void;
  /** Called before it is started again by itself. */
  beforeRestart?: () => void;
}

/** One program of the site that is started again whenever it ends, unless it is held down. */
export class Service {
  peakMb = 0;
  /** Ends that nobody here caused, by code or signal. */
  readonly ownEnds: string[] = [];
  #child: ChildProcess | undefined;
  #wanted = false;
  #stopped = false;
  #sampler: NodeJS.Timeout | undefined;

  constructor(
    readonly name: string,
    readonly options: ServiceOptions,
  ) {
    this.setClock(0);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get hasClock(): boolean {
    return this.options.clockFile !== undefined;
  }

  start(): void {
    this.#wanted = true;
    if (this.#child || this.#stopped) return;
    const { command, env, logFile, mark, clockFile, onMessage } = this.options;
    const [program = "", ...args] = command;
    const child = spawn(program, args, {
      env: { ...process.env, ...env, [MARK]: mark, ...(clockFile ? faked(clockFile) : {}) },
      stdio: ["ignore", "pipe", "pipe", ...(onMessage ? (["ipc"] as const) : [])],
    });
    this.#child = child;
    const log = createWriteStream(logFile, { flags: "a" });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    child.on("message", (message) => onMessage?.(message));
    child.once("exit", (code, signal) => this.#ended(child, code ?? signal ?? "?"));
    child.once("close", () => log.end());
    this.#sampler ??= setInterval(() => this.#sample(), SAMPLE_MS);
    if (child.pid !== undefined) this.options.onStart?.(child.pid);
  }

  send(message: object): void {
    // A dead or full channel loses it; whoever sends says it again.
    if (this.#child?.connected) this.#child.send(message, () => undefined);
  }

  /** Kills it and keeps it down until `start`. */
  async hold(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (!child) return;
    child.kill(signal);
    if (signal !== "SIGKILL") child.kill("SIGCONT");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Seconds that its wall clock is ahead. */
  setClock(aheadS: number): void {
    const { clockFile } = this.options;
    if (clockFile) writeFileSync(clockFile, `${aheadS < 0 ? "" : "+"}${aheadS}s\n`);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#sampler);
    await this.hold(signal);
  }

  #ended(child: ChildProcess, why: number | string): void {
    for (const name of [`faketime_shm_${child.pid}`, `sem.faketime_sem_${child.pid}`])
      rmSync(`/dev/shm/${name}`, { force: true });
    if (this.#child !== child) return;
    this.#child = undefined;
    if (!this.#wanted) return;
    this.ownEnds.push(String(why));
    this.options.beforeRestart?.();
    setTimeout(() => {
      if (this.#wanted) this.start();
    }, RESTART_MS);
  }

  #sample(): void {
    const { pid } = this;
    if (pid === undefined) return;
    try {
      const [, kb = "0"] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      this.peakMb = Math.max(this.peakMb, Math.round(Number(kb) / 1_024));
    } catch (error) {
      // It ended a moment ago.
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }
}

/** The wall clock only: timers go on counting true seconds. */
function faked(clockFile: string): Record<string, string> {
  return {
    LD_PRELOAD: FAKETIME ?? "",
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_CACHE_DURATION: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DONT_RESET: "1",
  };
}

function libfaketime(): string | undefined {
  return readdirSync("/usr/lib")
    .map((folder) => `/usr/lib/${folder}/faketime/libfaketime.so.1`)
    .find((file) => existsSync(file));
}
