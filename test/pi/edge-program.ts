import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { Program } from "../system/process.ts";

/** The shipped edge program as a process of its own, with a configuration written for it. */
export class EdgeProgram {
  readonly folder: string;
  readonly #program: Program;

  constructor(
    config: Record<string, unknown>,
    folder = mkdtempSync(path.join(os.tmpdir(), "edge-")),
  ) {
    mkdirSync(folder, { recursive: true });
    this.folder = folder;
    const file = path.join(folder, "edge.yaml");
    writeFileSync(file, stringify(config));
    this.#program = new Program("edge", {
      command: ["edge/main.js", "--config", file],
      logFile: path.join(folder, "edge.log"),
      onUnexpectedExit: (code, signal) => {
        console.log(`FAIL the edge program ended by itself (${code ?? signal}):\n${this.log()}`);
        process.exit(1);
      },
    });
  }

  start(): void {
    this.#program.start();
  }

  stop(): Promise<void> {
    return this.#program.kill("SIGTERM");
  }

  /** Ends it as a crash does, with nothing put in order. */
  kill(): Promise<void> {
    return this.#program.kill("SIGKILL");
  }

  /** The newest lines of its log. */
  log(): string {
    return readFileSync(path.join(this.folder, "edge.log"), "utf8")
      .split("\n")
      .slice(-40)
      .join("\n");
  }

  /** Memory it holds, in MB. */
  residentMb(): number {
    const status = readFileSync(`/proc/${this.#program.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
  }
}
