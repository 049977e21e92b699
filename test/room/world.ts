import { DOORS, FEEDS, LEAK_POINT, PDUS, RACKS } from "./layout.ts";
import {
  batteryV,
  chargePercent,
  fuelPercent,
  loadPercent,
  Power,
  runtimeS,
  UPS_EFFICIENCY,
} from "./power.ts";
import { Random } from "./random.ts";
import { COOL_SET_C, type CoolingUnit, SUPPLY_SET_C, Thermal } from "./thermal.ts";

/** Longest step the physics takes at once: shorter than the quickest transfer in the power chain. */
const STEP_MAX_S = 2;
/** A hall does not begin to exist when the program starts: its air has settled. */
const SETTLE_S = 1_200;
const POWER_FACTOR = 0.97;
const OUTPUT_V = 230;
/** Control mode "auto" of DSE controllers. */
const GENERATOR_AUTO = 1;

/** True value by point; NaN where the device itself has none to give. */
export type Truth = ReadonlyMap<string, () => number>;

/** The hall as it really is. Pure: it knows no clock, no socket and no sensor. */
export class World {
  readonly thermal: Thermal;
  readonly power: Power;
  leakWet = false;
  readonly truth: Truth;
  readonly #pduKwh = new Map<string, number>(PDUS.map(({ id }, i) => [id, 18_000 + 731 * i]));
  #daySecond: number;

  /** `startSecond`: seconds since midnight at which the simulated day begins. */
  constructor({ seed, startSecond }: { seed: number; startSecond: number }) {
    const random = new Random(seed);
    this.thermal = new Thermal(random);
    this.power = new Power(random);
    this.#daySecond = startSecond - SETTLE_S;
    this.truth = this.#readers();
    this.step(SETTLE_S);
  }

  /** Advances everything by `seconds`, however long, in steps of at most two seconds. */
  step(seconds: number): void {
    const count = Math.max(1, Math.ceil(seconds / STEP_MAX_S));
    for (let i = 0; i < count; i += 1) this.#stepOnce(seconds / count);
  }

  #stepOnce(dtS: number): void {
    this.#daySecond += dtS;
    const { thermal, power } = this;
    thermal.step(dtS, {
      daySecond: this.#daySecond,
      racksPowered: power.racksPowered,
      coolingPowered: power.coolingPowered,
    });
    const coolingW = thermal.units.reduce((total, unit) => total + unit.coolingW, 0);
    power.step(dtS, thermal.rackPowerW, coolingW);
    for (const { id, feed, row } of PDUS) {
      const kwh = (this.#rowPowerW(row) * power.feedShare(feed) * dtS) / 3_600_000;
      this.#pduKwh.set(id, this.#pduKwh.get(id)! + kwh);
    }
  }

  #rowPowerW(row: "a" | "b", phase?: number): number {
    let total = 0;
    this.thermal.racks.forEach((rack, i) => {
      if (RACKS[i]!.row === row && (phase === undefined || i % 3 === phase)) total += rack.powerW;
    });
    return total;
  }

  #readers(): Truth {
    const truth = new Map<string, () => number>();
    const add = (place: string, readers: Record<string, () => number>) => {
      for (const [role, read] of Object.entries(readers)) truth.set(`${place}.${role}`, read);
    };
    for (const rack of this.thermal.racks)
      add(rack.id, {
        "inlet-top": () => rack.inletC.top,
        "inlet-mid": () => rack.inletC.mid,
        "inlet-bottom": () => rack.inletC.bottom,
        exhaust: () => rack.exhaustC,
        humidity: () => rack.humidityRh,
        power: () => rack.powerW,
      });
    this.thermal.units.forEach((unit, k) => {
      add(
        unit.id,
        coolingReaders(unit, () => this.thermal.nearInletC(k)),
      );
    });
    for (const feed of FEEDS) {
      add(`utility-${feed}`, this.#utilityReaders(feed));
      add(`ups-${feed}`, this.#upsReaders(feed));
    }
    for (const pdu of PDUS) add(pdu.id, this.#pduReaders(pdu));
    add("gen-1", this.#generatorReaders());
    for (const { id } of DOORS)
      truth.set(`${id}.open`, () => (this.thermal.doorOpen.get(id) ? 1 : 0));
    truth.set(LEAK_POINT, () => (this.leakWet ? 1 : 0));
    return truth;
  }

  #utilityReaders(feed: "a" | "b") {
    const utility = this.power.utility[feed];
    return meterReaders({
      voltageV: (phase) => (utility.present ? utility.voltageV + 0.4 * (phase - 1) : 0),
      powerW: (phase) => utility.powerW * [0.34, 0.33, 0.33][phase]!,
      frequencyHz: () => utility.frequencyHz,
      energyKwh: () => utility.energyKwh,
    });
  }

  #pduReaders({ id, feed, row }: (typeof PDUS)[number]) {
    const ups = this.power.ups[feed];
    return meterReaders({
      voltageV: (phase) => (ups.outputOn ? OUTPUT_V + 0.2 * (phase - 1) : 0),
      powerW: (phase) => this.#rowPowerW(row, phase) * this.power.feedShare(feed),
      frequencyHz: () => (ups.outputOn ? 50 : 0),
      energyKwh: () => this.#pduKwh.get(id)!,
    });
  }

  #upsReaders(feed: "a" | "b") {
    const ups = this.power.ups[feed];
    const flag = (on: boolean) => (on ? 1 : 0);
    const outputV = () => (ups.outputOn ? OUTPUT_V : 0);
    return {
      online: () => flag(ups.outputOn && ups.source !== null),
      "on-battery": () => flag(ups.outputOn && ups.source === null),
      bypass: () => 0,
      "output-off": () => flag(!ups.outputOn),
      fault: () => 0,
      "input-bad": () => flag(ups.source === null),
      testing: () => 0,
      overload: () => flag(loadPercent(ups) > 100),
      "replace-battery": () => 0,
      "battery-disconnected": () => 0,
      "battery-hot": () => 0,
      "shutdown-imminent": () => flag(ups.outputOn && ups.source === null && runtimeS(ups) < 120),
      runtime: () => runtimeS(ups),
      charge: () => chargePercent(ups),
      load: () => loadPercent(ups),
      "battery-voltage": () => batteryV(ups),
      "battery-temperature": () => (ups.source === null ? 27 : 25),
      "output-current": () => ups.loadW / OUTPUT_V / POWER_FACTOR,
      "output-voltage": outputV,
      frequency: () => (ups.outputOn ? 50 : 0),
      "input-voltage": () => ups.inputV,
      efficiency: () => (ups.source === null ? Number.NaN : UPS_EFFICIENCY),
    };
  }

  #generatorReaders() {
    const { generator } = this.power;
    const running = () => generator.state === "running";
    const volts = (phase: number) => () => (running() ? 231 + 0.3 * (phase - 1) : 0);
    const amps = () => generator.powerW / 3 / 231 / POWER_FACTOR;
    return {
      running: () => (running() ? 1 : 0),
      fuel: () => fuelPercent(generator),
      mode: () => GENERATOR_AUTO,
      power: () => generator.powerW,
      speed: () => generator.rpm,
      frequency: () => generator.rpm / 30,
      "voltage-l1": volts(0),
      "voltage-l2": volts(1),
      "voltage-l3": volts(2),
      "current-l1": amps,
      "current-l2": amps,
      "current-l3": amps,
      coolant: () => generator.coolantC,
      "battery-voltage": () => (generator.state === "starting" ? 22.8 : 26.9),
      "run-time": () => generator.runS,
    };
  }
}

/** Codes of the APC InRow SC map. */
const STATUS_NORMAL = 0;
const STATUS_CRITICAL = 8;
const MODE_STANDBY = 0;
const MODE_ON = 1;

function coolingReaders(unit: CoolingUnit, rackInletC: () => number) {
  return {
    running: () => (unit.running ? 1 : 0),
    status: () => (unit.tripped ? STATUS_CRITICAL : STATUS_NORMAL),
    mode: () => (unit.running ? MODE_ON : MODE_STANDBY),
    supply: () => unit.supplyC,
    return: () => unit.returnC,
    fan: () => 100 * unit.fan,
    cooling: () => unit.coolingW,
    demand: () => unit.demandW,
    "rack-inlet": rackInletC,
    "condenser-outlet": () => unit.returnC + 9,
    "cool-setpoint": () => COOL_SET_C,
    "supply-setpoint": () => SUPPLY_SET_C,
  };
}

/** Phases count from 0. */
interface MeterSource {
  voltageV: (phase: number) => number;
  powerW: (phase: number) => number;
  frequencyHz: () => number;
  energyKwh: () => number;
}

function meterReaders(source: MeterSource): Record<string, () => number> {
  const readers: Record<string, () => number> = {
    frequency: source.frequencyHz,
    energy: source.energyKwh,
    "energy-export": () => 0,
    "power-factor": () => POWER_FACTOR,
    power: () => total(source.powerW),
    "apparent-power": () => total(source.powerW) / POWER_FACTOR,
    "reactive-power": () => total(source.powerW) * Math.tan(Math.acos(POWER_FACTOR)),
  };
  for (const phase of [0, 1, 2]) {
    const name = `l${phase + 1}`;
    readers[`voltage-${name}`] = () => source.voltageV(phase);
    readers[`power-${name}`] = () => source.powerW(phase);
    readers[`current-${name}`] = () => {
      const volts = source.voltageV(phase);
      return volts > 0 ? source.powerW(phase) / volts / POWER_FACTOR : 0;
    };
  }
  return readers;
}

const total = (powerW: (phase: number) => number) => powerW(0) + powerW(1) + powerW(2);
