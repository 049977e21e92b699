import { FEEDS, type Feed } from "./layout.ts";
import { approach, type Random, Wander } from "./random.ts";

const BATTERY_WH = 16_000;
const UPS_RATED_W = 100_000;
export const UPS_EFFICIENCY = 0.95;
const CHARGE_W = 6_000;
const RUNTIME_MAX_S = 6 * 3_600;
const GENERATOR_START_S = 10;
const GENERATOR_COOLDOWN_S = 60;
const TRANSFER_S = 3;
/** The utility must be back this long before the load leaves the generator. */
const RETURN_S = 10;
const FUEL_L = 600;
/** Fans and pumps take about this share of the heat they carry. */
const COOLING_POWER_SHARE = 0.25;
const WH_PER_WS = 1 / 3_600;

export interface Utility {
  present: boolean;
  voltageV: number;
  frequencyHz: number;
  powerW: number;
  energyKwh: number;
}
export interface Ups {
  /** Where the input comes from; null = none, the battery carries the load. */
  source: "utility" | "generator" | null;
  outputOn: boolean;
  loadW: number;
  chargeWh: number;
  inputV: number;
}
export interface Generator {
  failed: boolean;
  state: "standby" | "starting" | "running";
  fuelL: number;
  powerW: number;
  rpm: number;
  coolantC: number;
  runS: number;
}

interface FeedTimers {
  lostS: number;
  backS: number;
  transferS: number;
}

/** Two utility feeds, one generator for both, a UPS on each. Racks take half from each feed, or all from the one left. */
export class Power {
  readonly utility: Record<Feed, Utility>;
  readonly ups: Record<Feed, Ups>;
  readonly generator: Generator = {
    failed: false,
    state: "standby",
    fuelL: 0.82 * FUEL_L,
    powerW: 0,
    rpm: 0,
    coolantC: 40,
    runS: 412 * 3_600,
  };
  readonly #timers: Record<Feed, FeedTimers>;
  readonly #sags: Record<Feed, Wander>;
  readonly #hertz: Wander;
  #generatorS = 0;

  constructor(random: Random) {
    const each = <T>(make: () => T): Record<Feed, T> => ({ a: make(), b: make() });
    this.utility = each(() => ({
      present: true,
      voltageV: 230,
      frequencyHz: 50,
      powerW: 0,
      energyKwh: 40_000 + Math.floor(20_000 * random.next()),
    }));
    this.ups = each(() => ({
      source: "utility",
      outputOn: true,
      loadW: 0,
      chargeWh: BATTERY_WH,
      inputV: 230,
    }));
    this.#timers = each(() => ({ lostS: 0, backS: RETURN_S, transferS: 0 }));
    this.#sags = each(() => new Wander(random, 0.9, 120));
    this.#hertz = new Wander(random, 0.02, 20);
  }

  get racksPowered(): boolean {
    return FEEDS.some((feed) => this.ups[feed].outputOn);
  }
  /** The cooling units take whichever feed is alive before its UPS: a UPS does not carry them. */
  get coolingPowered(): boolean {
    return FEEDS.some((feed) => this.ups[feed].source !== null);
  }
  /** What the UPS output gives, in watts, for a row that draws `rowW` in all. */
  feedShare(feed: Feed): number {
    const live = FEEDS.filter((other) => this.ups[other].outputOn);
    return this.ups[feed].outputOn ? 1 / live.length : 0;
  }

  step(dtS: number, racksW: number, coolingW: number): void {
    const hertz = 50 + this.#hertz.step(dtS);
    for (const feed of FEEDS) this.#stepUtility(feed, hertz, dtS);
    this.#stepGenerator(dtS);
    for (const feed of FEEDS) this.#chooseSource(feed, dtS);
    for (const feed of FEEDS) {
      const ups = this.ups[feed];
      // A UPS whose battery ran flat starts again by itself with the input.
      if (ups.source !== null) ups.outputOn = true;
      ups.loadW = racksW * this.feedShare(feed);
    }
    const fed = FEEDS.filter((feed) => this.ups[feed].source !== null);
    const coolingEachW = fed.length > 0 ? (coolingW * COOLING_POWER_SHARE) / fed.length : 0;
    let generatorW = 0;
    for (const feed of FEEDS) {
      const inputW = this.#stepUps(feed, dtS);
      const { source } = this.ups[feed];
      const takenW = source === null ? 0 : inputW + coolingEachW;
      const utility = this.utility[feed];
      utility.powerW = source === "utility" ? takenW : 0;
      utility.energyKwh += (utility.powerW * dtS * WH_PER_WS) / 1_000;
      if (source === "generator") generatorW += takenW;
    }
    this.generator.powerW = generatorW;
  }

  #stepUtility(feed: Feed, hertz: number, dtS: number): void {
    const utility = this.utility[feed];
    const timers = this.#timers[feed];
    const sag = this.#sags[feed].step(dtS);
    utility.voltageV = utility.present ? 230 + sag : 0;
    utility.frequencyHz = utility.present ? hertz : 0;
    timers.lostS = utility.present ? 0 : timers.lostS + dtS;
    timers.backS = utility.present ? timers.backS + dtS : 0;
  }

  #stepGenerator(dtS: number): void {
    const generator = this.generator;
    const wanted = FEEDS.some(
      (feed) => !this.utility[feed].present || this.ups[feed].source === "generator",
    );
    if (generator.failed || generator.fuelL <= 0) generator.state = "standby";
    else if (generator.state === "standby" && wanted) {
      generator.state = "starting";
      this.#generatorS = 0;
    }
    if (generator.state === "starting") {
      this.#generatorS += dtS;
      if (this.#generatorS >= GENERATOR_START_S) {
        generator.state = "running";
        this.#generatorS = 0;
      }
    } else if (generator.state === "running") {
      this.#generatorS = wanted ? 0 : this.#generatorS + dtS;
      if (this.#generatorS >= GENERATOR_COOLDOWN_S) generator.state = "standby";
    }
    const running = generator.state === "running";
    const turning = running || (generator.state === "starting" && this.#generatorS > 5);
    generator.rpm = approach(generator.rpm, turning ? 1_500 : 0, 1, dtS);
    generator.coolantC = approach(generator.coolantC, running ? 84 : 40, 300, dtS);
    if (!running) return;
    generator.runS += dtS;
    // About 4 l/h idling and 0.25 l per kWh.
    const perHourL = 4 + (0.25 * generator.powerW) / 1_000;
    generator.fuelL = Math.max(0, generator.fuelL - (perHourL * dtS) / 3_600);
  }

  #chooseSource(feed: Feed, dtS: number): void {
    const ups = this.ups[feed];
    const timers = this.#timers[feed];
    const { present } = this.utility[feed];
    const generating = this.generator.state === "running";
    if (ups.source === "generator" && !generating) ups.source = null;
    if (ups.source === "utility" && !present) ups.source = null;
    timers.transferS = ups.source === null && generating ? timers.transferS + dtS : 0;
    if (present && (ups.source === null || timers.backS >= RETURN_S)) ups.source = "utility";
    else if (timers.transferS >= TRANSFER_S) ups.source = "generator";
    ups.inputV = { utility: this.utility[feed].voltageV, generator: 231 }[ups.source ?? "utility"];
    if (ups.source === null) ups.inputV = 0;
  }

  /** Returns what the UPS takes from its input, in watts. */
  #stepUps(feed: Feed, dtS: number): number {
    const ups = this.ups[feed];
    if (ups.source === null) {
      ups.chargeWh = Math.max(0, ups.chargeWh - drainW(ups.loadW) * dtS * WH_PER_WS);
      if (ups.chargeWh === 0) ups.outputOn = false;
      return 0;
    }
    const missing = 1 - ups.chargeWh / BATTERY_WH;
    const chargeW = CHARGE_W * Math.min(1, missing * 10);
    ups.chargeWh = Math.min(BATTERY_WH, ups.chargeWh + chargeW * dtS * WH_PER_WS);
    return ups.loadW / UPS_EFFICIENCY + chargeW;
  }
}

/** What the battery gives up to carry `loadW`: more than in proportion at high load, as lead batteries do. */
function drainW(loadW: number): number {
  return loadW > 0 ? (loadW / 0.94) * (loadW / UPS_RATED_W) ** 0.1 : 200;
}

export const chargePercent = (ups: Ups) => (100 * ups.chargeWh) / BATTERY_WH;
export const loadPercent = (ups: Ups) => (100 * ups.loadW) / UPS_RATED_W;
export const fuelPercent = (generator: Generator) => (100 * generator.fuelL) / FUEL_L;
export const runtimeS = (ups: Ups) =>
  Math.min(RUNTIME_MAX_S, (ups.chargeWh * 3_600) / drainW(ups.loadW));
/** A string of four 12 V blocks: floating on line, sagging with charge on battery. */
export const batteryV = (ups: Ups) =>
  ups.source === null ? 42 + (9.5 * ups.chargeWh) / BATTERY_WH : 54.5;
/** A full tank, as after the repair of a generator. */
export function refuel(generator: Generator): void {
  generator.fuelL = FUEL_L;
}
