import { describe, expect, test } from "vitest";
import { QUANTITIES } from "../../../contract/quantity.ts";
import { stationKey } from "../../../edge/profiles/address.ts";
import { decodeField, decodePoint } from "../../../edge/profiles/decode.ts";
import { encodeField, encodeImage, encodePoint } from "../../../edge/profiles/encode.ts";
import { PROFILE_IDS } from "../../../edge/profiles/index.ts";
import { loadProfile } from "../../../edge/profiles/load.ts";
import { planRequests } from "../../../edge/profiles/plan.ts";
import { keysOf, type Lookup, scalingOf } from "../../../edge/profiles/scaling.ts";
import type { Field, ProfilePoint } from "../../../edge/profiles/schema.ts";
import { stationsOf, unitsOf } from "../../../edge/profiles/stations.ts";

describe.each(PROFILE_IDS)("profile %s", (id) => {
  const profile = loadProfile(id);

  test("is named as its file and says which document it comes from", () => {
    expect(profile.id).toBe(id);
    expect(profile.source.doc.length).toBeGreaterThan(10);
    expect(profile.points.length).toBeGreaterThan(0);
  });

  test("publishes known quantities, with labels a person can read and no id twice", () => {
    for (const point of profile.points) {
      expect(QUANTITIES, point.id).toHaveProperty(point.quantity);
      expect(point.label, point.id).toMatch(/^[A-Z]/);
      expect(profile.classes[point.class], point.id).toBeGreaterThanOrEqual(1_000);
    }
    expect(new Set(profile.points.map((point) => point.id)).size).toBe(profile.points.length);
  });

  test("reads every field exactly once, within its limits", () => {
    const plan = planRequests(profile);
    const read = plan.flatMap((request) => request.fields.map((field) => field.id));
    expect(read.sort()).toEqual(profile.fields.map((field) => field.id).sort());
    for (const request of plan) {
      expect(request.count).toBeLessThanOrEqual(profile.limits.maxRegisters);
      expect(new Set(request.fields.map(stationKey)).size).toBe(1);
      for (const field of request.fields) {
        expect(field.address).toBeGreaterThanOrEqual(request.address);
        expect(field.address + field.count).toBeLessThanOrEqual(request.address + request.count);
      }
      for (const [from, to] of profile.limits.illegal)
        expect(request.address > to || request.address + request.count <= from).toBe(true);
    }
  });

  test("gives back every value that was put in", () => {
    for (const point of profile.points)
      for (const value of sampleValues(point)) {
        const known = keysFor(point.field);
        const decoded = decodePoint(point, encodePoint(point, value, known), known);
        expect(decoded.quality, point.id).toBe("good");
        const step = stepOf(point);
        if (decoded.quality === "good")
          expect(Math.abs(decoded.value - value), `${point.id} ${value}`).toBeLessThanOrEqual(step);
      }
  });

  test("gives a reason and no value for every 'not available' pattern", () => {
    for (const point of profile.points) {
      const { field } = point;
      if (field.na.length === 0 && !field.naNegative && !field.type.startsWith("f")) continue;
      expect(decodePoint(point, encodePoint(point, null)).quality, point.id).toBe("bad");
    }
  });

  test("puts all points of a device into one image of its registers", () => {
    for (const station of stationsOf(profile, 1)) {
      const points = station.profile.points.filter((point) => !point.equals);
      const values = new Map(points.map((p) => [p.id, sampleValues(p)[0] ?? 0]));
      for (const { field } of points)
        for (const id of keysOf(field)) values.set(id, numberIn(keysFor(field)(id)));
      const known: Lookup = (id) => ({ value: values.get(id) ?? Number.NaN });
      const image = encodeImage(station.profile, values);
      for (const point of points) {
        const { fc, address, count } = point.field;
        const words = Array.from({ length: count }, (_, i) => image[fc].get(address + i) ?? -1);
        const wire = fc <= 2 ? words.map((word) => word === 1) : Uint16Array.from(words);
        const decoded = decodePoint(point, wire, known);
        const value = decoded.quality === "bad" ? Number.NaN : decoded.value;
        expect(Math.abs(value - (values.get(point.id) ?? 0)), point.id).toBeLessThanOrEqual(
          stepOf(point),
        );
      }
    }
  });
});

test("the 84 circuits of a BCPM stand at two unit numbers, 42 at each", () => {
  const bcpm = loadProfile("schneider-bcpm");
  expect(unitsOf(bcpm, 40)).toEqual([40, 41]);
  const stations = stationsOf(bcpm, 40).map(({ unit, profile }) => ({
    unit,
    first: [profile.points[0]?.id, profile.fields[0]?.address],
    last: [profile.points.at(-1)?.id, profile.fields.at(-1)?.address],
    requests: planRequests(profile).map(({ address, count }) => [address, count]),
  }));
  const requests = [
    [1_335, 60],
    [1_395, 24],
  ];
  expect(stations).toEqual([
    { unit: 40, first: ["current-1", 1_335], last: ["current-42", 1_417], requests },
    { unit: 41, first: ["current-43", 1_335], last: ["current-84", 1_417], requests },
  ]);
});

test("the environment probe of an Eaton gateway stands at unit 254, its UPS at the device's own", () => {
  const stations = stationsOf(loadProfile("eaton-pxgx"), 1);
  expect(stations.map(({ unit, main }) => [unit, main])).toEqual([
    [1, true],
    [254, false],
  ]);
  expect(stations[1]?.profile.points.map(({ id }) => id)).toEqual([
    "probe-temperature",
    "probe-humidity",
  ]);
});

test("0 Hz of a meter whose mains are gone is not implausible", () => {
  for (const id of PROFILE_IDS)
    for (const point of loadProfile(id).points)
      if (point.quantity === "frequency") expect(point.min ?? 0, `${id} ${point.id}`).toBe(0);
});

test("an InRow SC that runs is on or idle, and one in standby does not run", () => {
  const running = loadProfile("apc-inrow-sc").points.find((point) => point.id === "running");
  if (!running) throw new Error("no point running");
  const read = (code: number) => decodePoint(running, encodeField(running.field, code));
  expect([0, 1, 2].map(read)).toEqual([
    { quality: "good", value: 0 },
    { quality: "good", value: 1 },
    { quality: "good", value: 1 },
  ]);
});

test("a Smart-UPS on battery with overload shows both flags and not the others", () => {
  const ups = loadProfile("apc-smartups-990-9840");
  const image = encodeImage(
    ups,
    new Map([
      ["on-battery", 1],
      ["overload", 1],
      ["online", 0],
    ]),
  );
  const words = Uint16Array.of(image[3].get(0) ?? 0, image[3].get(1) ?? 0);
  const flags = ups.points
    .filter((point) => point.field.id === "status")
    .filter((point) => {
      const flag = decodePoint(point, words);
      return flag.quality === "good" && flag.value === 1;
    });
  expect(flags.map((point) => point.id)).toEqual(["on-battery", "overload"]);
});

test("a text survives the trip, and a text of zeros is unsupported", () => {
  const model = loadProfile("apc-smartups-990-9840").fields.find((field) => field.id === "model");
  if (!model) throw new Error("no field model");
  expect(decodeField(model, encodeField(model, "SMT1500RMI2U"))).toEqual({ value: "SMT1500RMI2U" });
  expect(decodeField(model, encodeField(model, null))).toEqual({ reason: "unsupported" });
});

test("a value that does not fit its register is refused, not wrapped", () => {
  const fuel = loadProfile("dse-genset").points.find((point) => point.id === "fuel");
  if (!fuel) throw new Error("no point fuel");
  expect(() => encodePoint(fuel, 70_000)).toThrow(RangeError);
  expect(() => encodePoint(fuel, -1)).toThrow(RangeError);
});

/** The least step a field can show; a float is exact to about 7 digits. */
function stepOf({ field, bit, equals }: ProfilePoint): number {
  if (bit !== undefined || equals) return 0;
  const scaling = scalingOf(field, keysFor(field));
  if ("reason" in scaling) throw new Error(`${field.id}: ${scaling.reason}`);
  const step = field.type.startsWith("f") ? 1e-3 : Math.abs(scaling.scale);
  return scaling.convert ? (step * 5) / 9 : step;
}

/** Contents of the fields that a field leans on with which it means something; scales are tenths. */
function keysFor(field: Field): Lookup {
  const conditions = [field.when, field.variants?.[0]?.when];
  return (id) => ({ value: conditions.find((c) => c?.of === id)?.any[0] ?? -1 });
}

const numberIn = (decoded: ReturnType<Lookup>) =>
  decoded && "value" in decoded ? Number(decoded.value) : Number.NaN;

function sampleValues(point: ProfilePoint): number[] {
  if (point.quantity === "flag") return [1, 0];
  if (point.states) return Object.keys(point.states).map(Number);
  // An accumulator of 0 may mean "none", and then 0 is not what went in.
  const least = point.field.na.some(({ raw }) => raw === 0n) ? 1 : 0;
  const low = point.min ?? Math.max(QUANTITIES[point.quantity].min, least);
  const high = Math.min(point.max ?? 100, QUANTITIES[point.quantity].max);
  return [low + (high - low) * 0.37, low, high];
}
