import { ONCE, type RawPoint, type RawProfile, TYPE_REGISTERS } from "./schema.ts";

/** Wire address and function code of a point: `modicon` numbers carry the code in their first digit. */
export function wireAddress(
  point: RawPoint,
  raw: RawProfile,
): { fc: 1 | 2 | 3 | 4; address: number } {
  const fc = point.fc ?? raw.defaults.fc;
  const address = point.address ?? 0;
  if (raw.addressing === "wire") return { fc, address };
  if (raw.addressing === "one-based") return { fc, address: address - 1 };
  const base = address >= 100_000 ? 100_000 : 10_000;
  const table = ([1, 2, undefined, 4, 3] as const)[Math.floor(address / base)];
  return table ? { fc: table, address: (address % base) - 1 } : { fc, address: -1 };
}

export function fieldCount(point: RawPoint): number {
  if (point.type === "bit") return 1;
  return point.registers ?? (point.type ? TYPE_REGISTERS[point.type] : 0);
}

/** How many bits a pattern of this point has; strings and single bits have none. */
export function patternBits(point: RawPoint): bigint {
  if (point.type === "string" || point.type === "bit") return 0n;
  return 16n * BigInt(fieldCount(point));
}

/** The poll class a point says, or `normal`. */
export const classOf = (point: RawPoint): string => point.class ?? "normal";

/** Whether `name` may be a point's class in this profile. */
export const isClass = (name: string, raw: RawProfile): boolean =>
  name === ONCE || Object.hasOwn(raw.classes, name);

/** Where something stands that may lie at another unit number than the device's own. */
export interface Station {
  unitOffset: number;
  unit?: number | undefined;
}

/** Equal for points that one request can bring: those at the same unit number. */
export const stationKey = ({ unitOffset, unit }: Partial<Station>): string =>
  unit === undefined ? `+${unitOffset ?? 0}` : String(unit);

/** The unit number on the wire for a device configured as `own`. */
export const stationUnit = (station: Station, own: number): number =>
  station.unit ?? own + station.unitOffset;
