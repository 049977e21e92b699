import { type Clock, systemClock } from "../../../contract/clock.ts";
import { QUANTITIES } from "../../../contract/quantity.ts";
import { DeviceError, type ModbusLink } from "../../bus/port.ts";
import { exchange, isSilent, PacedLink } from "../../poll/modbus-exchange.ts";
import { stationUnit } from "../address.ts";
import { type Decoded, decodeField, type Wire } from "../decode.ts";
import type { Lookup } from "../scaling.ts";
import {
  type Field,
  isText,
  ORDERS,
  type Order,
  type Profile,
  type ProfilePoint,
} from "../schema.ts";

const SHIFTS = [0, -1, 1] as const;
export type Shift = (typeof SHIFTS)[number];

/** One reading of one field's registers, at its own address or a neighbour's. */
export interface ProbeRow {
  field: Field;
  unit: number;
  shift: Shift;
  /** What the device gave, or why it gave nothing. */
  wire: Wire | undefined;
  error: string | undefined;
  decodes: ProbeDecode[];
}

export interface ProbeDecode {
  order: Order;
  decoded: Decoded;
  /** Whether it lies where this point's values lie; undefined when nothing tells. */
  plausible: boolean | undefined;
}

export interface ProbeReport {
  profile: Profile;
  unit: number;
  rows: ProbeRow[];
  /** Set when the device answered nothing at all and the probe was broken off. */
  silent: boolean;
}

/** So many fields without any answer, and nobody is there. */
const GIVE_UP_AFTER = 3;

/**
 * For commissioning: asks for every field alone, and for its neighbours, and decodes each in all byte
 * orders. A wrong word order, a document that counts from 1 and a missing register show at a glance. It
 * only reads. `onRow` is called as the readings come in. Throws `DeviceError` "bus" when the link is gone.
 */
export async function probe(
  link: ModbusLink,
  profile: Profile,
  unit: number,
  {
    clock = systemClock,
    onRow = (_: ProbeRow) => {},
  }: { clock?: Clock; onRow?: (row: ProbeRow) => void } = {},
): Promise<ProbeReport> {
  const paced = new PacedLink(link, clock);
  const limits = { ...profile.limits, retries: 0 };
  const known = new Map<string, Decoded>();
  const rows: ProbeRow[] = [];
  let silentFields = 0;
  let anybody = false;
  for (const field of keysFirst(profile.fields)) {
    const at = stationUnit(field, unit);
    let answered = false;
    for (const shift of shiftsOf(field, limits.illegal)) {
      const read = { fc: field.fc, address: field.address + shift, count: field.count };
      const { wire, error, silent } = await ask(() =>
        exchange(paced, { unit: at, limits, clock }, read),
      );
      if (wire && shift === 0) known.set(field.id, decodeField(field, wire));
      const decodes = wire ? decodesOf(field, wire, { profile, known: (id) => known.get(id) }) : [];
      const row = { field, unit: at, shift, wire, error, decodes };
      rows.push(row);
      onRow(row);
      answered ||= !silent;
    }
    silentFields = answered ? 0 : silentFields + 1;
    anybody ||= answered;
    if (!anybody && silentFields === GIVE_UP_AFTER) break;
  }
  return { profile, unit, rows, silent: !anybody };
}

/** Scales and units are read before the values that lean on them. */
function keysFirst(fields: readonly Field[]): Field[] {
  const leans = (field: Field) => (field.when || field.variants || field.scaleFrom ? 1 : 0);
  return [...fields].sort((a, b) => leans(a) - leans(b));
}

function shiftsOf(field: Field, illegal: readonly (readonly [number, number])[]): Shift[] {
  if (isText(field.type) || field.type === "bit") return [0];
  return SHIFTS.filter((shift) => {
    const first = field.address + shift;
    const last = first + field.count - 1;
    return (
      first >= 0 && last <= 65_535 && !illegal.some(([from, to]) => first <= to && last >= from)
    );
  });
}

function decodesOf(
  field: Field,
  wire: Wire,
  { profile, known }: { profile: Profile; known: Lookup },
): ProbeDecode[] {
  const points = profile.points.filter((point) => point.field === field);
  return ordersFor(field).map((order) => {
    const decoded = decodeField({ ...field, order }, wire, known);
    return { order, decoded, plausible: isPlausible(decoded, points) };
  });
}

/** One register has no word order, a text and a bit none at all. */
function ordersFor(field: Field): readonly Order[] {
  if (isText(field.type) || field.type === "bit") return [field.order];
  return field.count > 1 ? ORDERS : ["ABCD", "BADC"];
}

function isPlausible(decoded: Decoded, points: readonly ProfilePoint[]): boolean | undefined {
  const [point] = points.filter(({ bit, equals }) => bit === undefined && !equals);
  if (!point || "reason" in decoded) return undefined;
  if (point.states) return Object.hasOwn(point.states, String(decoded.value));
  const { min, max } = QUANTITIES[point.quantity];
  const value = Number(decoded.value);
  // Nearly nothing is what a swapped float looks like, and no meter shows it.
  if (value !== 0 && Math.abs(value) < 1e-6) return false;
  return value >= (point.min ?? min) && value <= (point.max ?? max);
}

interface Answer {
  wire: Wire | undefined;
  error: string | undefined;
  silent: boolean;
}

async function ask(exchanged: () => Promise<Wire>): Promise<Answer> {
  try {
    return { wire: await exchanged(), error: undefined, silent: false };
  } catch (error) {
    if (!(error instanceof DeviceError) || error.reason === "bus") throw error;
    return { wire: undefined, error: error.message, silent: isSilent(error) };
  }
}
