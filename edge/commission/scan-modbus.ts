import { QUANTITIES } from "../../contract/quantity.ts";
import { DeviceError, ModbusException, type ModbusLink } from "../bus/port.ts";
import { decodeField, decodePoint, type Wire } from "../profiles/decode.ts";
import { planRequests, type ReadRequest } from "../profiles/plan.ts";
import type { Field, Profile } from "../profiles/schema.ts";

/** Asked of every unit: most devices answer one of them, and a refusal is an answer too. */
const QUESTIONS = [
  { fc: 4, address: 0, count: 1 },
  { fc: 3, address: 0, count: 1 },
] as const;
export const QUESTIONS_PER_UNIT = QUESTIONS.length;

/** The gateway's own answers for a unit that is not behind it. */
const GATEWAY_ANSWERS = [0x0a, 0x0b];

/** What a unit said to the questions. `garbled`: something spoke, but no valid frame came. */
export type Presence = "there" | "absent" | "garbled";

/** Throws `DeviceError` "bus" when the link is gone. */
export async function askUnit(
  link: ModbusLink,
  unit: number,
  timeoutMs: number,
): Promise<Presence> {
  let presence: Presence = "absent";
  for (const question of QUESTIONS) {
    try {
      await link.readRegisters({ ...question, unit, timeoutMs });
      return "there";
    } catch (error) {
      if (!(error instanceof DeviceError) || error.reason === "bus") throw error;
      if (error instanceof ModbusException)
        return GATEWAY_ANSWERS.includes(error.code) ? "absent" : "there";
      if (error.reason === "checksum") presence = "garbled";
    }
  }
  return presence;
}

/** Which profiles a unit may have. */
export type UnitModel =
  /** The device named its model. */
  | { is: "known"; profile: string; says: string }
  /** Everything these profiles read was answered, with values that can be; that is no proof. */
  | { is: "like"; profiles: string[] };

/** Compares one unit with every profile. Throws `DeviceError` "bus" when the link is gone. */
export async function identifyUnit(
  link: ModbusLink,
  unit: number,
  profiles: readonly Profile[],
  onProfile: (profile: string) => void = () => {},
): Promise<UnitModel> {
  const like: string[] = [];
  for (const profile of profiles) {
    onProfile(profile.id);
    try {
      if (profile.identify.length > 0) {
        const says = await namedModel(link, unit, profile);
        if (says !== undefined) return { is: "known", profile: profile.id, says };
      } else if (await fits(link, unit, profile)) like.push(profile.id);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.reason === "bus") throw error;
    }
  }
  return { is: "like", profiles: like };
}

/** The model text when all identity fields fit; an empty one is no proof here. */
async function namedModel(
  link: ModbusLink,
  unit: number,
  profile: Profile,
): Promise<string | undefined> {
  const said: string[] = [];
  for (const { field, matches } of profile.identify) {
    const decoded = decodeField(field, await read(link, unit, profile, field));
    if ("reason" in decoded || !matches.test(String(decoded.value))) return undefined;
    said.push(String(decoded.value));
  }
  return said.join(" ");
}

/** Whether every request is answered, every value can be, and not all are zero, as holes in a block are. */
async function fits(link: ModbusLink, unit: number, profile: Profile): Promise<boolean> {
  let nonZero = false;
  for (const request of planRequests(profile)) {
    const wire = await read(link, unit, profile, request);
    nonZero ||= wire.some((word) => Number(word) !== 0);
    if (!request.fields.every((field) => isPossible(field, request, wire, profile))) return false;
  }
  return nonZero;
}

function isPossible(field: Field, request: ReadRequest, wire: Wire, profile: Profile): boolean {
  const start = field.address - request.address;
  const own = wire.slice(start, start + field.count);
  return profile.points
    .filter((point) => point.field === field && point.bit === undefined && !point.equals)
    .every((point) => {
      const measured = decodePoint(point, own);
      if (measured.quality === "bad") return measured.reason !== "range";
      if (point.states && !(String(measured.value) in point.states)) return false;
      const { min, max } = QUANTITIES[point.quantity];
      const [low, high] = [point.min ?? min, point.max ?? max];
      return measured.value >= low && measured.value <= high;
    });
}

async function read(
  link: ModbusLink,
  unit: number,
  profile: Profile,
  what: Pick<ReadRequest, "fc" | "address" | "count">,
): Promise<Wire> {
  const { address, count, fc } = what;
  const request = { unit, address, count, timeoutMs: profile.limits.timeoutMs };
  return fc === 3 || fc === 4
    ? link.readRegisters({ ...request, fc })
    : link.readBits({ ...request, fc });
}

/** How a serial line may be set. */
export interface SerialSetting {
  baud: 1200 | 2400 | 4800 | 9600 | 19_200 | 38_400 | 57_600 | 115_200;
  parity: "none" | "even" | "odd";
  stop: 1 | 2;
}

/** The settings devices leave the factory with, commonest first. */
export const USUAL_SETTINGS: readonly SerialSetting[] = [
  { baud: 9600, parity: "none", stop: 1 },
  { baud: 19_200, parity: "even", stop: 1 },
  { baud: 19_200, parity: "none", stop: 1 },
  { baud: 9600, parity: "even", stop: 1 },
  { baud: 38_400, parity: "none", stop: 1 },
  { baud: 115_200, parity: "none", stop: 1 },
  { baud: 2400, parity: "none", stop: 1 },
  { baud: 4800, parity: "none", stop: 1 },
];

/** Every speed with every parity; the usual ones first. */
export function allSettings(): SerialSetting[] {
  const bauds = [9600, 19_200, 38_400, 115_200, 57_600, 4800, 2400, 1200] as const;
  const parities = ["none", "even", "odd"] as const;
  const rest = bauds
    .flatMap((baud) => parities.map((parity) => ({ baud, parity, stop: 1 as const })))
    .filter((one) => !USUAL_SETTINGS.some((usual) => settingText(usual) === settingText(one)));
  return [...USUAL_SETTINGS, ...rest];
}

/** `9600 8N1` */
export function settingText({ baud, parity, stop }: SerialSetting): string {
  return `${baud} 8${parity.charAt(0).toUpperCase()}${stop}`;
}

const QUESTION_BYTES = 8;
const ANSWER_BYTES = 7;
const BITS_PER_BYTE = 11;
/** How long a device may think before it answers one register. */
const THINK_MS = 120;

/** How long to wait for one register at this speed. */
export function askTimeoutMs(baud: number): number {
  const bits = (QUESTION_BYTES + ANSWER_BYTES) * BITS_PER_BYTE;
  return Math.ceil((bits * 1_000) / baud) + THINK_MS;
}
