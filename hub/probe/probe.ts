import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { HistoryStore } from "../history/store.ts";
import type { LiveState } from "../live/live-state.ts";
import { PROBE_NODE } from "../own-nodes.ts";

export const PROBE_POINT = `${PROBE_NODE}.beat`;
export const PROBE_EVERY_MS = 30_000;
/** Without a finished round for this long the probe itself hangs. */
export const PROBE_HANGS_MS = 90_000;
/** How long each stage may take; five stages are less than a round. */
const STAGE_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** What a reading passes on its way, in order, and in words for people. */
export const STAGES = {
  broker: "the broker takes no message",
  ingest: "a message the broker took does not become a live value",
  store: "a reading is not stored and acknowledged",
  "read-back": "a reading that was acknowledged is not in the history",
  alarms: "the alarm engine does not look at its points",
  probe: "the check itself does not come to an end",
} as const;
export type Stage = keyof typeof STAGES;

/** The outcome of the newest round. */
export type ProbeState =
  | { kind: "starting" }
  | { kind: "good"; at: EpochMs; tookMs: number }
  | { kind: "failed"; at: EpochMs; stage: Stage; why: string };

/** The probe's end of its connection: what an edge node would have. */
export interface ProbeLink {
  /** Sends one reading by both lanes; resolves once the broker has confirmed. Rejects when it does not. */
  send(reading: { at: EpochMs; value: number }): Promise<void>;
  /** Value of the newest reading that the hub has acknowledged as stored; undefined before the first. */
  stored(): number | undefined;
  close(): Promise<void>;
}

export interface ProbeDeps {
  /** Connects and announces itself as the node it plays. */
  connect(signal: AbortSignal): Promise<ProbeLink>;
  live: Pick<LiveState, "point">;
  store: Pick<HistoryStore, "totals">;
  /** Monotonic time at which the alarm engine last looked at everything it has. */
  alarms: { tickedMs(): number };
  clock: Clock;
  log: Logger;
  /** Told after each good round. */
  onGood?: () => void;
}

class StageError extends Error {
  readonly stage: Stage;

  constructor(stage: Stage, message: string) {
    super(message);
    this.stage = stage;
  }
}

/** Sends a reading of its own every 30 s and follows it through the hub, so that no part can stop unnoticed. */
export class Probe {
  readonly #deps: ProbeDeps;
  readonly #startedMs: number;
  #state: ProbeState = { kind: "starting" };
  #finishedMs: number;
  #link: ProbeLink | undefined;
  #sent = 0;

  constructor(deps: ProbeDeps) {
    this.#deps = deps;
    this.#startedMs = deps.clock.monoMs();
    this.#finishedMs = this.#startedMs;
  }

  /** The newest outcome; a round that does not end is a failure of its own. */
  state(): ProbeState {
    const { clock } = this.#deps;
    if (clock.monoMs() - this.#finishedMs <= PROBE_HANGS_MS) return this.#state;
    return { kind: "failed", at: clock.nowMs(), stage: "probe", why: STAGES.probe };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, onGood } = this.#deps;
    while (!signal.aborted) {
      const begunMs = clock.monoMs();
      const next = await this.#round(signal);
      if (signal.aborted) break;
      this.#note(next);
      this.#finishedMs = clock.monoMs();
      if (next.kind === "good") onGood?.();
      await clock.sleep(PROBE_EVERY_MS - (clock.monoMs() - begunMs), signal);
    }
    await this.#disconnect();
  }

  async #round(signal: AbortSignal): Promise<ProbeState> {
    const { clock } = this.#deps;
    const begunMs = clock.monoMs();
    this.#sent += 1;
    const reading = { at: clock.nowMs(), value: this.#sent };
    try {
      await this.#follow(reading, signal);
      return { kind: "good", at: reading.at, tookMs: Math.round(clock.monoMs() - begunMs) };
    } catch (error) {
      if (!(error instanceof StageError)) throw error;
      // Whatever is wrong with it, the next round begins with a fresh connection.
      await this.#disconnect();
      return { kind: "failed", at: reading.at, stage: error.stage, why: error.message };
    }
  }

  async #follow(reading: { at: EpochMs; value: number }, signal: AbortSignal): Promise<void> {
    const { live, store, alarms, clock } = this.#deps;
    await this.#within("broker", signal, async (stop) => {
      this.#link ??= await this.#deps.connect(stop);
      await this.#link.send(reading);
    });
    const shown = () => {
      const newest = live.point(PROBE_POINT)?.reading;
      return newest?.quality === "good" && newest.value === reading.value;
    };
    await this.#until("ingest", shown, signal);
    const takenMs = clock.monoMs();
    await this.#until("store", () => this.#link?.stored() === reading.value, signal);
    await this.#within("read-back", signal, async () => {
      const span = { fromMs: reading.at, toMs: reading.at + 1 };
      const { rows, sum } = await store.totals({ point: PROBE_POINT, ...span });
      if (rows !== 1 || sum !== reading.value)
        throw new StageError("read-back", `${rows} rows with the sum ${sum} instead of one`);
    });
    await this.#until("alarms", () => alarms.tickedMs() > takenMs, signal);
  }

  async #until(stage: Stage, reached: () => boolean, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const endMs = clock.monoMs() + STAGE_MS;
    while (!reached()) {
      if (signal.aborted) throw new StageError(stage, "stopped");
      if (clock.monoMs() >= endMs) throw new StageError(stage, STAGES[stage]);
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  /** Runs work that ends by itself, or is given up after the time a stage has. */
  async #within(
    stage: Stage,
    signal: AbortSignal,
    work: (stop: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const patience = new AbortController();
    const stop = AbortSignal.any([signal, patience.signal]);
    const late = this.#deps.clock.sleep(STAGE_MS, stop).then(() => "late" as const);
    try {
      const end = await Promise.race([work(stop), late]);
      if (end === "late") throw new StageError(stage, STAGES[stage]);
    } catch (error) {
      if (error instanceof StageError || !(error instanceof Error)) throw error;
      throw new StageError(stage, `${STAGES[stage]}: ${error.message}`);
    } finally {
      patience.abort();
    }
  }

  #note(next: ProbeState): void {
    const { log } = this.#deps;
    const before = this.#state.kind;
    if (next.kind === "failed" && before !== "failed")
      log.error({ stage: next.stage, why: next.why }, "self-check failed");
    if (next.kind === "good" && before === "failed") log.info("self-check good again");
    this.#state = next;
  }

  async #disconnect(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    if (!link) return;
    const closed = link.close().catch((error: unknown) => {
      this.#deps.log.debug({ err: error }, "probe's connection did not close");
    });
    const patience = new AbortController();
    await Promise.race([closed, this.#deps.clock.sleep(STAGE_MS, patience.signal)]);
    patience.abort();
  }
}
