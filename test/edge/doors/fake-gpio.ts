import type { GpioPort, OnLevel } from "../../../edge/bus/port.ts";

/** A GPIO chip whose lines and life a test holds in its hand. */
export class FakeGpio implements GpioPort {
  readonly levels = new Map<number, 0 | 1>();
  /** What was last written to each line. */
  readonly written = new Map<number, 0 | 1>();
  /** Edges of these lines are not reported. */
  readonly deaf = new Set<number>();
  #watchers = new Map<number, OnLevel>();
  #die = () => {};
  closed = new Promise<void>((resolve) => {
    this.#die = resolve;
  });

  /** `ageMs`: how long ago it began, as a backend with the kernel's stamps tells. */
  set(line: number, level: 0 | 1, ageMs?: number): void {
    this.levels.set(line, level);
    if (!this.deaf.has(line)) this.#watchers.get(line)?.(level, ageMs);
  }

  async watch(line: number, onLevel: OnLevel): Promise<void> {
    this.#watchers.set(line, onLevel);
    onLevel(this.levels.get(line) ?? 0);
  }
  read = async (line: number): Promise<0 | 1> => this.levels.get(line) ?? 0;
  write = async (line: number, level: 0 | 1): Promise<void> => {
    this.written.set(line, level);
    this.levels.set(line, level);
  };
  close = async (): Promise<void> => this.#die();
  die = (): void => this.#die();
}
