import { stationKey } from "./address.ts";
import type { Field, Profile } from "./schema.ts";

/** One Modbus read, and what it is for. */
export interface ReadRequest {
  fc: 1 | 2 | 3 | 4;
  address: number;
  count: number;
  class: string;
  /** All of one unit number (see `stationsOf`). */
  fields: Field[];
}

/**
 * The fewest reads that bring all fields of a profile: neighbours of the same function code and poll
 * class travel together while the gap, the total and the illegal ranges allow it. A value is never cut
 * and an atomic group is never divided.
 */
export function planRequests(profile: Pick<Profile, "fields" | "limits">): ReadRequest[] {
  const parts = atoms(profile.fields).sort((a, b) => a.fc - b.fc || a.address - b.address);
  const plan: ReadRequest[] = [];
  for (const part of parts) {
    const last = plan.findLast((other) => groupOf(other) === groupOf(part));
    if (last && mayJoin(last, part, profile)) extend(last, part);
    else plan.push(part);
  }
  return plan;
}

/**
 * Halves of a request that the device refused, divided where no value and no atomic group is cut;
 * undefined when there is nothing left to divide.
 */
export function splitRequest(request: ReadRequest): [ReadRequest, ReadRequest] | undefined {
  const parts = atoms(request.fields).sort((a, b) => a.address - b.address);
  if (parts.length < 2) return undefined;
  const middle = Math.ceil(parts.length / 2);
  return [join(parts.slice(0, middle)), join(parts.slice(middle))];
}

/** Only requests of the same group may be joined. */
const groupOf = ({ fc, class: name, fields }: ReadRequest): string =>
  `${fc} ${name} ${stationKey(fields[0] ?? {})}`;

/** Smallest reads possible: one per field or atomic group. */
function atoms(fields: readonly Field[]): ReadRequest[] {
  const groups = new Map<string, ReadRequest>();
  for (const field of fields) {
    const { fc, address, count } = field;
    const single = { fc, address, count, class: field.class, fields: [field] };
    const key = field.atomic === undefined ? `field ${field.id}` : `group ${field.atomic}`;
    const group = groups.get(key);
    if (group) extend(group, single);
    else groups.set(key, single);
  }
  return [...groups.values()];
}

function mayJoin(
  last: ReadRequest,
  part: ReadRequest,
  { limits }: Pick<Profile, "limits">,
): boolean {
  const end = last.address + last.count;
  const total = Math.max(end, part.address + part.count) - last.address;
  const crossesIllegal = limits.illegal.some(([from, to]) => from < part.address && to >= end);
  return (
    !limits.onePerRequest &&
    part.address - end <= limits.maxGap &&
    total <= limits.maxRegisters &&
    !crossesIllegal
  );
}

function extend(request: ReadRequest, part: ReadRequest): void {
  const start = Math.min(request.address, part.address);
  const end = Math.max(request.address + request.count, part.address + part.count);
  request.address = start;
  request.count = end - start;
  request.fields.push(...part.fields);
}

function join(parts: ReadRequest[]): ReadRequest {
  const [first, ...rest] = parts;
  if (!first) throw new Error("a request has at least one field");
  const joined = { ...first, fields: [...first.fields] };
  for (const part of rest) extend(joined, part);
  return joined;
}
