import type { GpioPort } from "../../../edge/bus/port.ts";

/** A GPIO chip whose lines and life a test holds in its hand. */
export class FakeGpio implements GpioPort {
  readonly levels = new Map<number, 0 | 1>();
  /** What was last written to each line. */
  readonly written = new Map<number, 0 | 1>();
  /** Edges of these lines are not reported. */
  readonly deaf = new Set<number>();
  #watchers = new Map<number, (level: 0 | 1) => void>();
  #die = () => {};
  closed = new Promise<void>((resolve) => {
    this.#die = resolve;
  });

  set(line: number, level: 0 | 1): void {
    this.levels.set(line, level);
    if (!this.deaf.has(line)) this.#watchers.get(line)?.(level);
  }

  async watch(line: number, onLevel: (level: 0 | 1) => void): Promise<void> {
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
