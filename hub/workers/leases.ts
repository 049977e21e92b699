/** Who may do what, among several processes, for a limited time. */
export interface Leases {
  /**
   * In one step renews those of `names` that `owner` holds and takes those that are free or over.
   * Returns what it holds now of `names`. Rejects when the store does not answer: nothing is certain then.
   */
  hold(owner: string, names: readonly string[], ttlMs: number): Promise<Held[]>;
  /** Gives back what `owner` holds of `names`, so that another need not wait. */
  release(owner: string, names: readonly string[]): Promise<void>;
  /** Every lease in force. */
  inForce(): Promise<{ name: string; owner: string }[]>;
  close(): void;
}

export interface Held {
  name: string;
  /** Rises whenever the lease of this name goes from one owner to another; never falls, also over restarts. */
  token: number;
  /** Set when it has just been taken from an owner that did not give it back: it may still be acting. */
  takenFrom: string | null;
}

export const LEASE_TTL_MS = 10_000;
