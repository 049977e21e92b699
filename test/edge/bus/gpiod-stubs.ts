import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export type Generation = 1 | 2;

const VERSIONS = { 1: "gpiodetect (libgpiod) v1.6.3", 2: "gpiodetect (libgpiod) v2.2.1" };
export const CHIPS = `gpiochip0 [pinctrl-bcm2711] (58 lines)
gpiochip1 [raspberrypi-exp-gpio] (8 lines)
`;

const MONITOR = {
  1: `[ "$*" = "-b -F %o %e %s %n gpiochip0 $line" ] || usage "$@"`,
  2: `[ "$*" = "--banner -c gpiochip0 -e both -F %o %e %S $line" ] || usage "$@"`,
};
const GET = {
  1: `[ "$*" = "gpiochip0 $line" ] || usage "$@"`,
  2: `[ "$*" = "--numeric -c gpiochip0 $line" ] || usage "$@"`,
};
const SET = {
  1: `[ "$*" = "--mode=signal gpiochip0 $last" ] || usage "$@"`,
  2: `[ "$*" = "-c gpiochip0 $last" ] || usage "$@"`,
};

/**
 * libgpiod's programs as shell scripts, strict about how each version is called. A line that one of them
 * holds is busy for the others, as with the kernel; `gpiomon` prints what a test feeds it.
 */
export class GpiodStubs {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "plenum-gpiod-"));
  readonly #generation: Generation;
  readonly #pipes = new Map<number, number>();

  constructor(generation: Generation) {
    this.#generation = generation;
    const banner = generation === 2 ? `echo "Monitoring line '$line'..."` : ":";
    this.program(
      "gpiodetect",
      `if [ "$1" = --version ]; then echo "${VERSIONS[generation]}"; echo "Copyright"; exit; fi
cat chips`,
    );
    this.program("gpioget", `${GET[generation]}\nfree\ncat level-$line || echo 0`);
    this.program("gpiomon", `${MONITOR[generation]}\nfree\nhold\n${banner}\nexec cat <>fifo-$line`);
    this.program(
      "gpioset",
      `${SET[generation]}\nfree\nhold\necho "$line $level" >>written\nexec sleep 1000`,
    );
    writeFileSync(this.#file("chips"), CHIPS);
    writeFileSync(this.#file("written"), "");
    writeFileSync(this.#file("calls"), "");
  }

  /** A search path with these programs before the system's own. */
  get path(): string {
    return `${this.#folder}:${process.env.PATH}`;
  }

  /** Replaces one program. */
  program(name: string, body: string): void {
    const text = `#!/bin/sh
cd "${this.#folder}" || exit 1
echo "$(basename "$0")" >>calls
for last in "$@"; do :; done
line=\${last%=*} level=\${last#*=}
usage() { echo "$0: called with $*" >&2; exit 2; }
free() {
  [ -p "fifo-$line" ] || mkfifo "fifo-$line"
  if [ -e "busy-$line" ] && kill -0 "$(cat "busy-$line")" 2>/dev/null; then
    echo "$(basename "$0"): unable to request lines: Device or resource busy" >&2; exit 1
  fi
}
hold() { echo $$ >"busy-$line.new" && mv "busy-$line.new" "busy-$line"; }
${body}
`;
    writeFileSync(this.#file(name), text);
    chmodSync(this.#file(name), 0o755);
  }

  /** The level that `gpioget` reads. */
  level(line: number, level: 0 | 1): void {
    writeFileSync(this.#file(`level-${line}`), `${level}\n`);
  }

  /** Lets `gpiomon` print an edge of a line it holds. */
  edge(line: number, level: 0 | 1, atMs = 1_000): void {
    const seconds = Math.floor(atMs / 1_000);
    const nanoseconds = Math.round((atMs % 1_000) * 1e6);
    const text =
      this.#generation === 1
        ? `${line} ${level} ${seconds} ${nanoseconds}`
        : `${line} ${level === 1 ? 1 : 2} ${seconds}.${String(nanoseconds).padStart(9, "0")}`;
    this.print(line, `${text}\n`);
  }

  /** Lets `gpiomon` print any text. */
  print(line: number, text: string): void {
    const file = this.#file(`fifo-${line}`);
    if (!existsSync(file)) execFileSync("mkfifo", [file]);
    const pipe = this.#pipes.get(line) ?? openSync(file, "r+");
    this.#pipes.set(line, pipe);
    writeSync(pipe, text);
  }

  /** The process that holds a line; undefined when it is free. */
  holder(line: number): number | undefined {
    const file = this.#file(`busy-${line}`);
    const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
    return pid !== undefined && isAlive(pid) ? pid : undefined;
  }

  get written(): string[] {
    return readFileSync(this.#file("written"), "utf8").split("\n").filter(Boolean);
  }

  /** How often a program was called. */
  calls(name: string): number {
    return readFileSync(this.#file("calls"), "utf8")
      .split("\n")
      .filter((one) => one === name).length;
  }

  remove(): void {
    for (const pipe of this.#pipes.values()) closeSync(pipe);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return path.join(this.#folder, name);
  }
}

/** A process that has ended but was not waited for is no longer alive. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
