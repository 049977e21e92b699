import { describe, expect, test } from "vitest";
import { type Decoded, decodeField, decodeRaw, type Wire } from "../../../edge/profiles/decode.ts";
import { loadProfile } from "../../../edge/profiles/load.ts";
import type { Lookup } from "../../../edge/profiles/scaling.ts";
import type { Field, FieldType, Order } from "../../../edge/profiles/schema.ts";
import { modbusVectors, type Vector } from "../vectors.ts";
import { PLAIN } from "./field.ts";

/** Whole frames are for the link; its test plays them. */
const values = modbusVectors.filter(({ device }) => !device.endsWith("-frame"));

/** Which profile reads the device of a worked example. */
const PROFILES: Record<string, string> = {
  "ABB-B23": "abb-b23",
  "APC-InRow-SC": "apc-inrow-sc",
  "APC-SmartUPS": "apc-smartups-990-9840",
  "ASCO-GroupG-ATS": "asco-group-g",
  "CG-EM24": "carlo-gavazzi-em24",
  "CG-EM340": "carlo-gavazzi-em340",
  "ComAp-InteliLite9": "comap-intelilite9",
  "Cummins-PCC1301": "cummins-pcc1301",
  "DSE-GenComm": "dse-genset",
  "Eastron-SDM120": "eastron-sdm120",
  "Eastron-SDM630": "eastron-sdm630",
  "Eaton-PXGX-UPS": "eaton-pxgx",
  "Huawei-UPS2000": "huawei-ups2000",
  "Liebert-CRAC": "liebert-intellislot",
  "Liebert-DCD": "liebert-dcd",
  "Liebert-XDC": "liebert-xdc",
  "RLE-SeaHawk-10K": "rle-seahawk-10k",
  "Raritan-Xerus-PDU": "raritan-xerus",
  "Schneider-PM5000": "schneider-pm5000",
  "Schneider-iEM3000": "schneider-iem3000",
  "Socomec-Diris-A40": "socomec-diris-a40",
  "Socomec-JBUS-UPS": "socomec-jbus",
  "Stulz-C7000": "stulz-c7000",
  "TraceTek-TTDM-128": "tracetek-ttdm-128",
  "Veris-E5x": "veris-e51",
  "XY-MD02": "xy-md02",
};
/** Registers that no quantity can show, or that a profile has no use for. */
const NOT_IN_PROFILE = ["APC-SmartUPS-12", "DSE-GenComm-06", "Veris-E5x-01"];

test("there is a profile for every device of the examples but the general ones", () => {
  const general = ["SunSpec", "word-order"];
  const devices = new Set(values.map(({ device }) => device));
  expect([...devices].filter((device) => !(device in PROFILES)).sort()).toEqual(general);
});

test.each(values)("vector $id decodes as its own words say", (vector) => {
  const { config } = vector;
  const wire = wireOf(vector);
  if (config.layout) return expectLayout(vector, wire);
  const field = fieldOf(vector, wire.length);
  // A scale register stands behind the value.
  const scale = config.scaleFactorRegister;
  const own = typeof scale === "number" ? wire.slice(0, scale) : wire;
  const lookup: Lookup = () => {
    if (config.when) return { value: (config.when as { equals: number }).equals };
    return decodeField(
      { ...PLAIN, type: "s16", na: [{ raw: 0x8000n, reason: "not-available" }] },
      wire.slice(1, 2),
    );
  };
  const decoded = decodeField({ ...field, count: Math.min(own.length, field.count) }, own, lookup);
  expectMeaning(vector, decoded, field, own);
});

describe("a profile's own field decodes", () => {
  const inProfiles = values.filter(
    ({ id, device }) => device in PROFILES && !NOT_IN_PROFILE.includes(id),
  );
  test.each(inProfiles)("vector $id", (vector) => {
    const profile = loadProfile(PROFILES[vector.device] ?? "");
    const { fc = 3, address } = vector.config as { fc?: number; address: number };
    const wire = wireOf(vector);
    const unit = vector.config.unit as number | undefined;
    const field = profile.fields.find(
      (candidate) =>
        candidate.fc === fc &&
        candidate.address === address &&
        (vector.device !== "Eaton-PXGX-UPS" || (candidate.unit ?? 1) === unit),
    );
    if (!field) throw new Error(`${profile.id} has no field at ${address}, function ${fc}`);
    if (vector.config.layout) return expectLayoutIn(vector, wire, profile.fields);
    expect(field.count, "registers").toBe(wire.length);
    const lookup: Lookup = () => ({
      value: (vector.config.when as { equals: number } | undefined)?.equals ?? 1,
    });
    expectMeaning(vector, decodeField(field, wire, lookup), field, wire);
  });
});

function expectMeaning(vector: Vector, decoded: Decoded, field: Field, wire: Wire): void {
  const { config, expected, tolerance } = vector;
  const [want] = Object.values(expected);
  if (want === null) {
    expect(decoded).toHaveProperty("reason");
    const words = { "transducer-fault": "wire", "bad-data": "not-available" };
    const reason = words[expected.reason as "bad-data"];
    if (reason) expect(decoded).toEqual({ reason });
  } else if (typeof want === "boolean") expect(decoded).toEqual({ value: want ? 1 : 0 });
  else if (typeof want === "string" && /^\d+$/.test(want))
    expect(decodeRaw(field, wire)).toBe(BigInt(want));
  else if (Array.isArray(want)) expect(bitNames(config, decoded)).toEqual(want);
  else if (typeof want === "string" && config.epoch) expect(decoded).toEqual({ value: want });
  else if (typeof want === "string")
    expect(Reflect.get(config.map as object, String(numberOf(decoded)))).toEqual(want);
  else {
    const scaled = field.id === "field" && !("run_hours" in expected) ? 1 : unitOf(vector);
    const most = Number(tolerance) * Math.max(1, Math.abs(scaled));
    expect(Math.abs(numberOf(decoded) - scaled * Number(want))).toBeLessThanOrEqual(most);
  }
}

/** Several things side by side: names in the order of the registers or bits. */
function expectLayout({ config, expected, input }: Vector, wire: Wire): void {
  const names = config.layout as string[];
  const decoded = Object.fromEntries(
    names.map((name, i) => {
      const field: Field = { ...PLAIN, type: config.type as FieldType };
      return [camel(name), numberOf(decodeField(field, wire.slice(i, i + 1)))];
    }),
  );
  expect(names).toHaveLength((input as unknown[]).length);
  for (const [name, want] of Object.entries(expected))
    if (name in decoded) expect(decoded[name], name).toBe(Number(want));
}

function expectLayoutIn({ config, expected }: Vector, wire: Wire, fields: readonly Field[]): void {
  const names = config.layout as string[];
  names.forEach((name, i) => {
    const want = expected[camel(name)] ?? expected[name];
    if (want === undefined) return;
    const field = fields.find(
      ({ fc, address }) => fc === config.fc && address === Number(config.address) + i,
    );
    if (!field) throw new Error(`no field for ${name}`);
    expect(decodeField(field, wire.slice(i, i + 1)), name).toEqual({ value: Number(want) });
  });
}

const camel = (name: string) =>
  name.includes("-") ? name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()) : name;

function wireOf({ input, config }: Vector): Wire {
  const items = input as (string | boolean)[];
  if (config.type === "bit") return items as boolean[];
  return Uint16Array.from(items, (word) => Number.parseInt(String(word), 16));
}

function fieldOf({ config }: Vector, count: number): Field {
  const na = config.na;
  const isScaled = "scaleFactorRegister" in config;
  return {
    ...PLAIN,
    count: isScaled ? 1 : count,
    fc: (config.fc as Field["fc"]) ?? 3,
    type: config.epoch ? "days" : (config.type as FieldType),
    epoch: config.epoch as string | undefined,
    order: ({ ABCDEFGH: "ABCD" }[String(config.order)] ?? config.order ?? "ABCD") as Order,
    scale: Number(config.scale ?? 1),
    scaleFrom: isScaled ? "scale" : undefined,
    when: config.when
      ? { of: "key", any: [(config.when as { equals: number }).equals] }
      : undefined,
    convert: config.convert ? "degF->degC" : undefined,
    na:
      typeof na === "string" && /^[0-9a-f]+$/.test(na)
        ? [{ raw: BigInt(`0x${na}`), reason: "not-available" }]
        : GENCOMM_NA,
  };
}

/** GenComm's sentinels, which its vectors take for granted; no other vector holds these patterns. */
const GENCOMM_NA: Field["na"] = [
  { raw: 0xfffbn, reason: "not-available" },
  { raw: 0xfffcn, reason: "wire" },
];

const numberOf = (decoded: object) => ("value" in decoded ? Number(decoded.value) : Number.NaN);

function bitNames(config: Record<string, unknown>, decoded: object): string[] {
  const names = Object.entries(config.bits as Record<string, string>);
  return names
    .filter(([bit]) => Math.floor(numberOf(decoded) / 2 ** Number(bit)) % 2 === 1)
    .map(([, name]) => name);
}

/** The examples' units, in Plenum's. */
function unitOf({ expected }: Vector): number {
  if ("run_hours" in expected) return 3_600;
  if ("power_kw" in expected) return 1_000;
  return "efficiency_pct" in expected ? 0.01 : 1;
}
