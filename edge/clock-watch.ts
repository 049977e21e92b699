import type { Logger } from "pino";
import type { Clock, EpochMs } from "../contract/clock.ts";
import type { NodeEvent } from "../contract/message.ts";
import type { ClockEvidence } from "./clock-evidence.ts";
import type { Boot, ClockState } from "./readings.ts";
import type { Spool } from "./spool/spool.ts";

/** This program did not exist before: an earlier clock is wrong. */
const RELEASED_MS = Date.UTC(2026, 0, 1);
const LOOK_EVERY_MS = 5_000;
const REMEMBER_EVERY_MS = 600_000;
const BACK_STEP_MS = 1_000;
const FORWARD_STEP_MS = 60_000;
/** So much earlier than the last time remembered is earlier, and not the same moment read twice. */
const SAME_CLOCK_MS = 60_000;

/**
 * Whether stamps can be trusted. A time service that has synchronized decides. Otherwise a clock before
 * this program's release, or before the last time remembered, is wrong. A service that has not
 * synchronized yet makes it unsynced, unless a hardware clock kept the time. Where nothing can be
 * found out, a plausible clock is trusted: a site without a time service must still be watched.
 */
export function judgeClock(evidence: ClockEvidence, now: EpochMs, remembered: EpochMs): ClockState {
  if (evidence.service === "synced") return "synced";
  if (now < RELEASED_MS || now < remembered - SAME_CLOCK_MS) return "unsynced";
  return evidence.service === "unsynced" && !evidence.hardwareClock ? "unsynced" : "synced";
}

export interface ClockWatchDeps {
  clock: Clock;
  boot: Boot;
  spool: Spool;
  evidence: () => Promise<ClockEvidence>;
  log: Logger;
}

/** Keeps the clock's state. Once synced it stays so until the program ends: a lost time server does not unset a clock. */
export class ClockWatch {
  readonly #deps: ClockWatchDeps;
  #state: ClockState = "unsynced";
  #logged = false;
  #offsetMs: number;
  #rememberAtMs = 0;

  constructor(deps: ClockWatchDeps) {
    this.#deps = deps;
    this.#offsetMs = this.#offset();
  }

  state = (): ClockState => this.#state;

  /** Looks once, so that the first readings already know. */
  async look(): Promise<void> {
    const { clock, boot, spool, evidence, log } = this.#deps;
    if (this.#state === "unsynced") {
      const remembered = Number(spool.recall("wall") ?? 0);
      this.#state = judgeClock(await evidence(), clock.nowMs(), remembered);
      this.#offsetMs = this.#offset();
      if (this.#state === "synced") log.info("clock is right");
      else if (!this.#logged) log.warn("clock is not set; readings wait on disk until it is");
      this.#logged = true;
      if (this.#state === "unsynced") return;
      spool.setOffset(this.#offsetMs - boot.baseMs);
    }
    if (clock.monoMs() < this.#rememberAtMs) return;
    spool.remember("wall", String(clock.nowMs()));
    this.#rememberAtMs = clock.monoMs() + REMEMBER_EVERY_MS;
  }

  /** Looks again and again; tells of every step of a clock that was right. */
  async run(signal: AbortSignal, onStep: (event: NodeEvent) => void): Promise<void> {
    const { clock } = this.#deps;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      if (this.#state === "synced") this.#watchStep(onStep);
      await this.look();
    }
  }

  #watchStep(onStep: (event: NodeEvent) => void): void {
    const offsetMs = this.#offset();
    const stepMs = Math.round(offsetMs - this.#offsetMs);
    this.#offsetMs = offsetMs;
    if (stepMs > -BACK_STEP_MS && stepMs < FORWARD_STEP_MS) return;
    const at = this.#deps.clock.nowMs();
    this.#deps.log.warn({ stepMs }, "clock stepped");
    onStep({
      type: "node",
      what: "clock-step",
      at,
      from: at - stepMs,
      to: at,
      detail: `clock stepped ${stepMs < 0 ? "back" : "forward"} by ${Math.abs(stepMs)} ms`,
    });
  }

  #offset(): number {
    return this.#deps.clock.nowMs() - this.#deps.clock.monoMs();
  }
}
