import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { type BadReason, bad } from "../../contract/reading.ts";
import { DeviceError, ModbusException } from "../bus/port.ts";
import { decodeField, decodePoint, type Wire } from "../profiles/decode.ts";
import { planRequests, type ReadRequest, splitRequest } from "../profiles/plan.ts";
import type { Field, Profile, ProfilePoint } from "../profiles/schema.ts";
import type { Sample } from "./loop.ts";
import { Silence } from "./silence.ts";

const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 300_000;

/** One device on a Modbus link. It publishes `<id>.<point>` for every point of its profile. */
export interface ModbusDeviceSpec {
  id: string;
  profile: Profile;
  unit: number;
}

/** What the loop knows of one device: what to ask it, and whether it answers. */
export class ModbusUnit {
  readonly spec: ModbusDeviceSpec;
  /** `new` has not been identified yet; `down` is left alone until `retryAtMs`. */
  state: { is: "new" } | { is: "up" } | { is: "down"; error: DeviceError; retryAtMs: number } = {
    is: "new",
  };
  #plan: ReadRequest[];
  #failures = 0;
  readonly #clock: Clock;
  readonly #silence: Silence;

  constructor(spec: ModbusDeviceSpec, clock: Clock, log: Logger) {
    this.spec = spec;
    this.#clock = clock;
    this.#silence = new Silence(spec.id, clock, log);
    this.#plan = planRequests(spec.profile);
  }

  requests(className: string): ReadRequest[] {
    return this.#plan.filter((request) => request.class === className);
  }

  /** Divides a request that the device refused; false when it is a single value already. */
  divide(request: ReadRequest, error: ModbusException): boolean {
    const tooMuch = error.code === 2 || error.code === 3;
    const halves = tooMuch ? splitRequest(request) : undefined;
    if (!halves) return false;
    this.#plan = this.#plan.flatMap((other) => (other === request ? halves : [other]));
    return true;
  }

  up(): void {
    this.state = { is: "up" };
    this.#failures = 0;
    this.#silence.worked();
  }

  /** Next tried after 5 s, 10 s, 20 s … 300 s. */
  down(error: DeviceError): void {
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LAST_RETRY_MS);
    this.#failures = Math.min(this.#failures + 1, 10);
    this.state = { is: "down", error, retryAtMs: this.#clock.monoMs() + waitMs };
    // Another firmware or model may come back: what was learnt about the old one is forgotten.
    this.#plan = planRequests(this.spec.profile);
    this.#silence.failed(error);
  }

  /** The points that come from the fields of a request, or all of a class. */
  points(of: ReadRequest | string): ProfilePoint[] {
    const { points } = this.spec.profile;
    if (typeof of === "string") return points.filter((point) => point.class === of);
    return points.filter((point) => of.fields.includes(point.field));
  }

  samples(request: ReadRequest, wire: Wire): Sample[] {
    return this.points(request).map((point) => ({
      point: this.#name(point),
      measurement: decodePoint(point, sliceOf(point.field, request, wire)),
    }));
  }

  failures(points: readonly ProfilePoint[], reason: BadReason): Sample[] {
    return points.map((point) => ({ point: this.#name(point), measurement: bad(reason) }));
  }

  #name(point: ProfilePoint): string {
    return `${this.spec.id}.${point.id}`;
  }
}

/** Throws `DeviceError` "identity" when a text of the device shows that it is another model. */
export function checkIdentity(field: Field, matches: RegExp, wire: Wire): void {
  const decoded = decodeField(field, wire);
  // A device that leaves its model empty cannot be told apart, and is believed.
  if ("reason" in decoded || matches.test(String(decoded.value))) return;
  throw new DeviceError("identity", `${field.id} is "${decoded.value}", expected ${matches}`);
}

/** Whether an error means that the unit does not answer, rather than that it refuses something. */
export function isSilent(error: DeviceError): boolean {
  return error instanceof ModbusException ? error.code === 11 : true;
}

function sliceOf(field: Field, request: ReadRequest, wire: Wire): Wire {
  const start = field.address - request.address;
  return wire.slice(start, start + field.count);
}
