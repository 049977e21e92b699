import { type ChildProcess, execFile, spawn } from "node:child_process";
import type { Clock } from "../../contract/clock.ts";
import { withDeadline } from "./deadline.ts";
import { errorCode } from "./errno.ts";
import { DeviceError } from "./port.ts";

const ANSWER_MS = 3_000;
const END_MS = 2_000;
/** Longer output without a line end is nonsense and is dropped. */
const MAX_LINE = 4_096;
const MAX_COMPLAINT = 500;
const NOT_FOUND = 127;

/** Where programs are searched, and the time. */
export interface Shell {
  /** PATH of the children. */
  path: string;
  clock: Clock;
}

/** Runs a program to its end and returns what it printed. Throws `DeviceError` "bus" when it fails or hangs. */
export async function runTool(argv: readonly string[], shell: Shell): Promise<string> {
  const [program = "", ...args] = argv;
  const stop = new AbortController();
  const options = { env: { ...process.env, PATH: shell.path }, signal: stop.signal };
  const running = new Promise<string>((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error) reject(new DeviceError("bus", complaint(program, errorCode(error), stderr)));
      else resolve(stdout);
    });
  });
  const late = () => {
    stop.abort();
    return new DeviceError("bus", `${program} did not end within ${ANSWER_MS} ms`);
  };
  return withDeadline(running, ANSWER_MS, shell.clock, late);
}

/** A program that runs until it is stopped. It ends with this process, however this process ends. */
export class Child {
  /** Resolves with why it ended. */
  readonly ended: Promise<string>;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  #alive = true;
  #printed = "";
  #complaint = "";

  constructor(argv: readonly string[], shell: Shell, onLine: (text: string) => void) {
    this.#clock = shell.clock;
    const [program = ""] = argv;
    // Without the death signal a killed node would leave children that keep the lines for themselves.
    this.#child = spawn("setpriv", ["--pdeathsig", "TERM", ...argv], {
      env: { ...process.env, PATH: shell.path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("latin1").on("data", (text: string) => {
      const lines = (this.#printed + text).split("\n");
      this.#printed = (lines.pop() ?? "").slice(0, MAX_LINE);
      for (const line of lines) onLine(line);
    });
    this.#child.stderr?.setEncoding("latin1").on("data", (text: string) => {
      this.#complaint = (this.#complaint + text).slice(0, MAX_COMPLAINT);
    });
    this.ended = new Promise((resolve) => {
      const end = (code: string | number) => {
        this.#alive = false;
        resolve(complaint(program, code, this.#complaint));
      };
      this.#child.on("error", (error) => end(errorCode(error)));
      this.#child.on("close", (code, signal) => end(code ?? signal ?? "?"));
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Ends it; resolves when its lines are free again. */
  async stop(): Promise<void> {
    if (!this.#alive) return;
    this.#child.kill("SIGTERM");
    const patience = new AbortController();
    const kill = async () => {
      await this.#clock.sleep(END_MS, patience.signal);
      if (this.#alive) this.#child.kill("SIGKILL");
    };
    const killing = kill();
    await this.ended;
    patience.abort();
    await killing;
  }
}

function complaint(program: string, code: string | number, stderr: string): string {
  const missing = code === "ENOENT" || code === NOT_FOUND || code === String(NOT_FOUND);
  if (missing) return `${program} is not installed; it is in the Debian package gpiod`;
  const said = stderr.trim().split("\n")[0] ?? "";
  return `${program} ended (${code})${said ? `: ${said}` : ""}`;
}
