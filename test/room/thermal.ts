import { COOLING, type CoolingPlace, DOORS, type Place, RACKS } from "./layout.ts";
import { approach, type Random, Wander } from "./random.ts";

export const SUPPLY_SET_C = 20;
const CORRIDOR_C = 30;
const CORRIDOR_DEW_C = 14;
const HALL_DEW_C = 9.5;
/** Air offered to a rack over air it needs, while every fan runs at its usual speed. */
const OVERSUPPLY = 1.2;
const FAN_USUAL = 0.7;
const FAN_LEAST = 0.5;
export const COOL_SET_C = 22;
/** Even a well cooled rack breathes some of its own exhaust; the top most, the bottom least. */
const RECIRCULATION = 0.1;
const RECIRCULATION_MAX = 0.9;
const HEIGHTS = [
  ["top", 1.5],
  ["mid", 1],
  ["bottom", 0.6],
] as const;
type Height = (typeof HEIGHTS)[number][0];

const AISLE_TAU_S = 100;
const EXHAUST_TAU_S = 45;
const COIL_TAU_S = 60;
const FAN_TAU_S = 25;
const COAST_TAU_S = 6;
const DOOR_TAU_S = 60;
/** Short, so that a drill can drive one rack over its limit within seconds. */
const HOT_SPOT_TAU_S = 2;
const DAY_S = 86_400;
/** Servers throttle from here and are off 10 K higher. */
const THROTTLE_C = 45;

export interface RackAir {
  readonly id: string;
  powerW: number;
  inletC: Record<Height, number>;
  exhaustC: number;
  humidityRh: number;
  /** Asked-for extra °C at the inlet; `hotC` follows it. */
  hotTargetC: number;
}
export interface CoolingUnit {
  readonly id: string;
  tripped: boolean;
  /** Neither tripped nor without power, as of the last step. */
  running: boolean;
  /** 0…1 */
  fan: number;
  supplyC: number;
  returnC: number;
  coolingW: number;
  /** What it would take to bring its return air to the supply set point. */
  demandW: number;
}
export interface ThermalDrive {
  /** Seconds since midnight of the simulated day. */
  daySecond: number;
  racksPowered: boolean;
  coolingPowered: boolean;
}

/** Air of the hall: rack inlets and exhausts, cooling units, doors. Lags are exact, so any step is stable. */
export class Thermal {
  readonly racks: RackAir[];
  readonly units: CoolingUnit[];
  readonly doorOpen = new Map(DOORS.map(({ id }) => [id, false]));
  readonly #ratedW: number[];
  /** Missing blanking panels and bad sealing make some racks breathe more of their own exhaust. */
  readonly #sealing: number[];
  readonly #loads: Wander[];
  readonly #dew: Wander;
  /** Share of each rack's air that comes from each unit. */
  readonly #shares = RACKS.map((rack) => airShares(rack));
  readonly #doorReach = RACKS.map((rack) =>
    DOORS.map((door) => 0.45 * Math.exp(-distanceM(rack, door) / 3)),
  );
  readonly #doorFlow = DOORS.map(() => 0);
  readonly #hotC = RACKS.map(() => 0);

  constructor(random: Random) {
    this.#ratedW = RACKS.map(() => 3_600 + 2_600 * random.next());
    this.#sealing = RACKS.map(() => 0.7 + 0.9 * random.next());
    this.#loads = RACKS.map(() => new Wander(random, 0.03, 600));
    this.#dew = new Wander(random, 0.3, 3_600);
    this.racks = RACKS.map(({ id }, i) => ({
      id,
      powerW: this.#ratedW[i]!,
      inletC: { top: 22.2, mid: 21.4, bottom: 20.8 },
      exhaustC: 33,
      humidityRh: 45,
      hotTargetC: 0,
    }));
    this.units = COOLING.map(({ id }) => ({
      id,
      tripped: false,
      running: true,
      fan: FAN_USUAL,
      supplyC: SUPPLY_SET_C,
      returnC: 30,
      coolingW: 0,
      demandW: 0,
    }));
  }

  get rackPowerW(): number {
    return sum(this.racks.map((rack) => rack.powerW));
  }

  /** Inlet air of the racks that unit `k` serves. */
  nearInletC(k: number): number {
    return this.#weighted(k, (rack) => rack.inletC.mid);
  }

  step(dtS: number, drive: ThermalDrive): void {
    this.#stepLoads(dtS, drive);
    this.#stepUnits(dtS, drive.coolingPowered);
    DOORS.forEach(({ id }, i) => {
      const target = this.doorOpen.get(id) ? 1 : 0;
      this.#doorFlow[i] = approach(this.#doorFlow[i]!, target, DOOR_TAU_S, dtS);
    });
    const meanExhaustC = sum(this.racks.map((rack) => rack.exhaustC)) / this.racks.length;
    const dewC = HALL_DEW_C + this.#dew.step(dtS);
    this.racks.forEach((rack, i) => {
      this.#stepRack(rack, i, { dtS, meanExhaustC, dewC });
    });
  }

  #stepLoads(dtS: number, { daySecond, racksPowered }: ThermalDrive): void {
    const daily = 1 + 0.07 * Math.sin((2 * Math.PI * (daySecond - 9 * 3_600)) / DAY_S);
    this.racks.forEach((rack, i) => {
      const wander = 1 + this.#loads[i]!.step(dtS);
      const throttle = clamp(1 - (rack.inletC.top - THROTTLE_C) / 10, 0, 1);
      rack.powerW = racksPowered ? this.#ratedW[i]! * daily * wander * throttle : 0;
    });
  }

  #stepUnits(dtS: number, powered: boolean): void {
    const usualFlowWk = this.rackPowerW / 12;
    const capacityW = sum(COOLING.map((unit) => unit.capacityW));
    const alone = this.units.some((unit) => unit.tripped) ? 0.15 : 0;
    this.units.forEach((unit, k) => {
      unit.running = powered && !unit.tripped;
      const nearC = this.nearInletC(k);
      const wish = FAN_USUAL + alone + 0.08 * (nearC - COOL_SET_C);
      const fan = unit.running ? clamp(wish, FAN_LEAST, 1) : 0;
      unit.fan = approach(unit.fan, fan, unit.running ? FAN_TAU_S : COAST_TAU_S, dtS);
      const place = COOLING[k]!;
      const share = place.capacityW / capacityW;
      const flowWk = ((OVERSUPPLY * unit.fan) / FAN_USUAL) * usualFlowWk * share;
      const hotC = this.#weighted(k, (rack) => rack.exhaustC);
      const bypass = 1 - 1 / OVERSUPPLY;
      const returnC = hotC * (1 - bypass) + unit.supplyC * bypass;
      unit.returnC = approach(unit.returnC, returnC, COIL_TAU_S, dtS);
      unit.supplyC = approach(unit.supplyC, supplyTargetC(unit, place, flowWk), COIL_TAU_S, dtS);
      unit.demandW = Math.max(0, usualFlowWk * share * (unit.returnC - SUPPLY_SET_C));
      unit.coolingW = unit.running ? Math.max(0, flowWk * (unit.returnC - unit.supplyC)) : 0;
    });
  }

  #stepRack(
    rack: RackAir,
    i: number,
    air: { dtS: number; meanExhaustC: number; dewC: number },
  ): void {
    const { dtS } = air;
    let flow = 0;
    let flowC = 0;
    this.units.forEach((unit, k) => {
      const part = this.#shares[i]![k]! * unit.fan;
      flow += part;
      flowC += part * unit.supplyC;
    });
    const hotAirC = 0.6 * rack.exhaustC + 0.4 * air.meanExhaustC;
    const supplyC = flow > 0.01 ? flowC / flow : hotAirC;
    const offered = (OVERSUPPLY * flow) / FAN_USUAL;
    const recirculation = RECIRCULATION * this.#sealing[i]! + 0.8 * Math.max(0, 1 - offered);
    const draught = Math.min(0.8, sum(this.#doorReach[i]!.map((g, d) => g * this.#doorFlow[d]!)));
    const before = this.#hotC[i]!;
    this.#hotC[i] = approach(before, rack.hotTargetC, HOT_SPOT_TAU_S, dtS);
    for (const [height, factor] of HEIGHTS) {
      const share = Math.min(RECIRCULATION_MAX, recirculation * factor);
      const inside = supplyC * (1 - share) + hotAirC * share;
      const target = inside * (1 - draught) + CORRIDOR_C * draught;
      const aisleC = approach(rack.inletC[height] - before, target, AISLE_TAU_S, dtS);
      rack.inletC[height] = aisleC + this.#hotC[i]!;
    }
    const riseC = rack.powerW > 0 ? 9 + rack.powerW / 1_700 : 0;
    rack.exhaustC = approach(rack.exhaustC, rack.inletC.mid + riseC, EXHAUST_TAU_S, dtS);
    const dewC = air.dewC + (CORRIDOR_DEW_C - air.dewC) * draught;
    rack.humidityRh = clamp(humidityRh(rack.inletC.top, dewC), 1, 100);
  }

  /** Mean over the racks, weighted by how much of their air comes from unit `k`. */
  #weighted(k: number, value: (rack: RackAir) => number): number {
    let total = 0;
    let weight = 0;
    this.racks.forEach((rack, i) => {
      const share = this.#shares[i]![k]!;
      total += share * value(rack);
      weight += share;
    });
    return total / weight;
  }
}

function supplyTargetC(unit: CoolingUnit, place: CoolingPlace, flowWk: number): number {
  if (!unit.running) return unit.returnC;
  const wanted = flowWk * (unit.returnC - SUPPLY_SET_C);
  return wanted > place.capacityW ? unit.returnC - place.capacityW / flowWk : SUPPLY_SET_C;
}

/** The nearer and the larger a unit, the more of the rack's air is its; a fifth is mixed across the hall. */
function airShares(rack: Place): number[] {
  const capacityW = sum(COOLING.map((unit) => unit.capacityW));
  const pull = COOLING.map((unit) => unit.capacityW * Math.exp(-distanceM(rack, unit) / 1.8));
  const total = sum(pull);
  return COOLING.map((unit, k) => 0.8 * (pull[k]! / total) + 0.2 * (unit.capacityW / capacityW));
}

/** Magnus formula over water. */
function humidityRh(airC: number, dewC: number): number {
  const vapour = (c: number) => Math.exp((17.62 * c) / (243.12 + c));
  return (100 * vapour(dewC)) / vapour(airC);
}

const distanceM = (from: Place, to: Place) => Math.hypot(from.x - to.x, from.y - to.y);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const clamp = (value: number, min: number, max: number) => Math.min(max, Math.max(min, value));
