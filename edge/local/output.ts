/**
 * Something that is switched on for an alarm: a relay, a beacon, a buzzer. Each alarm is a cause of its
 * own, so that a second one sounds again after the first one's time has run out. No call throws or
 * waits; whoever implements it keeps trying, reads back, and reports its own trouble as points.
 */
export interface Output {
  readonly id: string;
  /** Judging has begun: from now on it is off unless something demands it. */
  govern(): void;
  demand(cause: string): void;
  release(cause: string): void;
}
