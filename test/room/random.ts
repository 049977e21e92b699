/** Repeatable randomness: the same seed gives the same day. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Near-normal with mean 0 and standard deviation 1, never beyond ±3.5: the sum of four uniforms. */
  normal(): number {
    return Math.sqrt(3) * (this.next() + this.next() + this.next() + this.next() - 2);
  }
}

/** A value that wanders about zero and forgets itself after `tauS` (Ornstein–Uhlenbeck). */
export class Wander {
  value = 0;

  constructor(
    private readonly random: Random,
    private readonly deviation: number,
    private readonly tauS: number,
  ) {}

  step(dtS: number): number {
    const keep = Math.exp(-dtS / this.tauS);
    this.value =
      this.value * keep + this.deviation * Math.sqrt(1 - keep * keep) * this.random.normal();
    return this.value;
  }
}

/** One step of a first-order lag towards `target`; exact, so it is stable for any step. */
export function approach(value: number, target: number, tauS: number, dtS: number): number {
  return target + (value - target) * Math.exp(-dtS / tauS);
}
