import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import path from "node:path";
import { topFolder } from "./top-folder.ts";

/** One program of the site as a real process, that can be killed, paused and started again. */
export class Program {
  #child: ChildProcess | undefined;
  #wanted = false;

  constructor(
    readonly name: string,
    private readonly options: {
      /** Script below dist/, then its arguments. */
      command: readonly string[];
      env?: Record<string, string>;
      /** Everything the program prints goes here. */
      logFile: string;
      /** Called when it ends without having been told to. */
      onUnexpectedExit?: (code: number | null, signal: NodeJS.Signals | null) => void;
    },
  ) {}

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.name} is not running.`);
    return pid;
  }

  isRunning(pid: number): boolean {
    return this.#child?.pid === pid;
  }

  start(): void {
    const [script = "", ...args] = this.options.command;
    const log = createWriteStream(this.options.logFile, { flags: "a" });
    const child = spawn(process.execPath, [path.join(topFolder(), "dist", script), ...args], {
      env: { ...process.env, ...this.options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once("exit", (code, signal) => {
      log.end();
      if (this.#child !== child) return;
      this.#child = undefined;
      if (this.#wanted) this.options.onUnexpectedExit?.(code, signal);
    });
    this.#child = child;
    this.#wanted = true;
  }

  /** Sends the signal and, unless it only pauses or continues, waits for the end. */
  async kill(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ends = signal !== "SIGSTOP" && signal !== "SIGCONT";
    if (ends) this.#wanted = false;
    child.kill(signal);
    if (ends && child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
}
