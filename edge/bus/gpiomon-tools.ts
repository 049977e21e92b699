import { DeviceError } from "./port.ts";

/** An edge as `gpiomon` prints it. */
export interface Edge {
  level: 0 | 1;
  /** Kernel time of the edge in ms, on the monotonic clock but for version 1 on kernels before 5.7. */
  kernelMs: number;
}

/** How one generation of libgpiod's programs is called, and what it prints. */
export interface GpiodTools {
  version: string;
  get(chip: string, line: number): string[];
  /** Prints edges of one line until it is ended. */
  monitor(chip: string, line: number): string[];
  /** The text that `monitor` prints once it has the line; null when it prints none. */
  ready: string | null;
  /** Drives one line until it is ended. */
  hold(chip: string, line: number, level: 0 | 1): string[];
  parseEdge(text: string): Edge | undefined;
}

const v1 = (version: string): GpiodTools => ({
  version,
  get: (chip, line) => ["gpioget", chip, String(line)],
  monitor: (chip, line) => ["gpiomon", "-b", "-F", "%o %e %s %n", chip, String(line)],
  ready: null,
  hold: (chip, line, level) => ["gpioset", "--mode=signal", chip, `${line}=${level}`],
  parseEdge: (text) => {
    const [, type, seconds, nanoseconds] = /^\d+ ([01]) +(\d+) +(\d{1,9})$/.exec(text) ?? [];
    // 0 is a falling edge here, and 2 is one in version 2.
    return type === undefined ? undefined : edge(type === "1", Number(seconds), nanoseconds);
  },
});

const v2 = (version: string): GpiodTools => ({
  version,
  get: (chip, line) => ["gpioget", "--numeric", "-c", chip, String(line)],
  monitor: (chip, line) => {
    return ["gpiomon", "--banner", "-c", chip, "-e", "both", "-F", "%o %e %S", String(line)];
  },
  ready: "Monitoring line",
  hold: (chip, line, level) => ["gpioset", "-c", chip, `${line}=${level}`],
  parseEdge: (text) => {
    const [, type, seconds, nanoseconds] = /^\d+ ([12]) (\d+)\.(\d{9})$/.exec(text) ?? [];
    return type === undefined ? undefined : edge(type === "1", Number(seconds), nanoseconds);
  },
});

/** The tools for what `gpiodetect --version` printed. Throws `DeviceError` "bus" for a generation unknown here. */
export function toolsFor(printed: string): GpiodTools {
  // Up to 2.2 "gpiodetect (libgpiod) v2.2.1", from 2.3 on "gpiodetect v2.3 (libgpiod v2.3)".
  const [, version, generation] = /libgpiod\)? v((\d+)\.[\w.-]+)/.exec(printed) ?? [];
  if (version && generation === "1") return v1(version);
  if (version && generation === "2") return v2(version);
  const found = printed.split("\n")[0]?.slice(0, 80) ?? "";
  throw new DeviceError("bus", `gpiodetect says "${found}"; libgpiod 1 and 2 are known`);
}

export interface CharacterChip {
  /** Device name such as `gpiochip0`; it moves between kernels. */
  name: string;
  label: string;
  lines: number;
}

/** The chips that `gpiodetect` lists. */
export function parseChips(printed: string): CharacterChip[] {
  return printed.split("\n").flatMap((text) => {
    const [, name, label, lines] = /^(\S+) \[(.*)\] \((\d+) lines?\)$/.exec(text.trim()) ?? [];
    return name === undefined || label === undefined ? [] : [{ name, label, lines: Number(lines) }];
  });
}

function edge(rising: boolean, seconds: number, nanoseconds = "0"): Edge {
  return { level: rising ? 1 : 0, kernelMs: seconds * 1_000 + Number(nanoseconds) / 1e6 };
}
