import type { Clock } from "../../contract/clock.ts";
import { pickChip } from "./gpio-base.ts";
import { Child, runTool, type Shell } from "./gpiomon-child.ts";
import { levelOf, MonitoredLine, type OnLevel } from "./gpiomon-line.ts";
import { parseChips, toolsFor } from "./gpiomon-tools.ts";
import { DeviceError, type GpioPort } from "./port.ts";
import { turnstile } from "./turn.ts";

/** A line that `gpioset` was refused ends it sooner than this. */
const REFUSED_MS = 150;

export interface GpiomonPort extends GpioPort {
  /** Also tells how long ago the level began, by the kernel's own stamp. */
  watch(line: number, onLevel: OnLevel): Promise<void>;
  /** What was found, for the log: chip, device and version of libgpiod. */
  readonly found: string;
}

/**
 * Lines of this machine through libgpiod's programs (Debian package `gpiod`, versions 1 and 2): needs
 * no native package and no sysfs. One small child process for each watched or driven line; each ends
 * with this process. `closed` resolves when a watching child dies.
 */
export async function openGpiomon(deps: {
  /** Chip label, or `auto` for the Raspberry Pi header. */
  chip: string;
  clock: Clock;
  /** PATH in which the programs are searched. */
  path?: string;
  kernelNowMs?: () => number;
}): Promise<GpiomonPort> {
  const { clock, kernelNowMs = () => Number(process.hrtime.bigint()) / 1e6 } = deps;
  const shell: Shell = { path: deps.path ?? process.env.PATH ?? "", clock };
  const tools = toolsFor(await runTool(["gpiodetect", "--version"], shell));
  const chips = parseChips(await runTool(["gpiodetect"], shell));
  const chip = pickChip(
    chips,
    deps.chip,
    (one) => `${one.label} (${one.name}, ${one.lines} lines)`,
  );
  const watched = new Map<number, MonitoredLine>();
  const held = new Map<number, { level: 0 | 1; child: Child }>();
  const turn = turnstile();
  let over = () => {};
  let broken: string | undefined;
  const closed = new Promise<void>((resolve) => {
    over = resolve;
  });
  const fail = (error: unknown) => {
    if (!(error instanceof DeviceError)) throw error;
    broken ??= error.message;
    over();
  };

  const check = (line: number) => {
    if (broken !== undefined) throw new DeviceError("bus", broken);
    if (line >= chip.lines)
      throw new DeviceError("bus", `${chip.label} has lines 0–${chip.lines - 1}, not ${line}`);
  };
  const read = async (line: number) => {
    check(line);
    const output = held.get(line);
    if (output?.child.alive) return output.level;
    if (output) throw new DeviceError("bus", await output.child.ended);
    // A line that a child holds is busy for everyone else.
    const level = watched.get(line)?.level;
    return level ?? levelOf(await runTool(tools.get(chip.name, line), shell));
  };
  const hold = async (line: number, level: 0 | 1) => {
    check(line);
    const before = held.get(line);
    if (before?.child.alive && before.level === level) return;
    await before?.child.stop();
    const child = new Child(tools.hold(chip.name, line, level), shell, () => undefined);
    held.set(line, { level, child });
    const settled = new AbortController();
    const why = await Promise.race([
      child.ended,
      clock.sleep(REFUSED_MS, settled.signal).then(() => undefined),
    ]);
    settled.abort();
    if (why !== undefined) throw new DeviceError("bus", why);
  };

  return {
    found: `${chip.label} as ${chip.name}, libgpiod ${tools.version}`,
    watch: (line, onLevel) =>
      turn(async () => {
        check(line);
        const monitored = new MonitoredLine({
          ...shell,
          tools,
          chip: chip.name,
          line,
          onLevel,
          kernelNowMs,
        });
        watched.set(line, monitored);
        await monitored.start();
        monitored.keep().catch(fail);
      }),
    read,
    write: (line, level) => turn(() => hold(line, level)),
    close: async () => {
      const lines = [...watched.values()].map((line) => line.close());
      const outputs = [...held.values()].map(({ child }) => child.stop());
      await Promise.all([...lines, ...outputs]);
      broken ??= `${chip.label} is closed`;
      over();
    },
    closed,
  };
}
