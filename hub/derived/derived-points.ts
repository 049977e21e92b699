import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import { isId, placeOf, roleOf } from "../../contract/id.ts";
import type { Birth, PointInfo } from "../../contract/message.ts";
import type { Measurement, Reading } from "../../contract/reading.ts";
import type { SiteModel } from "../../contract/site.ts";
import { placeNames } from "../alarms/place-names.ts";
import type { LiveChange, LivePoint, LiveState } from "../live/live-state.ts";
import { DERIVED_NODE, isOwnNode } from "../own-nodes.ts";
import { VERSION } from "../version.ts";
import type { Climate } from "./climate.ts";
import type { Derivation, Deriver, Look, Scene } from "./derivation.ts";
import { DERIVERS } from "./index.ts";

const TICK_MS = 1_000;
/** How often a derived value is written when it does not change its word. */
export const DERIVED_PERIOD_MS = 10_000;
/** The most points derived; beyond it the last of the list are left out, and logged. */
const MAX_DERIVED = 20_000;

export interface DerivedDeps {
  site: SiteModel;
  climate: Climate;
  live: Pick<
    LiveState,
    "announce" | "status" | "point" | "nodes" | "reading" | "isStale" | "onChange"
  >;
  /** Puts the readings into the history; false when it has no room for them. */
  keep(node: string, epoch: string, readings: readonly Reading[]): boolean;
  /** Told of readings that never reached the history, once it takes them again. */
  onGap?(gap: { from: EpochMs; to: EpochMs; count: number }): void;
  clock: Clock;
  log: Logger;
  derivers?: readonly Deriver[];
}

interface Running {
  derivation: Derivation;
  /** An input has changed since it was derived. */
  isDue: boolean;
  toldAt: EpochMs;
  told: Measurement | null;
}

/** What site and points allow to derive. A name that a device offers itself stays the device's. */
export function planDerived(
  { site, climate }: Pick<DerivedDeps, "site" | "climate">,
  points: Iterable<PointInfo>,
  derivers: readonly Deriver[] = DERIVERS,
): Derivation[] {
  const places = new Map<string, Map<string, PointInfo>>();
  const taken = new Set<string>();
  for (const info of points) {
    taken.add(info.id);
    const place = placeOf(info.id);
    if (place === undefined) continue;
    const here = places.get(place) ?? new Map<string, PointInfo>();
    places.set(place, here.set(roleOf(info.id), info));
  }
  const nameOf = placeNames(site);
  const label = (place: string) => nameOf(`${place}.x`).label ?? place;
  const scene: Scene = { site, climate, places, label };
  return derivers
    .flatMap((derive) => derive(scene))
    .filter(({ info: { id } }) => isId(id) && !taken.has(id));
}

/** Makes points of other points and publishes them as a node of the hub's own. */
export class DerivedPoints {
  readonly #deps: DerivedDeps;
  readonly #boot = randomUUID();
  readonly #startedAt: EpochMs;
  #running: Running[] = [];
  #byInput = new Map<string, Running[]>();
  #births: readonly Birth[] = [];
  #offered = "";
  #announced = false;
  #lastAt = 0;
  #gap: { from: EpochMs; to: EpochMs; count: number } | undefined;

  constructor(deps: DerivedDeps) {
    this.#deps = deps;
    this.#startedAt = deps.clock.nowMs();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { live, clock } = this.#deps;
    const stop = live.onChange((change) => this.#hear(change));
    try {
      while (!signal.aborted) {
        this.look();
        await clock.sleep(TICK_MS, signal);
      }
    } finally {
      stop();
    }
  }

  look(): void {
    this.#plan();
    const { live, clock } = this.#deps;
    const now = clock.nowMs();
    const at = Math.max(now, this.#lastAt + 1);
    this.#lastAt = at;
    const readings: Reading[] = [];
    for (const running of this.#running) {
      const measurement = this.#derive(running, now, at);
      if (measurement) readings.push({ point: running.derivation.info.id, at, ...measurement });
    }
    for (const reading of readings) {
      const point = live.point(reading.point);
      if (point?.node === DERIVED_NODE) live.reading(point, reading, 0);
    }
    if (readings.length > 0) this.#keep(readings, at);
  }

  /** What has to be told now: a new word at once, everything else every ten seconds. */
  #derive(running: Running, now: EpochMs, at: EpochMs): Measurement | undefined {
    const { derivation, told, toldAt, isDue } = running;
    const timeUp = at - toldAt >= DERIVED_PERIOD_MS || told === null;
    if (!timeUp && !isDue) return undefined;
    running.isDue = false;
    const measurement = derivation.derive(this.#value, now);
    if (!timeUp && !isNews(derivation.info, told, measurement)) return undefined;
    running.told = measurement;
    running.toldAt = at;
    return measurement;
  }

  #value: Look = (id) => {
    const { live, clock } = this.#deps;
    const point: LivePoint | undefined = live.point(id);
    if (point?.reading?.quality !== "good") return undefined;
    return live.isStale(point, clock.nowMs()) ? undefined : point.reading.value;
  };

  #hear(change: LiveChange): void {
    if (change.kind !== "point") return;
    for (const running of this.#byInput.get(change.point.info.id) ?? []) running.isDue = true;
  }

  /** Looks anew at what can be derived whenever a node has announced other points. */
  #plan(): void {
    const { live, log } = this.#deps;
    const births = [...live.nodes()].filter(({ id }) => !isOwnNode(id)).map(({ birth }) => birth);
    const same = births.length === this.#births.length;
    if (same && births.every((birth, i) => birth === this.#births[i]) && this.#offered !== "")
      return;
    this.#births = births;
    const offered = births.flatMap(({ points }) => points);
    const plan = planDerived(this.#deps, offered, this.#deps.derivers);
    if (plan.length > MAX_DERIVED)
      log.error(
        { points: plan.length, limit: MAX_DERIVED },
        "too many derived points, rest left out",
      );
    this.#adopt(plan.slice(0, MAX_DERIVED));
  }

  #adopt(plan: readonly Derivation[]): void {
    const offered = JSON.stringify(plan.map(({ info, inputs }) => [info, inputs]));
    if (offered === this.#offered) return;
    const first = !this.#announced;
    this.#offered = offered;
    // What goes on as it was keeps what it has seen: starts of a unit, how long a difference was low.
    const before = new Map(this.#running.map((running) => [keyOf(running.derivation), running]));
    this.#running = plan.map(
      (derivation) =>
        before.get(keyOf(derivation)) ?? { derivation, isDue: true, toldAt: 0, told: null },
    );
    this.#byInput = new Map();
    for (const running of this.#running)
      for (const input of running.derivation.inputs)
        this.#byInput.set(input, [...(this.#byInput.get(input) ?? []), running]);
    if (plan.length > 0 || this.#announced) this.#announce(first);
  }

  #announce(first: boolean): void {
    const { live, log } = this.#deps;
    const at = this.#startedAt;
    this.#announced = true;
    const birth: Birth = {
      ...{ v: 1, node: DERIVED_NODE, label: "Derived by the hub", at, doors: [] },
      ...{ software: `plenum-hub ${VERSION}`, bootId: this.#boot, epoch: this.#boot },
      points: this.#running.map(({ derivation: { info } }) => ({
        ...info,
        label: info.label.slice(0, 120),
        periodMs: DERIVED_PERIOD_MS,
      })),
    };
    const refused = live.announce(birth);
    if (refused.length > 0) log.warn({ points: refused.slice(0, 10) }, "derived points not taken");
    if (first) live.status(DERIVED_NODE, { v: 1, state: "online", session: 0, at });
  }

  #keep(readings: readonly Reading[], at: EpochMs): void {
    const { keep, onGap } = this.#deps;
    if (!keep(DERIVED_NODE, this.#boot, readings)) {
      this.#gap ??= { from: at, to: at, count: 0 };
      this.#gap.to = at;
      this.#gap.count += readings.length;
    } else if (this.#gap) {
      onGap?.(this.#gap);
      this.#gap = undefined;
    }
  }
}

const keyOf = ({ info, inputs }: Derivation): string => JSON.stringify([info, inputs]);

/** Words and flags are news at once; of a number only that it is there, or not any more. */
function isNews(
  { quantity }: Derivation["info"],
  told: Measurement | null,
  now: Measurement,
): boolean {
  if (told?.quality !== now.quality) return true;
  if (quantity !== "state" && quantity !== "flag") return false;
  return told.quality !== "bad" && now.quality !== "bad" && told.value !== now.value;
}
