import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { type BadReason, bad, good, type Measurement, uncertain } from "../../contract/reading.ts";
import { DeviceError, type GpioPort, type Level } from "../bus/port.ts";
import type { BusHealth, BusLoop, Sink } from "../poll/loop.ts";
import { Waker } from "../waker.ts";
import { type ContactState, NEW_CONTACT, settlesAtMs, stepContact } from "./contact.ts";
import type { DoorLog } from "./door-log.ts";

/** Levels are read again this often, so that a lost edge costs no more. */
export const REREAD_MS = 2_000;
/** Every contact's point is published at least this often. */
export const CONTACT_PERIOD_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** A chip that worked for so long is tried again soon; one that keeps failing, less and less often. */
const STEADY_MS = 30_000;
/** Level changes waiting to be looked at; above it the oldest go, and the level is read again anyway. */
const MAX_EDGES = 1_000;

/** One input line: a door when `door` is set. */
export interface Contact {
  line: number;
  point: string;
  door?: string;
  /** `nc`: closed loop = at rest, so a cut wire shows as active. `no`: closed loop = active. */
  contact: "nc" | "no";
  debounceMs: number;
}

export interface GpioLoopDeps {
  bus: string;
  open: () => Promise<GpioPort>;
  contacts: readonly Contact[];
  sink: Sink;
  doors: DoorLog;
  clock: Clock;
  log: Logger;
}

/**
 * Watches every contact of one GPIO chip, or of one like it on I2C. While the chip is lost its points are
 * bad and its doors at fault.
 */
export function gpioLoop(deps: GpioLoopDeps): BusLoop {
  return new GpioLoop(deps);
}

interface Watched extends Contact {
  state: ContactState;
  /** Why this line alone shows nothing: a supervised loop that is cut or shorted. */
  trouble?: DeviceError | undefined;
  /** When it was last heard of, on the monotonic clock. */
  seenMs: number;
}

class GpioLoop implements BusLoop {
  readonly bus: string;
  readonly #deps: GpioLoopDeps;
  readonly #watched: Watched[];
  readonly #waker = new Waker();
  readonly #health: BusHealth = { ok: 0, failed: 0, lastError: null, lagMs: 0, open: false };
  #edges: { contact: Watched; level: Level | DeviceError; atMs: number }[] = [];
  #nextPublishMs = 0;
  #faultRecorded = false;
  #lostAs: BadReason = "bus";

  constructor(deps: GpioLoopDeps) {
    this.bus = deps.bus;
    this.#deps = deps;
    this.#watched = deps.contacts.map((contact) => ({
      ...{ ...contact, state: NEW_CONTACT },
      seenMs: Number.NEGATIVE_INFINITY,
    }));
  }

  health(): BusHealth {
    return { ...this.#health };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      const beganMs = clock.monoMs();
      try {
        await this.#serve(await this.#deps.open(), signal);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        failures = clock.monoMs() - beganMs > STEADY_MS ? 1 : failures + 1;
        this.#lost(error, failures);
      }
      if (!signal.aborted) await this.#waitOut(retryMs(failures), signal);
    }
  }

  /** Works until `signal` aborts; throws `DeviceError` when the chip is lost. */
  async #serve(port: GpioPort, signal: AbortSignal): Promise<void> {
    const inner = new AbortController();
    const stop = () => inner.abort();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await this.#watchAll(port);
      this.#found();
      const gone = port.closed.then(() => {
        if (inner.signal.aborted) return;
        throw port.lost?.() ?? new DeviceError("bus", "the GPIO chip is gone");
      });
      await Promise.race([
        gone,
        Promise.all([this.#reread(port, inner.signal), this.#look(inner.signal)]),
      ]);
    } finally {
      inner.abort();
      signal.removeEventListener("abort", stop);
      await port.close();
    }
  }

  async #watchAll(port: GpioPort): Promise<void> {
    this.#edges = [];
    for (const contact of this.#watched) {
      contact.state = NEW_CONTACT;
      contact.trouble = undefined;
      await port.watch(
        contact.line,
        (level, ageMs) => this.#saw(contact, level, ageMs),
        (error) => this.#saw(contact, error),
      );
    }
  }

  /** `ageMs`: how long ago it began, which by the kernel's stamp holds however late the program comes to look. */
  #saw(contact: Watched, level: Level | DeviceError, ageMs = 0): void {
    contact.seenMs = Math.max(contact.seenMs, this.#deps.clock.monoMs() - ageMs);
    this.#edges.push({ contact, level, atMs: contact.seenMs });
    if (this.#edges.length > MAX_EDGES) this.#edges.shift();
    this.#waker.wake();
  }

  async #reread(port: GpioPort, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#deps.clock.sleep(REREAD_MS, signal);
      if (signal.aborted) return;
      for (const contact of this.#watched) {
        this.#saw(contact, await this.#levelOf(port, contact));
        this.#health.ok += 1;
      }
    }
  }

  async #levelOf(port: GpioPort, { line }: Contact): Promise<Level | DeviceError> {
    try {
      return await port.read(line);
    } catch (error) {
      if (error instanceof DeviceError && error.reason === "wire") return error;
      throw error;
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    while (!signal.aborted) {
      const edges = this.#edges;
      this.#edges = [];
      for (const { contact, level, atMs } of edges) {
        if (level instanceof DeviceError) this.#suffer(contact, level);
        else this.#step(contact, level, atMs);
      }
      const nowMs = clock.monoMs();
      for (const contact of this.#watched) this.#step(contact, undefined, nowMs);
      if (nowMs >= this.#nextPublishMs) this.#publishAll((contact) => measured(contact));
      const dues = this.#watched.map(({ state, debounceMs }) => settlesAtMs(state, debounceMs));
      const dueMs = Math.min(this.#nextPublishMs, ...dues.filter((due) => due !== undefined));
      await this.#waker.wait(clock, Math.max(0, dueMs - clock.monoMs()), signal);
    }
  }

  /** Nobody knows how a contact stands behind a broken loop; once it is whole, the level must settle anew. */
  #suffer(contact: Watched, trouble: DeviceError): void {
    const { clock, doors, log } = this.#deps;
    const { door, point } = contact;
    const known = contact.trouble !== undefined;
    contact.trouble = trouble;
    contact.state = NEW_CONTACT;
    if (known) return;
    log.warn({ point, error: trouble.message }, "contact shows no state");
    this.#publish([contact], measured);
    if (door) doors.trouble(door, "fault", clock.nowMs());
  }

  #step(contact: Watched, level: Level | undefined, nowMs: number): void {
    const { clock, doors, log } = this.#deps;
    if (level !== undefined && contact.trouble) {
      contact.trouble = undefined;
      log.info({ point: contact.point }, "contact shows its state again");
    }
    const { state, changes } = stepContact(contact.state, level, nowMs, contact.debounceMs);
    contact.state = state;
    const { door, point } = contact;
    for (const change of changes) {
      this.#publish([contact], measured);
      const atMs = change === "settled" ? state.settledSinceMs : nowMs;
      const at = clock.nowMs() - (clock.monoMs() - atMs);
      if (change === "settled" && door) doors.state(door, isActive(contact), at);
      if (change === "chatter" && door) doors.trouble(door, "chatter", at);
      if (change === "chatter") log.warn({ point }, "contact chatters");
      if (change === "calm") log.info({ point }, "contact calm");
    }
  }

  #publishAll(measure: (contact: Watched) => Measurement | undefined): void {
    this.#publish(this.#watched, measure);
    this.#nextPublishMs = this.#deps.clock.monoMs() + CONTACT_PERIOD_MS;
  }

  #publish(contacts: Watched[], measure: (contact: Watched) => Measurement | undefined): void {
    const samples = contacts.flatMap((contact) => {
      const measurement = measure(contact);
      return measurement ? [{ point: contact.point, measurement }] : [];
    });
    if (samples.length > 0) this.#deps.sink(samples);
  }

  #found(): void {
    const { log } = this.#deps;
    if (this.#health.lastError !== null) log.info("GPIO back");
    this.#health.open = true;
    this.#health.lastError = null;
    this.#faultRecorded = false;
    this.#nextPublishMs = this.#deps.clock.monoMs() + CONTACT_PERIOD_MS;
  }

  /** A chip that is not there at the first try may still be starting; from the second on that is a fault. */
  #lost(error: DeviceError, failures: number): void {
    const { clock, doors, log } = this.#deps;
    const wasOpen = this.#health.open;
    this.#health.failed += 1;
    this.#health.open = false;
    if (this.#health.lastError === null) log.warn({ error: error.message }, "GPIO lost");
    this.#health.lastError = error.message;
    this.#lostAs = error.reason;
    for (const contact of this.#watched) {
      contact.state = NEW_CONTACT;
      contact.trouble = undefined;
    }
    this.#publishAll(() => bad(this.#lostAs));
    if (this.#faultRecorded || (!wasOpen && failures < 2)) return;
    this.#faultRecorded = true;
    for (const { door } of this.#watched) if (door) doors.trouble(door, "fault", clock.nowMs());
  }

  async #waitOut(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const endMs = clock.monoMs() + ms;
    for (;;) {
      const leftMs = endMs - clock.monoMs();
      if (leftMs <= 0 || signal.aborted) return;
      await clock.sleep(Math.min(leftMs, this.#nextPublishMs - clock.monoMs()), signal);
      if (!signal.aborted && clock.monoMs() >= this.#nextPublishMs)
        this.#publishAll(() => bad(this.#lostAs));
    }
  }
}

function retryMs(failures: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1));
}

function isActive({ contact, state }: Watched): boolean {
  return contact === "nc" ? state.settled === 1 : state.settled === 0;
}

/** What a contact says; nothing before it has settled. A chattering one may be either. */
function measured(contact: Watched): Measurement | undefined {
  if (contact.trouble) return bad(contact.trouble.reason);
  if (contact.state.settled === null) return undefined;
  const value = isActive(contact) ? 1 : 0;
  return contact.state.chattering ? uncertain(value, "implausible") : good(value);
}
