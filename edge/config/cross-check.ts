import { ID_PATTERN } from "../../contract/id.ts";
import type { Catalogue, Sensor } from "./catalogue.ts";
import { type DeviceConfig, devicePoints, doorPoint } from "./edge-config.ts";
import { suggestion } from "./nearest.ts";
import type { BusConfig, DoorConfig, InputConfig } from "./schema.ts";
import { type Path, type Problem, pathText, type Source } from "./source.ts";

/** One entry of a list and where it stood. */
export interface Placed<T> {
  value: T;
  path: Path;
}

export interface PlacedParts {
  buses: Placed<BusConfig>[];
  devices: Placed<DeviceConfig>[];
  doors: Placed<DoorConfig>[];
  inputs: Placed<InputConfig>[];
}

/** 7-bit I2C addresses outside this range are reserved by the bus specification. */
const FIRST_I2C = 0x08;
const LAST_I2C = 0x77;

/** Everything that only shows when entries are seen together, or beside what this program knows. */
export function crossCheck(
  parts: PlacedParts,
  busIds: readonly string[],
  catalogue: Catalogue,
  source: Source,
): Problem[] {
  const checker = new CrossChecker(parts, busIds, catalogue, source);
  return checker.run();
}

class CrossChecker {
  readonly #problems: Problem[] = [];
  readonly #parts: PlacedParts;
  readonly #busIds: readonly string[];
  readonly #catalogue: Catalogue;
  readonly #source: Source;
  readonly #busTypes: Map<string, BusConfig["type"]>;
  /** What was claimed, by whom first. */
  readonly #claims = new Map<string, Path>();

  constructor(parts: PlacedParts, busIds: readonly string[], catalogue: Catalogue, source: Source) {
    this.#parts = parts;
    this.#busIds = busIds;
    this.#catalogue = catalogue;
    this.#source = source;
    this.#busTypes = new Map(parts.buses.map(({ value }) => [value.id, value.type]));
  }

  run(): Problem[] {
    for (const bus of this.#parts.buses) this.#bus(bus);
    for (const device of this.#parts.devices) this.#device(device);
    for (const { value, path } of this.#parts.doors) {
      this.#claim("door id", value.id, [...path, "id"]);
      this.#claimPoint(doorPoint(value.id), [...path, "id"]);
      this.#contact(value, path);
    }
    for (const { value, path } of this.#parts.inputs) {
      this.#claimPoint(value.point, [...path, "point"]);
      this.#contact(value, path);
    }
    return this.#problems;
  }

  #bus({ value, path }: Placed<BusConfig>): void {
    this.#claim("bus id", value.id, [...path, "id"]);
    // Over TCP the bus id names the room's bus; a real line can be opened only once.
    if ("device" in value && !value.device.startsWith("tcp://"))
      this.#claim("device", value.device, [...path, "device"]);
  }

  #device({ value, path }: Placed<DeviceConfig>): void {
    this.#claim("device id", value.id, [...path, "id"]);
    if (value.kind === "modbus") {
      this.#onBus(value.bus, ["modbus-rtu", "modbus-tcp"], [...path, "bus"]);
      this.#known("profile", value.profile, this.#catalogue.profiles, [...path, "profile"]);
      this.#claim(`unit on bus ${value.bus}`, String(value.unit), [...path, "unit"]);
      this.#profilePoints(value, path);
      return;
    }
    this.#onBus(value.bus, [value.kind], [...path, "bus"]);
    const sensors: ReadonlyMap<string, Sensor> =
      value.kind === "i2c" ? this.#catalogue.i2c : this.#catalogue.oneWire;
    this.#known("driver", value.driver, [...sensors.keys()], [...path, "driver"]);
    if (value.kind === "i2c") this.#address(value, path);
    this.#channels(value.points, value.driver, sensors.get(value.driver), [...path, "points"]);
  }

  #address(device: { bus: string; driver: string; address: number }, path: Path): void {
    const at = [...path, "address"];
    const { driver, address, bus } = device;
    const written = this.#source.written(at);
    const own = this.#catalogue.i2c.get(driver)?.addresses;
    const answers = own ? `; ${article(driver)} ${driver} answers at ${alternatives(own)}` : "";
    if (address < FIRST_I2C || address > LAST_I2C)
      this.#report(at, `${written} is outside ${hex(FIRST_I2C)}–${hex(LAST_I2C)}${answers}`);
    else if (own && !own.includes(address))
      this.#report(at, `${written} is not an address of this sensor${answers}`);
    this.#claim(`address on bus ${bus}`, hex(address), at);
  }

  #channels(
    points: Record<string, string>,
    driver: string,
    sensor: Sensor | undefined,
    at: Path,
  ): void {
    const names = sensor && Object.keys(sensor.channels);
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

  #profilePoints(device: DeviceConfig & { kind: "modbus" }, path: Path): void {
    const ids = devicePoints(device, this.#catalogue).map(({ id }) => id);
    const long = ids.find((id) => !ID_PATTERN.test(id));
    if (long === undefined) for (const id of ids) this.#claimPoint(id, [...path, "id"]);
    else
      this.#report(
        [...path, "id"],
        `${device.id} is too long; its point ${long} has ${long.length} characters, 64 are allowed`,
      );
  }

  #contact(value: DoorConfig | InputConfig, path: Path): void {
    this.#onBus(value.bus, ["gpio"], [...path, "bus"]);
    this.#claim(`line on bus ${value.bus}`, String(value.line), [...path, "line"]);
  }

  #onBus(bus: string, types: BusConfig["type"][], at: Path): void {
    if (!this.#busIds.includes(bus)) {
      this.#report(at, `${bus} is not a bus of this file; ${suggestion(bus, this.#busIds)}`);
      return;
    }
    const type = this.#busTypes.get(bus);
    if (type === undefined || types.includes(type)) return;
    const fitting = [...this.#busTypes].filter(([, other]) => types.includes(other));
    const names = fitting.map(([id]) => id);
    this.#report(
      at,
      `${bus} is a bus of type ${type}; allowed here: ${types.join(" or ")}${names.length > 0 ? ` (${names.join(", ")})` : ""}`,
    );
  }

  #known(what: string, name: string, names: readonly string[], at: Path): void {
    if (!names.includes(name))
      this.#report(at, `${name} is not a known ${what}; ${suggestion(name, names)}`);
  }

  #claimPoint(point: string, at: Path): void {
    if (ID_PATTERN.test(point)) this.#claim("point", point, at);
    else this.#report(at, `${point} is not allowed as a point; 1–64 characters of a–z 0–9 _ . -`);
  }

  #claim(what: string, value: string, at: Path): void {
    const first = this.#claims.get(`${what} ${value}`);
    if (!first) this.#claims.set(`${what} ${value}`, at);
    else
      this.#report(
        at,
        `${value} is taken by ${pathText(first)}; give each ${what.replace(/ on bus .*/, " of a bus")} only once`,
      );
  }

  #report(at: Path, message: string): void {
    this.#problems.push(this.#source.problem(at, message));
  }
}

const hex = (address: number) => `0x${address.toString(16).padStart(2, "0")}`;
const alternatives = (addresses: readonly number[]) => addresses.map(hex).join(" or ");
const article = (name: string) => (/^[aeiouhlmnrsx]/i.test(name) ? "an" : "a");
