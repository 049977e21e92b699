import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { type Held, LEASE_TTL_MS, type Leases } from "./leases.ts";
import { partitionLease, partitionsOf } from "./partitions.ts";

/** Three chances to renew before a lease is over. */
export const BEAT_MS = 3_000;
export const LEAD = "lead";
const MEMBER = "worker:";

export interface KeeperDeps {
  leases: Leases;
  /** Name of the worker, and of this very process. */
  worker: string;
  owner: string;
  clock: Clock;
  log: Logger;
  /** Whether a process has certainly ended: nobody need wait for its leases to run out. */
  hasEnded(owner: string): boolean;
  /** Makes sure that a process which let its lease run out does nothing more. */
  endOwner(owner: string): void;
  /** These partitions are this worker's from now on, until it is told otherwise. */
  onPartitions(partitions: ReadonlySet<number>): Promise<void>;
  /** The one worker that judges alarms and serves people; for the rest of this process's life. */
  onLead(token: number): void;
}

/** What this process held has gone to another: it was paused or cut off for too long and must end. */
export class LeaseLost extends Error {
  override name = "LeaseLost";
}

/**
 * Holds a worker's share of the partitions, and the lead when it is free, renewing every 3 s. Ends with
 * LeaseLost when it can no longer be sure of them: the process starts again with clean hands.
 */
export class LeaseKeeper {
  readonly #deps: KeeperDeps;
  #partitions: ReadonlySet<number> = new Set();
  #leads = false;
  #renewedMs: number | undefined;
  #waiting = false;
  #failing = false;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, leases, owner, worker } = this.#deps;
    while (!signal.aborted) {
      const beganMs = clock.monoMs();
      try {
        await this.#beat();
      } catch (error) {
        if (error instanceof LeaseLost) throw error;
        this.#tolerate(error, beganMs);
      }
      await clock.sleep(BEAT_MS, signal);
    }
    const partitions = [...this.#partitions].map(partitionLease);
    await leases.release(owner, [...partitions, LEAD, MEMBER + worker]);
  }

  async #beat(): Promise<void> {
    const { leases, worker, owner, clock, onLead } = this.#deps;
    const beganMs = clock.monoMs();
    await this.#clearUp();
    const [member] = await this.#hold([MEMBER + worker]);
    if (!member) {
      if (this.#renewedMs !== undefined) throw new LeaseLost(`another process runs as ${worker}`);
      this.#tellWaiting();
      return;
    }
    const members = (await leases.inForce())
      .filter(({ name }) => name.startsWith(MEMBER))
      .map(({ name }) => name.slice(MEMBER.length));
    const due = new Set(partitionsOf(worker, members));
    const held = [...this.#partitions];
    const wanted = [...new Set([...due, ...held])];
    const granted = await this.#hold([...wanted.map(partitionLease), LEAD]);
    const names = new Set(granted.map(({ name }) => name));
    const lost = held.filter((partition) => !names.has(partitionLease(partition)));
    if (lost.length > 0 || (this.#leads && !names.has(LEAD)))
      throw new LeaseLost(`${worker} was away for more than ${LEASE_TTL_MS / 1_000} s`);
    this.#renewedMs = beganMs;
    if (this.#failing) this.#deps.log.info("leases renewed again");
    this.#failing = false;
    const lead = granted.find(({ name }) => name === LEAD);
    if (lead && !this.#leads) {
      this.#leads = true;
      onLead(lead.token);
    }
    await this.#move(
      due,
      wanted.filter((partition) => names.has(partitionLease(partition))),
      owner,
    );
  }

  /** Lets go of what falls to others only once nothing more is taken in of it. */
  async #move(due: ReadonlySet<number>, granted: readonly number[], owner: string): Promise<void> {
    const { leases, log, onPartitions } = this.#deps;
    const before = this.#partitions;
    const after = new Set(granted.filter((partition) => due.has(partition)));
    const same = after.size === before.size && [...after].every((one) => before.has(one));
    const leaving = granted.filter((partition) => !due.has(partition));
    if (!same || leaving.length > 0) {
      log.info({ partitions: after.size, before: before.size }, "share of the load changed");
      this.#partitions = after;
      await onPartitions(after);
    }
    if (leaving.length > 0) await leases.release(owner, leaving.map(partitionLease));
  }

  /** Frees what processes held that have ended without giving it back. */
  async #clearUp(): Promise<void> {
    const { leases, hasEnded } = this.#deps;
    const inForce = await leases.inForce();
    for (const owner of new Set(inForce.map((lease) => lease.owner))) {
      if (!hasEnded(owner)) continue;
      const names = inForce.filter((lease) => lease.owner === owner).map(({ name }) => name);
      await leases.release(owner, names);
    }
  }

  async #hold(names: readonly string[]): Promise<Held[]> {
    const { leases, owner, endOwner } = this.#deps;
    const granted = await leases.hold(owner, names, LEASE_TTL_MS);
    const late = new Set(granted.flatMap(({ takenFrom }) => takenFrom ?? []));
    for (const other of late) endOwner(other);
    return granted;
  }

  #tellWaiting(): void {
    if (!this.#waiting)
      this.#deps.log.warn(
        { worker: this.#deps.worker },
        "another process runs as this worker; waiting until it ends",
      );
    this.#waiting = true;
  }

  /** A store that does not answer is waited for, but no longer than what is held is certain. */
  #tolerate(error: unknown, nowMs: number): void {
    const { log } = this.#deps;
    const message = error instanceof Error ? error.message : String(error);
    if (this.#renewedMs !== undefined && nowMs + BEAT_MS - this.#renewedMs > LEASE_TTL_MS)
      throw new LeaseLost(`leases not renewed for too long: ${message}`);
    if (!this.#failing) log.error({ error: message }, "leases not renewed");
    this.#failing = true;
  }
}
