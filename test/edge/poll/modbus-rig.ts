import { DeviceError, ModbusException, type ModbusLink } from "../../../edge/bus/port.ts";
import { modbusLoop } from "../../../edge/poll/modbus-loop.ts";
import type { ModbusDeviceSpec } from "../../../edge/poll/modbus-unit.ts";
import { encodeImage, type FieldValue, type RegisterImage } from "../../../edge/profiles/encode.ts";
import { parseProfile } from "../../../edge/profiles/load.ts";
import type { Profile } from "../../../edge/profiles/schema.ts";
import { stationsOf } from "../../../edge/profiles/stations.ts";
import { FakeClock } from "../../fake-clock.ts";
import { collector } from "./collector.ts";

export interface Ask {
  unit: number;
  fc: 1 | 2 | 3 | 4;
  address: number;
  count: number;
  atMs: number;
}

const ANSWER_MS = 20;

/** A line whose units answer from their register images; each answer takes 20 ms. */
export class FakeLink implements ModbusLink {
  readonly asked: Ask[] = [];
  readonly drained: number[] = [];
  busyMs = new Map<number, number>();
  dead = new Set<number>();
  gone = false;
  readonly #clock: FakeClock;
  readonly #units: Map<number, RegisterImage>;
  /** May refuse a read with an exception code. */
  refuse: (ask: Ask) => number | undefined = () => undefined;
  /** May leave a read unanswered, or damage the answer. */
  lose: (ask: Ask) => "no-answer" | "checksum" | undefined = () => undefined;

  constructor(clock: FakeClock, units: Map<number, RegisterImage>) {
    this.#clock = clock;
    this.#units = units;
  }

  async readRegisters(r: Omit<Ask, "atMs"> & { timeoutMs: number }): Promise<Uint16Array> {
    return Uint16Array.from(await this.#answer(r));
  }

  async readBits(r: Omit<Ask, "atMs"> & { timeoutMs: number }): Promise<boolean[]> {
    return (await this.#answer(r)).map((bit) => bit === 1);
  }

  /** Puts one raw register into a unit. */
  set(unit: number, fc: 1 | 2 | 3 | 4, address: number, word: number): void {
    this.#units.get(unit)?.[fc].set(address, word);
  }

  async drain(ms: number): Promise<void> {
    this.drained.push(this.#clock.monoMs());
    await this.#spend(this.asked.at(-1)?.unit ?? 0, ms);
  }

  async close(): Promise<void> {}

  async #answer(r: Omit<Ask, "atMs"> & { timeoutMs: number }): Promise<number[]> {
    const { unit, fc, address, count } = r;
    const ask = { unit, fc, address, count, atMs: this.#clock.monoMs() };
    this.asked.push(ask);
    if (this.gone) throw new DeviceError("bus", "connection lost");
    const lost = this.dead.has(unit) ? "no-answer" : this.lose(ask);
    await this.#spend(unit, lost === "no-answer" ? r.timeoutMs : ANSWER_MS);
    if (lost) throw new DeviceError(lost, lost);
    const code = this.refuse(ask);
    if (code !== undefined) throw new ModbusException(code, `exception ${code}`);
    const image = this.#units.get(unit)?.[fc];
    return Array.from({ length: count }, (_, i) => image?.get(address + i) ?? 0);
  }

  async #spend(unit: number, ms: number): Promise<void> {
    await this.#clock.sleep(ms);
    this.busyMs.set(unit, (this.busyMs.get(unit) ?? 0) + ms);
  }
}

export type RigDevice = ModbusDeviceSpec & { values: [string, FieldValue][] };

/** A loop over a fake line with devices that hold these values. */
export function rig(devices: readonly RigDevice[]) {
  const clock = new FakeClock();
  const seen = collector(clock);
  const images = devices.flatMap((device) =>
    stationsOf(device.profile, device.unit).map(
      ({ unit, profile }) =>
        [unit, encodeImage(profile, ownValues(profile, device.values))] as const,
    ),
  );
  const link = new FakeLink(clock, new Map(images));
  const opened: number[] = [];
  const open = async () => {
    opened.push(clock.monoMs());
    return link;
  };
  const deps = { bus: "net", open, devices, clock, sink: seen.sink, log: seen.log };
  const loop = modbusLoop(deps);
  const stop = new AbortController();
  const done = loop.run(stop.signal);
  const finish = async () => {
    stop.abort();
    await clock.advance(10_000);
    await done;
  };
  return { clock, seen, link, loop, opened, finish };
}

function ownValues(profile: Profile, values: readonly [string, FieldValue][]) {
  const ids = new Set([...profile.fields, ...profile.points].map(({ id }) => id));
  return new Map(values.filter(([id]) => ids.has(id)));
}

/** A made-up profile; `points` are lines such as `id: power, address: 0, type: u16, …`. */
export function profileOf(
  points: readonly string[],
  { limits = "maxGap: 8", classes = "normal: 10s, fast: 2s, slow: 60s", unit = 1 } = {},
): Profile {
  return parseProfile(
    `profile: 1
id: made-up
vendor: Nobody
model: Made up
kind: meter
source: { doc: made up for this test, verified: simulated }
link: { unit: ${unit} }
limits: { ${limits} }
classes: { ${classes} }
points:
${points.map((point) => `  - { ${point} }`).join("\n")}
`,
    "made-up.yaml",
  );
}

/** `count` values of one register each, from `from` on: p0, p1, … */
export const registersFrom = (from: number, count: number, more = "") =>
  Array.from(
    { length: count },
    (_, i) => `id: p${i}, address: ${from + i}, type: u16, quantity: count, label: P${more}`,
  );
