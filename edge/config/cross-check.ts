import { ID_PATTERN } from "../../contract/id.ts";
import type { PointInfo } from "../../contract/message.ts";
import { outputPoints } from "../outputs/output-loop.ts";
import { unitsOf } from "../profiles/stations.ts";
import { USUAL_UPS_VALUES } from "../ups/model.ts";
import { type Catalogue, channelsOf, type Sensor } from "./catalogue.ts";
import { doorPoint } from "./edge-config.ts";
import { explain } from "./explain.ts";
import {
  type BusChecks,
  checkCollisions,
  checkI2cBus,
  hexAddress as hex,
  linesOf,
} from "./i2c-check.ts";
import { suggestion } from "./nearest.ts";
import { checkOffsets } from "./offset-check.ts";
import type { Placed, PlacedParts, Settings } from "./placed.ts";
import { nutPoints, profilePoints } from "./points.ts";
import type { BusConfig } from "./schema.ts";
import { type Path, type Problem, pathText, type Source } from "./source.ts";

/** 7-bit I2C addresses outside this range are reserved by the bus specification. */
const FIRST_I2C = 0x08;
const LAST_I2C = 0x77;

/** Everything that only shows when entries are seen together, or beside what this program knows. */
export function crossCheck(parts: PlacedParts, catalogue: Catalogue, source: Source): Problem[] {
  return new CrossChecker(parts, catalogue, source).run();
}

class CrossChecker {
  readonly #problems: Problem[] = [];
  readonly #parts: PlacedParts;
  readonly #catalogue: Catalogue;
  readonly #source: Source;
  readonly #busTypes: Map<string, BusConfig["type"] | undefined>;
  /** What was claimed, by whom first. */
  readonly #claims = new Map<string, Path>();

  constructor(parts: PlacedParts, catalogue: Catalogue, source: Source) {
    this.#parts = parts;
    this.#catalogue = catalogue;
    this.#source = source;
    this.#busTypes = new Map(
      parts.buses.flatMap(({ value: { id, type } }) => (id === undefined ? [] : [[id, type]])),
    );
  }

  run(): Problem[] {
    const checks: BusChecks = {
      onBus: (bus, types, at) => this.#onBus(bus, types, at),
      claim: (what, value, at) => this.#claim(what, value, at),
      report: (at, message) => this.#report(at, message),
    };
    const muxes = new Set<string>();
    for (const bus of this.#parts.buses) {
      const { value, path } = bus;
      checkI2cBus(bus, muxes, checks);
      this.#claim("bus id", value.id, [...path, "id"]);
      // Over TCP the bus id names the room's bus; a real line can be opened only once.
      if (!value.device?.startsWith("tcp://"))
        this.#claim("device", value.device, [...path, "device"]);
    }
    for (const device of this.#parts.devices) this.#device(device);
    for (const { value, path } of this.#parts.doors) {
      const fresh = this.#claim("door id", value.id, [...path, "id"]);
      if (fresh && value.id !== undefined) this.#claimPoint(doorPoint(value.id), [...path, "id"]);
      this.#contact(value, path);
    }
    for (const { value, path } of this.#parts.inputs) {
      this.#claimPoint(value.point, [...path, "point"]);
      this.#contact(value, path);
    }
    for (const { value, path } of this.#parts.pulses) {
      this.#claimPoint(value.point, [...path, "point"]);
      this.#claimPoint(value.power, [...path, "power"]);
      // An expander is looked at too seldom to count pulses.
      this.#contact(value, path, ["gpio"]);
    }
    for (const { value, path } of this.#parts.outputs) {
      const fresh = this.#claim("output id", value.id, [...path, "id"]);
      if (fresh && value.id !== undefined)
        for (const point of Object.values(outputPoints(value.id)))
          this.#claimPoint(point, [...path, "id"]);
      this.#contact(value, path, ["gpio", "i2c-gpio"]);
    }
    checkCollisions(this.#parts, checks);
    return this.#problems;
  }

  #device({ value, path }: Placed): void {
    const fresh = this.#claim("device id", value.id, [...path, "id"]);
    const { kind = "i2c", points, bus } = value;
    if (kind === "modbus") {
      this.#onBus(bus, ["modbus-rtu", "modbus-tcp"], [...path, "bus"]);
      this.#known("profile", value.profile, this.#catalogue.profiles, [...path, "profile"]);
      this.#units(value, path);
      this.#period(value, path);
      if (fresh) this.#profilePoints(value, path);
      return;
    }
    if (kind === "nut") {
      this.#onBus(bus, ["nut"], [...path, "bus"]);
      if (fresh) this.#nutPoints(value, path);
      return;
    }
    this.#onBus(bus, kind === "i2c" ? ["i2c", "i2c-mux"] : [kind], [...path, "bus"]);
    const { i2c, oneWire, kernel } = this.#catalogue;
    const sensors = { i2c, "one-wire": oneWire, kernel }[kind];
    this.#known("driver", value.driver, [...sensors.keys()], [...path, "driver"]);
    if (kind === "i2c") this.#address(value, path);
    if (kind === "one-wire") this.#family(value, path);
    if (kind === "i2c") this.#options(value, path);
    if (kind === "i2c") this.#heater(value, path);
    checkOffsets({ value, path }, this.#channelsOf(value), (at, text) => this.#report(at, text));
    if (points) this.#channels(points, value, [...path, "points"]);
  }

  #options({ driver = "", options }: Partial<Settings>, path: Path): void {
    const sensor = this.#catalogue.i2c.get(driver);
    const at = [...path, "options"];
    if (!sensor) return;
    if (!sensor.optionsSchema) {
      if (options !== undefined) this.#report(at, `${driver} has no options; remove them`);
      return;
    }
    const checked = sensor.optionsSchema.safeParse(options ?? {});
    if (checked.success) return;
    for (const issue of checked.error.issues)
      this.#problems.push(...explain(issue, at, this.#source));
  }

  /** Some devices answer at several unit numbers; each may be given only once. */
  #units({ profile = "", unit, bus }: Partial<Settings>, path: Path): void {
    const known = this.#catalogue.profiles.includes(profile);
    if (unit === undefined) return;
    const taken = known ? unitsOf(this.#catalogue.profile(profile), unit) : [unit];
    for (const each of new Set([unit, ...taken]))
      this.#claim(`unit on bus ${bus}`, each, [...path, "unit"]);
  }

  #period({ profile = "", every }: Partial<Settings>, path: Path): void {
    if (every === undefined || !this.#catalogue.profiles.includes(profile)) return;
    if ("normal" in this.#catalogue.profile(profile).classes) return;
    this.#report([...path, "every"], `${profile} has no poll class "normal"; remove it`);
  }

  #address({ driver = "", address, bus }: Partial<Settings>, path: Path): void {
    if (address === undefined) return;
    const at = [...path, "address"];
    const written = this.#source.written(at);
    const own = this.#catalogue.i2c.get(driver)?.addresses;
    const answers = own ? `; ${article(driver)} ${driver} answers at ${alternatives(own)}` : "";
    if (address < FIRST_I2C || address > LAST_I2C)
      this.#report(at, `${written} is outside ${hex(FIRST_I2C)}–${hex(LAST_I2C)}${answers}`);
    else if (own && !own.includes(address))
      this.#report(at, `${written} is not an address of this sensor${answers}`);
    this.#claim(`address on bus ${bus}`, hex(address), at);
  }

  #family({ id, driver = "" }: Partial<Settings>, path: Path): void {
    const family = this.#catalogue.oneWire.get(driver)?.family;
    if (family !== undefined && id !== undefined && !id.startsWith(`${family}-`))
      this.#report(
        [...path, "id"],
        `${id} is another kind of device; the id of ${article(driver)} ${driver} begins with ${family}-`,
      );
  }

  #channels(points: Record<string, string>, device: Partial<Settings>, at: Path): void {
    const driver = device.driver ?? "this driver";
    const names = this.#channelNames(device);
    if (Object.keys(points).length === 0)
      this.#report(
        at,
        `no point is named; ${driver} measures ${names?.join(", ") ?? "nothing known"}`,
      );
    for (const [channel, point] of Object.entries(points)) {
      if (names && !names.includes(channel))
        this.#problems.push(
          this.#source.problemAtKey(
            [...at, channel],
            `${driver} does not measure this; ${suggestion(channel, names)}`,
          ),
        );
      this.#claimPoint(point, [...at, channel]);
    }
  }

  #heater({ driver = "", heater }: Partial<Settings>, path: Path): void {
    const sensor = this.#catalogue.i2c.get(driver);
    if (heater && sensor && !sensor.heater)
      this.#report([...path, "heater"], `${article(driver)} ${driver} has no heater; remove it`);
  }

  #channelNames(device: Partial<Settings>): string[] | undefined {
    const channels = this.#channelsOf(device);
    return channels && Object.keys(channels);
  }

  #channelsOf({ kind, driver = "", options }: Partial<Settings>): Sensor["channels"] | undefined {
    const { i2c, oneWire, kernel } = this.#catalogue;
    const chip = i2c.get(driver);
    const other = kind === "kernel" ? kernel : oneWire;
    return kind === "i2c" ? chip && channelsOf(chip, options) : other.get(driver)?.channels;
  }

  #profilePoints({ id, profile }: Partial<Settings>, path: Path): void {
    if (id === undefined || profile === undefined) return;
    this.#claimPoints(id, profilePoints({ id, profile }, this.#catalogue), path);
  }

  #nutPoints({ id, values = [...USUAL_UPS_VALUES] }: Partial<Settings>, path: Path): void {
    if (id !== undefined) this.#claimPoints(id, nutPoints({ id, values, every: 1_000 }), path);
  }

  #claimPoints(id: string, announced: readonly PointInfo[], path: Path): void {
    const points = announced.map((point) => point.id);
    const long = points.find((point) => !ID_PATTERN.test(point));
    if (long === undefined) for (const point of points) this.#claimPoint(point, [...path, "id"]);
    else
      this.#report(
        [...path, "id"],
        `${id} is too long; its point ${long} has ${long.length} characters, 64 are allowed`,
      );
  }

  #contact(
    { bus, line }: Partial<Settings>,
    path: Path,
    types: BusConfig["type"][] = ["gpio", "i2c-gpio", "i2c-loops"],
  ): void {
    this.#onBus(bus, types, [...path, "bus"]);
    const chip = this.#parts.buses.find(({ value }) => value.id === bus);
    const lines = chip && linesOf(chip.value);
    if (lines && line !== undefined && line >= lines.count)
      this.#report([...path, "line"], `${line} is no line of ${bus}; write ${lines.names}`);
    this.#claim(`line on bus ${bus}`, line, [...path, "line"]);
  }

  #onBus(bus: string | undefined, types: BusConfig["type"][], at: Path): void {
    if (bus === undefined) return;
    const ids = [...this.#busTypes.keys()];
    if (!ids.includes(bus)) {
      this.#report(at, `${bus} is not a bus of this file; ${suggestion(bus, ids)}`);
      return;
    }
    const type = this.#busTypes.get(bus);
    if (type === undefined || types.includes(type)) return;
    const fitting = ids.filter((id) => types.some((wanted) => wanted === this.#busTypes.get(id)));
    const names = fitting.length > 0 ? ` (${fitting.join(", ")})` : "";
    this.#report(
      at,
      `${bus} is a bus of type ${type}; allowed here: ${types.join(" or ")}${names}`,
    );
  }

  #known(what: string, name: string | undefined, names: readonly string[], at: Path): void {
    if (name !== undefined && !names.includes(name))
      this.#report(at, `${name} is not a known ${what}; ${suggestion(name, names)}`);
  }

  #claimPoint(point: string | undefined, at: Path): void {
    if (point === undefined || ID_PATTERN.test(point)) this.#claim("point", point, at);
    else this.#report(at, `${point} is not allowed as a point; 1–64 characters of a–z 0–9 _ . -`);
  }

  /** Returns false when somebody else was first. */
  #claim(what: string, value: string | number | undefined, at: Path): boolean {
    if (value === undefined) return true;
    const first = this.#claims.get(`${what} ${value}`);
    this.#claims.set(`${what} ${value}`, first ?? at);
    if (!first) return true;
    const each = what.replace(/ on bus .*/, " of a bus");
    this.#report(at, `${value} is taken by ${pathText(first)}; give each ${each} only once`);
    return false;
  }

  #report(at: Path, message: string): void {
    this.#problems.push(this.#source.problem(at, message));
  }
}

const alternatives = (addresses: readonly number[]) => addresses.map(hex).join(" or ");
const article = (name: string) => (/^[aeiouhlmnrsx]/i.test(name) ? "an" : "a");
