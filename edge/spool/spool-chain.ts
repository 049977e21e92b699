import type { SpoolEvent } from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";
import type { OldSpool } from "./old-spool.ts";
import type { Batch, Room, Spool, Taken } from "./spool.ts";

/** The fact that says how far an old spool has been drained. */
export const drainedFact = (epoch: string) => `drained.${epoch}`;

/**
 * Sends what old spools still hold, one after another, and then its own rows. New rows go only into its
 * own. While it turns from one to the next, `epoch` changes: sequence numbers begin anew.
 */
export class SpoolChain implements Spool {
  readonly #own: Spool;
  readonly #old: OldSpool[];

  constructor(own: Spool, old: readonly OldSpool[]) {
    this.#own = own;
    this.#old = [...old];
    this.#turn();
  }

  get epoch(): string {
    return this.#front.epoch;
  }
  get floor(): number {
    return this.#front.floor;
  }
  get last(): number {
    return this.#front.last;
  }
  get backlog(): number {
    return this.#old.reduce((sum, { backlog }) => sum + backlog, this.#own.backlog);
  }
  get pending(): number {
    return this.#own.pending;
  }

  get keeping(): boolean {
    return this.#own.keeping;
  }

  batch(from: number, maxRows: number): Batch | undefined {
    return this.#front.batch(from, maxRows);
  }

  ack(epoch: string, upto: number): boolean {
    const front = this.#front;
    if (!front.ack(epoch, upto)) return false;
    if (front !== this.#own) this.#own.remember(drainedFact(epoch), String(upto));
    this.#turn();
    return true;
  }

  setOffset(offsetMs: number): void {
    this.#own.setOffset(offsetMs);
    for (const old of this.#old) old.setOffset(offsetMs);
  }

  addReading = (reading: Reading, taken: Taken): void => this.#own.addReading(reading, taken);
  addEvent = (event: SpoolEvent, taken: Taken): void => this.#own.addEvent(event, taken);
  commit = (): void => this.#own.commit();
  trim = (room: Room): void => this.#own.trim(room);
  count = (name: string, startAt?: number): number => this.#own.count(name, startAt);
  remember = (name: string, value: string): void => this.#own.remember(name, value);
  recall = (name: string): string | undefined => this.#own.recall(name);
  atomically = (work: () => void): void => this.#own.atomically(work);

  close(): void {
    for (const old of this.#old.splice(0)) old.close();
    this.#own.close();
  }

  get #front(): Spool | OldSpool {
    return this.#old[0] ?? this.#own;
  }

  /** Leaves old spools behind that hold nothing more. */
  #turn(): void {
    for (let old = this.#old[0]; old && old.floor > old.last; old = this.#old[0]) {
      old.close();
      this.#old.shift();
    }
  }
}
