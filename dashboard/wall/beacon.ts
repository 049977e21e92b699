/** How often a wall screen says that it paints. */
export const BEACON_MS = 60_000;

export interface BeaconDeps {
  /** Calls once with the next frame the browser paints; never while the page is hidden or hangs. */
  nextFrame(painted: () => void): void;
  /** True while the page shows what the hub says. */
  isFresh(): boolean;
  /** Tells the hub. What fails is told a minute later. */
  send(): Promise<unknown>;
}

/** Tells the hub that something was painted; a screen that stands still says nothing. Call once a minute. */
export function beacon({ nextFrame, isFresh, send }: BeaconDeps): void {
  nextFrame(() => {
    if (isFresh()) send().catch(() => undefined);
  });
}
