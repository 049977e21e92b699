import type { Clock } from "../../contract/clock.ts";
import type { I2cDevice } from "../drivers/driver.ts";
import type { Latches, LineChip, LineState } from "../drivers/line-chip.ts";
import { deviceAt } from "./i2c-device.ts";
import { DeviceError, type GpioPort, type I2cPort, type Level, type OnLevel } from "./port.ts";
import { turnstile } from "./turn.ts";

/** So many failed looks one after another mean that the chip is gone, not disturbed. */
const LOST_LOOKS = 3;
/** A line without a level must show so twice: a contact that moves in mid-conversion looks like neither. */
const TROUBLE_LOOKS = 2;

export interface I2cLinesDeps {
  /** Opens the bus the chip is on. */
  open: () => Promise<I2cPort>;
  chip: () => LineChip;
  address: number;
  /** Between two looks at the lines: a change is seen at most this and one transfer later. */
  everyMs: number;
  /** Output lines with the level of their safe state, which they have until written, also after a power failure. */
  outputs: Latches;
  clock: Clock;
}

/**
 * Lines of a chip on I2C for several loops, as `GpioPort`s. It is set up for the first and looked at
 * until the last closes. When it loses power or stops answering all ports are lost; the next one opened
 * sets it up anew, with its outputs in their safe state.
 */
export function i2cLines(deps: I2cLinesDeps): () => Promise<GpioPort> {
  let current: Lines | undefined;
  return () => {
    if (!current || current.over) current = new Lines(deps);
    return current.join();
  };
}

interface Watcher {
  line: number;
  onLevel: OnLevel;
  onTrouble: (error: DeviceError) => void;
  told: Level | "trouble" | undefined;
}

/** One life of the chip: from being set up until it is lost or nobody uses it. */
class Lines {
  readonly #deps: I2cLinesDeps;
  readonly #chip: LineChip;
  readonly #stop = new AbortController();
  readonly #turn = turnstile();
  readonly #watchers = new Set<Watcher>();
  /** How often in a row each line had no level. */
  readonly #troubles = new Map<number, number>();
  readonly #opened: Promise<{ bus: I2cPort; device: I2cDevice }>;
  readonly #ended: Promise<void>;
  #end = () => {};
  #latches: Latches;
  #states: LineState[] = [];
  #users = 0;
  #lost: DeviceError | undefined;

  constructor(deps: I2cLinesDeps) {
    this.#deps = deps;
    this.#chip = deps.chip();
    this.#latches = new Map(deps.outputs);
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#opened = this.#open();
  }

  get over(): boolean {
    return this.#stop.signal.aborted;
  }

  async #open(): Promise<{ bus: I2cPort; device: I2cDevice }> {
    const { clock, address, open } = this.#deps;
    const { signal } = this.#stop;
    let bus: I2cPort | undefined;
    try {
      bus = await open();
      const device = deviceAt(bus, address, { clock, signal });
      await this.#chip.setUp(device, this.#latches);
      this.#states = await this.#chip.sense(device, this.#latches);
      this.#keepLooking(device).catch((error: unknown) => {
        if (!(error instanceof DeviceError)) throw error;
        this.#lose(error);
      });
      return { bus, device };
    } catch (error) {
      this.#stop.abort();
      await bus?.close();
      throw error;
    }
  }

  async join(): Promise<GpioPort> {
    this.#users += 1;
    const { bus, device } = await this.#opened;
    const own = new Set<Watcher>();
    let open = true;
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    return {
      watch: async (line, onLevel, onTrouble = () => undefined) => {
        this.#check();
        const watcher: Watcher = { line, onLevel, onTrouble, told: undefined };
        own.add(watcher);
        this.#watchers.add(watcher);
        this.#tell(watcher);
      },
      read: async (line) => {
        this.#check();
        // An output is read back from its pin; inputs are looked at all the time anyway.
        if (this.#latches.has(line)) await this.#look(device);
        const state = this.#state(line);
        if (state instanceof DeviceError) throw state;
        return state;
      },
      write: (line, level) => this.#write(device, line, level),
      closed: Promise.race([left, this.#ended]),
      lost: () => this.#lost,
      close: async () => {
        if (!open) return;
        open = false;
        for (const watcher of own) this.#watchers.delete(watcher);
        leave();
        this.#users -= 1;
        if (this.#users > 0) return;
        this.#stop.abort();
        await bus.close();
      },
    };
  }

  #check(): void {
    if (this.#lost) throw this.#lost;
  }

  #state(line: number): LineState {
    return this.#states[line] ?? new DeviceError("unsupported", `the chip has no line ${line}`);
  }

  #write(device: I2cDevice, line: number, level: Level): Promise<void> {
    if (!this.#latches.has(line)) throw new Error(`line ${line} was not set up as an output`);
    return this.#turn(async () => {
      this.#check();
      const latches = new Map(this.#latches).set(line, level);
      await this.#chip.drive(device, latches);
      this.#latches = latches;
    });
  }

  /** Reads the lines once. A power failure is final; whatever else is wrong may be a disturbance. */
  #look(device: I2cDevice): Promise<void> {
    return this.#turn(async () => {
      try {
        this.#states = await this.#chip.sense(device, this.#latches);
      } catch (error) {
        const final = error instanceof DeviceError && error.reason === "reset";
        if (final && !this.over) this.#lose(error);
        throw error;
      }
    });
  }

  async #keepLooking(device: I2cDevice): Promise<void> {
    const { clock, everyMs } = this.#deps;
    const { signal } = this.#stop;
    let failures = 0;
    for (;;) {
      await clock.sleep(everyMs, signal);
      if (signal.aborted) return;
      try {
        await this.#look(device);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        if (!(error instanceof DeviceError) || failures >= LOST_LOOKS) throw error;
        continue;
      }
      this.#countTroubles();
      for (const watcher of this.#watchers) this.#tell(watcher);
    }
  }

  #countTroubles(): void {
    this.#states.forEach((state, line) => {
      const count = state instanceof DeviceError ? (this.#troubles.get(line) ?? 0) + 1 : 0;
      this.#troubles.set(line, count);
    });
  }

  #tell(watcher: Watcher): void {
    const state = this.#state(watcher.line);
    if (!(state instanceof DeviceError)) {
      if (watcher.told !== state) watcher.onLevel(state, 0);
      watcher.told = state;
      return;
    }
    // A new watcher is told at once: it has no level to go on showing meanwhile.
    const sure = (this.#troubles.get(watcher.line) ?? 0) >= TROUBLE_LOOKS;
    if (watcher.told === "trouble" || (watcher.told !== undefined && !sure)) return;
    watcher.onTrouble(state);
    watcher.told = "trouble";
  }

  #lose(error: DeviceError): void {
    if (this.#lost) return;
    this.#lost = error;
    this.#stop.abort();
    this.#end();
  }
}
