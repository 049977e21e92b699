import type { Clock } from "../../contract/clock.ts";
import { DeviceError, ModbusException, type ModbusLink } from "../bus/port.ts";
import type { Wire } from "../profiles/decode.ts";
import type { Profile } from "../profiles/schema.ts";

/** Exceptions 5 and 6: the device asks for patience. */
const BUSY_CODES = [5, 6];
const BUSY_TRIES = 3;
const PAUSE_MS = 500;
const DEVICE_FAILURE = 4;
const GATEWAY_TARGET_SILENT = 11;

type Limits = Profile["limits"];

export interface Read {
  fc: 1 | 2 | 3 | 4;
  address: number;
  count: number;
}

/** How often one read has failed so far, by kind. */
export interface Tries {
  lost: number;
  refused: number;
}
export const NO_TRIES: Tries = { lost: 0, refused: 0 };

/** Whether an error means that the unit does not answer, rather than that it refuses something. */
export function isSilent(error: DeviceError): boolean {
  return error instanceof ModbusException ? error.code === GATEWAY_TARGET_SILENT : true;
}

/** What to do after a failed try: once more, after a pause, with the tries counted; or give up. */
export function afterFailure(
  error: DeviceError,
  tries: Tries,
  retries: number,
): { tries: Tries; pauseMs: number } | "give up" {
  if (error.reason === "bus") return "give up";
  if (error instanceof ModbusException) {
    const allowed = BUSY_CODES.includes(error.code)
      ? BUSY_TRIES
      : error.code === DEVICE_FAILURE
        ? 1
        : 0;
    const refused = tries.refused + 1;
    return refused > allowed ? "give up" : { tries: { ...tries, refused }, pauseMs: PAUSE_MS };
  }
  const lost = tries.lost + 1;
  return lost > retries ? "give up" : { tries: { ...tries, lost }, pauseMs: 0 };
}

/**
 * An open link as the engine uses it: keeps each device's silence between requests, and lets the line
 * fall silent after a lost answer.
 */
export class PacedLink {
  readonly link: ModbusLink;
  readonly #clock: Clock;
  #endedAtMs = Number.NEGATIVE_INFINITY;

  constructor(link: ModbusLink, clock: Clock) {
    this.link = link;
    this.#clock = clock;
  }

  /** One request, once. Throws `DeviceError`; after a missing or damaged answer the line is silent again. */
  async ask(unit: number, limits: Limits, read: Read): Promise<{ wire: Wire; tookMs: number }> {
    if (this.#gapMs(limits) > 0) await this.#gap(limits);
    const startedMs = this.#clock.monoMs();
    try {
      const wire = await send(this.link, unit, read, limits.timeoutMs);
      this.#endedAtMs = this.#clock.monoMs();
      return { wire, tookMs: this.#endedAtMs - startedMs };
    } catch (error) {
      this.#endedAtMs = this.#clock.monoMs();
      if (error instanceof DeviceError && error.reason !== "bus")
        await this.#afterLoss(error, limits);
      throw error;
    }
  }

  /**
   * To be called when a retry succeeded: the answer to the first try may still come, and an RTU answer
   * does not say which question it answers.
   */
  settle(limits: Limits): Promise<void> {
    return this.link.drain(limits.maxResponseMs);
  }

  async #afterLoss(error: DeviceError, limits: Limits): Promise<void> {
    if (!(error instanceof ModbusException)) await this.link.drain(limits.maxResponseMs);
  }

  /** What is left of the silence that the device needs after the last answer on this line. */
  #gapMs({ minGapMs }: Limits): number {
    return minGapMs > 0 ? this.#endedAtMs + minGapMs - this.#clock.monoMs() : 0;
  }

  async #gap(limits: Limits): Promise<void> {
    for (let leftMs = this.#gapMs(limits); leftMs > 0; leftMs = this.#gapMs(limits))
      await this.#clock.sleep(leftMs);
  }
}

/** One read with its retries. Throws `DeviceError`. */
export async function exchange(
  paced: PacedLink,
  target: { unit: number; limits: Limits; clock: Clock },
  read: Read,
): Promise<Wire> {
  const { unit, limits, clock } = target;
  let tries = NO_TRIES;
  for (;;) {
    try {
      const { wire } = await paced.ask(unit, limits, read);
      if (tries.lost > 0) await paced.settle(limits);
      return wire;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      const next = afterFailure(error, tries, limits.retries);
      if (next === "give up") throw error;
      tries = next.tries;
      if (next.pauseMs > 0) await clock.sleep(next.pauseMs);
    }
  }
}

function send(link: ModbusLink, unit: number, read: Read, timeoutMs: number): Promise<Wire> {
  const { fc, address, count } = read;
  const rest = { unit, address, count, timeoutMs };
  return fc === 1 || fc === 2
    ? link.readBits({ fc, ...rest })
    : link.readRegisters({ fc, ...rest });
}
