import { ID_PATTERN } from "../../contract/id.ts";
import type { PointInfo } from "../../contract/message.ts";
import { outputPoints } from "../outputs/output-loop.ts";
import { ALL_UPS_VALUES } from "../poll/nut-loop.ts";
import type { UpsValue } from "../ups/model.ts";
import { type Catalogue, channelsOf } from "./catalogue.ts";
import { type DeviceConfig, doorPoint } from "./edge-config.ts";
import { explain } from "./explain.ts";
import { suggestion } from "./nearest.ts";
import { nutPoints, profilePoints } from "./points.ts";
import type { BusConfig } from "./schema.ts";
import { type Path, type Problem, pathText, type Source } from "./source.ts";

/** One entry of a list and where it stood. Settings that are wrong in themselves are left out. */
export interface Placed {
  value: Partial<Settings>;
  path: Path;
}

/** Every setting that means something beside others. */
interface Settings {
  id: string;
  type: BusConfig["type"];
  device: string;
  kind: DeviceConfig["kind"];
  bus: string;
  driver: string;
  profile: string;
  address: number;
  unit: number;
  line: number;
  point: string;
  power: string;
  values: UpsValue[];
  points: Record<string, string>;
  options: unknown;
  every: number;
}

export interface PlacedParts {
  buses: Placed[];
  devices: Placed[];
  doors: Placed[];
  inputs: Placed[];
  pulses: Placed[];
  outputs: Placed[];
}

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
    for (const { value, path } of this.#parts.buses) {
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
      this.#contact(value, path);
    }
    for (const { value, path } of this.#parts.outputs) {
      const fresh = this.#claim("output id", value.id, [...path, "id"]);
      if (fresh && value.id !== undefined)
        for (const point of Object.values(outputPoints(value.id)))
          this.#claimPoint(point, [...path, "id"]);
      this.#contact(value, path);
    }
    return this.#problems;
  }

  #device({ value, path }: Placed): void {
    const fresh = this.#claim("device id", value.id, [...path, "id"]);
    const { kind = "i2c", points, bus } = value;
    if (kind === "modbus") {
      this.#onBus(bus, ["modbus-rtu", "modbus-tcp"], [...path, "bus"]);
      this.#known("profile", value.profile, this.#catalogue.profiles, [...path, "profile"]);
      this.#claim(`unit on bus ${bus}`, value.unit, [...path, "unit"]);
      this.#period(value, path);
      if (fresh) this.#profilePoints(value, path);
      return;
    }
    if (kind === "nut") {
      this.#onBus(bus, ["nut"], [...path, "bus"]);
      if (fresh) this.#nutPoints(value, path);
      return;
    }
    this.#onBus(bus, [kind], [...path, "bus"]);
    const { i2c, oneWire, kernel } = this.#catalogue;
    const sensors = { i2c, "one-wire": oneWire, kernel }[kind];
    this.#known("driver", value.driver, [...sensors.keys()], [...path, "driver"]);
    if (kind === "i2c") this.#address(value, path);
    if (kind === "one-wire") this.#family(value, path);
    if (kind === "i2c") this.#options(value, path);
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

  #channelNames({ kind, driver = "", options }: Partial<Settings>): string[] | undefined {
    const { i2c, oneWire, kernel } = this.#catalogue;
    const chip = i2c.get(driver);
    const other = kind === "kernel" ? kernel : oneWire;
    const channels =
      kind === "i2c" ? chip && channelsOf(chip, options) : other.get(driver)?.channels;
    return channels && Object.keys(channels);
  }

  #profilePoints({ id, profile }: Partial<Settings>, path: Path): void {
    if (id === undefined || profile === undefined) return;
    this.#claimPoints(id, profilePoints({ id, profile }, this.#catalogue), path);
  }

  #nutPoints({ id, values = ALL_UPS_VALUES }: Partial<Settings>, path: Path): void {
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

  #contact({ bus, line }: Partial<Settings>, path: Path): void {
    this.#onBus(bus, ["gpio"], [...path, "bus"]);
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

const hex = (address: number) => `0x${address.toString(16).padStart(2, "0")}`;
const alternatives = (addresses: readonly number[]) => addresses.map(hex).join(" or ");
const article = (name: string) => (/^[aeiouhlmnrsx]/i.test(name) ? "an" : "a");
