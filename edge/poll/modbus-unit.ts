import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { type BadReason, bad } from "../../contract/reading.ts";
import { DeviceError } from "../bus/port.ts";
import {
  type Decoded,
  decodeField,
  type PointDecoder,
  pointDecoder,
  type Wire,
} from "../profiles/decode.ts";
import type { ReadRequest } from "../profiles/plan.ts";
import { keysOf, type Lookup } from "../profiles/scaling.ts";
import { type Field, isText, ONCE, type Profile, type ProfilePoint } from "../profiles/schema.ts";
import { stationsOf } from "../profiles/stations.ts";
import type { Sample } from "./loop.ts";
import { type Block, Blocks } from "./modbus-blocks.ts";
import { type UnitHealth, UnitStatistics } from "./modbus-statistics.ts";
import { Silence } from "./silence.ts";

const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 300_000;
/** After a longer silence another device may stand there: what was learnt about the old one is forgotten. */
const FORGET_MS = 60_000;

/** One device on a Modbus link. It publishes `<id>.<point>` for every point of its profile. */
export interface ModbusDeviceSpec {
  id: string;
  profile: Profile;
  unit: number;
}

/** The units a device answers at; nearly always one. */
export function unitsOfDevice(spec: ModbusDeviceSpec, clock: Clock, log: Logger): ModbusUnit[] {
  return stationsOf(spec.profile, spec.unit).map(
    ({ unit, profile, main }) =>
      new ModbusUnit({ ...spec, unit, profile }, clock, {
        log,
        name: main ? spec.id : `${spec.id} unit ${unit}`,
      }),
  );
}

/** What the loop knows of one unit: what to ask it, what it holds, and whether it answers. */
export class ModbusUnit {
  readonly spec: ModbusDeviceSpec;
  readonly blocks: Blocks;
  readonly statistics = new UnitStatistics();
  /** `new` has not answered yet; `down` is left alone until `retryAtMs`. */
  state: { is: "new" } | { is: "up" } | { is: "down"; error: DeviceError; retryAtMs: number } = {
    is: "new",
  };
  #failures = 0;
  #downAtMs = 0;
  #probes = 0;
  /** The field that answered the last probe. */
  #lively: Field | undefined;
  readonly #clock: Clock;
  readonly #silence: Silence;
  /** Ids of the fields that others need before they can be decoded, and what they hold. */
  readonly #keyIds: ReadonlySet<string>;
  readonly #keys = new Map<string, Decoded>();
  readonly #lookup: Lookup = (id) => this.#keys.get(id);
  readonly #texts = new Map<string, string>();
  readonly #requests = new WeakMap<ReadRequest, Contents>();

  constructor(spec: ModbusDeviceSpec, clock: Clock, { log, name }: { log: Logger; name: string }) {
    this.spec = spec;
    this.#clock = clock;
    this.#silence = new Silence(name, clock, log);
    this.blocks = new Blocks(spec.profile, clock);
    this.#keyIds = new Set(spec.profile.fields.flatMap(keysOf));
  }

  /** Whether values of class `once` are needed to decode the others. */
  get needsOnceFirst(): boolean {
    return this.spec.profile.fields.some((f) => f.class === ONCE && this.#keyIds.has(f.id));
  }

  up(): void {
    const { state } = this;
    if (state.is === "down" && this.#clock.monoMs() - this.#downAtMs >= FORGET_MS) {
      this.blocks.forget();
      this.#texts.clear();
    }
    this.state = { is: "up" };
    this.#failures = 0;
    this.#silence.worked();
  }

  /** Next tried after 5 s, 10 s, 20 s … 300 s. */
  down(error: DeviceError): void {
    if (this.state.is !== "down") this.#downAtMs = this.#clock.monoMs();
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LAST_RETRY_MS);
    this.#failures = Math.min(this.#failures + 1, 10);
    this.state = { is: "down", error, retryAtMs: this.#clock.monoMs() + waitMs };
    this.#keys.clear();
    this.#silence.failed(error);
  }

  /** Another unit of the link is back: what kept both away may be over. */
  retrySoon(): void {
    if (this.state.is === "down" && this.state.error.reason !== "identity")
      this.state.retryAtMs = Math.min(this.state.retryAtMs, this.#clock.monoMs());
  }

  /** A small field to ask for, to see whether the unit lives: one that did answer, best not of `block`. */
  probe(block?: Block): Field {
    const { fields } = this.spec.profile;
    const other = fields.filter((field) => !block?.request.fields.includes(field));
    const small = [...(other.length > 0 ? other : fields)].sort((a, b) => a.count - b.count);
    const known = this.#lively && small.includes(this.#lively) ? [this.#lively] : [];
    const candidates = [...known, ...small];
    const field = candidates[this.#probes % candidates.length];
    if (!field) throw new Error(`profile ${this.spec.profile.id} has no fields`);
    return field;
  }

  /** A probe that brought nothing is followed by one for something else. */
  probed(field: Field, answered: boolean): void {
    if (answered) this.#lively = field;
    this.#probes = answered ? 0 : this.#probes + 1;
  }

  /** Whether a value that is read once is known already. */
  knows({ id }: Field): boolean {
    return this.#texts.has(id) || this.#keys.has(id);
  }

  /** Remembers what other fields and people need of an answer. */
  learn(request: ReadRequest, wire: Wire): void {
    for (const field of this.#contents(request).worthKnowing) {
      const decoded = decodeField(
        field,
        windowOn(wire, field.address - request.address, field.count),
      );
      if (this.#keyIds.has(field.id)) this.#keys.set(field.id, decoded);
      if (isText(field.type) && "value" in decoded)
        this.#texts.set(field.id, String(decoded.value));
    }
  }

  samples(request: ReadRequest, wire: Wire): Sample[] {
    return this.#contents(request).points.map(({ name, start, count, decode }) => ({
      point: name,
      measurement: decode(windowOn(wire, start, count), this.#lookup),
    }));
  }

  failures(request: ReadRequest, reason: BadReason): Sample[] {
    const { points, worthKnowing } = this.#contents(request);
    for (const { id } of worthKnowing)
      if (this.#keyIds.has(id) && reason === "unsupported") this.#keys.set(id, { reason });
    return points.map(({ name }) => ({ point: name, measurement: bad(reason) }));
  }

  health(): UnitHealth {
    const missing = this.blocks.holes().flatMap(({ request }) => this.#contents(request).points);
    return {
      device: this.spec.id,
      unit: this.spec.unit,
      up: this.state.is === "up",
      ...this.statistics.counts(),
      missing: missing.map(({ point }) => point.id),
      texts: Object.fromEntries(this.#texts),
    };
  }

  /** Worked out once for each request, as it is needed at every poll. */
  #contents(request: ReadRequest): Contents {
    const known = this.#requests.get(request);
    if (known) return known;
    const { points } = this.spec.profile;
    const contents = {
      points: points
        .filter(({ field }) => request.fields.includes(field))
        .map((point) => ({
          name: `${this.spec.id}.${point.id}`,
          point,
          start: point.field.address - request.address,
          count: point.field.count,
          decode: pointDecoder(point),
        })),
      worthKnowing: request.fields.filter(({ id, type }) => this.#keyIds.has(id) || isText(type)),
    };
    this.#requests.set(request, contents);
    return contents;
  }
}

/** What a request brings. */
interface Contents {
  points: {
    name: string;
    point: ProfilePoint;
    /** Where its field begins in the answer, and how much of it that is. */
    start: number;
    count: number;
    decode: PointDecoder;
  }[];
  /** Fields that others lean on, and texts. */
  worthKnowing: Field[];
}

/** Throws `DeviceError` "identity" when a text of the device shows that it is another model. */
export function checkIdentity(field: Field, matches: RegExp, wire: Wire): void {
  const decoded = decodeField(field, wire);
  // A device that leaves its model empty cannot be told apart, and is believed.
  if ("reason" in decoded || matches.test(String(decoded.value))) return;
  throw new DeviceError("identity", `${field.id} is "${decoded.value}", expected ${matches}`);
}

/** One window for each width: making a view for every value of every answer costs more than decoding it. */
const windows = new Map<number, Uint16Array>();

/** The words or bits of one field, good until the next call; what an answer is too short for is missing. */
function windowOn(wire: Wire, start: number, count: number): Wire {
  if (!(wire instanceof Uint16Array)) return wire.slice(start, start + count);
  if (start + count > wire.length) return wire.subarray(start);
  const known = windows.get(count);
  const window = known ?? new Uint16Array(count);
  if (!known) windows.set(count, window);
  for (let i = 0; i < count; i += 1) window[i] = wire[start + i] ?? 0;
  return window;
}
