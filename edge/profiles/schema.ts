import { z } from "zod";
import { idSchema } from "../../contract/id-schema.ts";
import { QUANTITY_IDS, type QuantityId } from "../../contract/quantity.ts";
import { BAD_REASONS, type BadReason } from "../../contract/reading.ts";

/** How many 16-bit registers one value takes; 0: the point says so itself, or it is a coil or input bit. */
export const TYPE_REGISTERS = {
  u16: 1,
  s16: 1,
  u32: 2,
  s32: 2,
  f32: 2,
  u64: 4,
  s64: 4,
  f64: 4,
  enum: 1,
  bitfield16: 1,
  bitfield32: 2,
  /** Four decimal digits in each register. */
  bcd: 0,
  string: 0,
  /** Days since `epoch`; reads as a date. */
  days: 1,
  /** One byte each for year − 2000, month, day, hour, minute, second. */
  datetime: 3,
  bit: 0,
} as const;
export type FieldType = keyof typeof TYPE_REGISTERS;

/**
 * Position gives the byte on the wire, letter its significance: ABCD is big-endian, CDAB has its words
 * swapped. 16- and 64-bit values follow the same rule word by word.
 */
export const ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"] as const;
export type Order = (typeof ORDERS)[number];

/** Poll class of what never changes: read once when the device appears. Only for unpublished fields. */
export const ONCE = "once";
/** Poll classes, the most urgent first. Alarm bits are `fast`. */
export const CLASSES = ["fast", "normal", "slow", ONCE] as const;

/** The texts a device can hold; nothing of them is published as a number. */
export const isText = (type: FieldType): boolean => ["string", "days", "datetime"].includes(type);

const register = z.int().min(0).max(65_535);
const duration = z
  .string()
  .regex(/^\d{1,6}(ms|s|m|h)$/, "is a duration such as 500ms, 2s, 5m or 1h")
  .transform(durationMs)
  .refine((ms) => ms >= 100 && ms <= 86_400_000, "is outside 100ms–24h");

/** A bit pattern as it stands on the wire, read as an unsigned number; above 2^53 in quotes. */
const pattern = z
  .union([z.int().min(0), z.string().regex(/^0x[0-9a-fA-F]{1,16}$/, "is not a number like 0xFFFF")])
  .transform((value) => BigInt(value));
const badReason = z.enum(BAD_REASONS);

const naSchema = z.union([
  pattern.transform((raw) => ({ raw, reason: "not-available" as BadReason })),
  z.strictObject({ raw: pattern, reason: badReason }),
]);

/** True while another point of the same unit holds one of these codes. */
const conditionSchema = z.strictObject({ of: idSchema, any: z.array(z.int()).min(1).max(20) });
export type Condition = z.infer<typeof conditionSchema>;

const scale = z.number().refine((value) => value !== 0, "a scale of 0 erases the value");
const variantSchema = z.strictObject({
  when: conditionSchema,
  scale: scale.optional(),
  offset: z.number().optional(),
  convert: z.enum(["degF->degC"]).optional(),
});

export const pointSchema = z.strictObject({
  /** With `repeat`, `{n}` stands for the number. */
  id: z.string().regex(/^[a-z0-9](\{n\}|[a-z0-9_.-]){0,63}$/, "is not a name such as voltage-l1"),
  label: z.string().max(60).optional(),
  /** Published when set. */
  quantity: z.enum(QUANTITY_IDS).optional(),
  address: z.int().min(0).max(165_536).optional(),
  fc: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]).optional(),
  type: z.enum(Object.keys(TYPE_REGISTERS) as [FieldType, ...FieldType[]]).optional(),
  order: z.enum(ORDERS).optional(),
  stringOrder: z.enum(["hi-lo", "lo-hi"]).optional(),
  /** Length of a string or of binary-coded decimals. */
  registers: z.int().min(1).max(125).optional(),
  scale: scale.optional(),
  offset: z.number().optional(),
  convert: z.enum(["degF->degC"]).optional(),
  /** The point that holds a power of ten for this one's scale. */
  scaleFrom: idSchema.optional(),
  /** Means something only while this holds; otherwise the point is unsupported. */
  when: conditionSchema.optional(),
  /** Other scales for other contents of a point, such as its unit; where none fits it is unsupported. */
  variants: z.array(variantSchema).min(1).max(10).optional(),
  /** The day that `days` counts from. */
  epoch: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, "is a day such as 2000-01-01")
    .refine((day) => !Number.isNaN(Date.parse(day)), "is no day of any year")
    .optional(),
  /** Stands in the device's unit number plus this. */
  unitOffset: z.int().min(1).max(246).optional(),
  /** Stands in this unit, whatever the device's own number. */
  unit: z.int().min(0).max(255).optional(),
  /** One point for each number `from`…`to`, `step` registers apart; `{n}` in id and label is the number. */
  repeat: z
    .strictObject({
      from: z.int().min(0).max(999),
      to: z.int().min(0).max(999),
      step: z.int().min(1).max(1_000),
    })
    .optional(),
  na: z.array(naSchema).max(20).optional(),
  naRange: z.tuple([pattern, pattern]).optional(),
  naNegative: z.boolean().optional(),
  class: z.string().max(20).optional(),
  /** Points of one group are read in one request. */
  atomic: z.string().max(40).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  states: z.record(z.string().regex(/^-?\d{1,6}$/), z.string().max(60)).optional(),
  /** One bit of a bitfield point, as a point of its own. */
  bit: z.strictObject({ of: idSchema, bit: z.int().min(0).max(31) }).optional(),
  /** 1 while another point's code is one of these. */
  equals: conditionSchema.optional(),
});
export type RawPoint = z.infer<typeof pointSchema>;

/** An alarm the maker's document asks for. A flag alarms at 1 unless `equals` says 0. */
export const profileAlarmSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, "is not a name such as on-battery"),
  /** A published point of this profile. */
  point: idSchema,
  equals: z.number().optional(),
  above: z.number().optional(),
  below: z.number().optional(),
  deadband: z.number().min(0).optional(),
  /** 1 act now, 2 this hour, 3 this shift, 4 note. */
  priority: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  /** How long it must last. */
  delay: duration.optional(),
  title: z.string().min(1).max(80).optional(),
});
export type ProfileAlarm = z.infer<typeof profileAlarmSchema>;

export const profileSchema = z.strictObject({
  profile: z.literal(1),
  id: idSchema,
  vendor: z.string().min(1).max(60),
  model: z.string().min(1).max(80),
  /** The source is thin: never trusted before somebody compared it with the device's own display. */
  experimental: z.boolean().default(false),
  kind: z.enum(["meter", "ups", "cooling", "pdu", "leak", "ats", "genset", "env"]),
  /** The document the map comes from, by way of what, and how far it was checked. */
  source: z.strictObject({
    doc: z.string().min(1),
    via: z.string().min(1).optional(),
    verified: z.enum(["vectors-only", "simulated", "device"]),
  }),
  link: z.strictObject({
    rtu: z
      .strictObject({
        baud: z.int().min(300).max(1_000_000),
        parity: z.enum(["none", "even", "odd"]),
        stop: z.union([z.literal(1), z.literal(2)]),
      })
      .optional(),
    tcp: z.strictObject({ port: z.int().min(1).max(65_535) }).optional(),
    unit: z.int().min(0).max(255),
  }),
  /** `one-based` and `modicon` (30001, 40001) addresses are turned into wire addresses by the loader. */
  addressing: z.enum(["wire", "one-based", "modicon"]).default("wire"),
  defaults: z
    .strictObject({
      fc: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]).default(3),
      order: z.enum(ORDERS).default("ABCD"),
      stringOrder: z.enum(["hi-lo", "lo-hi"]).default("hi-lo"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      maxRegisters: z.int().min(1).max(125).default(60),
      /** Unwanted registers that may be read along to save a request. */
      maxGap: z.int().min(0).max(124).default(0),
      /** Wire addresses that must never be touched, inclusive. */
      illegal: z
        .array(z.tuple([register, register]))
        .max(100)
        .default([]),
      onePerRequest: z.boolean().default(false),
      /** A block gives 0 for registers that do not exist: zeros are believed after a read of their own. */
      holesReturnZero: z.boolean().default(false),
      /** Silence the device needs between two requests. */
      minGapMs: z.int().min(0).max(5_000).default(0),
      timeoutMs: z.int().min(50).max(30_000).default(1_000),
      /** The slowest answer ever seen: after a timeout nothing is sent for this long. */
      maxResponseMs: z.int().min(50).max(60_000).default(2_000),
      retries: z.int().min(0).max(2).default(1),
    })
    .prefault({}),
  classes: z.partialRecord(z.enum(["fast", "normal", "slow"]), duration),
  identify: z
    .array(z.strictObject({ point: idSchema, matches: z.string().min(1).max(200) }))
    .max(4)
    .default([]),
  points: z.array(pointSchema).min(1).max(500),
  alarms: z.array(profileAlarmSchema).max(50).default([]),
});
export type RawProfile = z.infer<typeof profileSchema>;

/** Something that stands in the device's registers (or, for `bit`, among its coils and inputs). */
export interface Field {
  id: string;
  /** Added to the device's unit number. */
  unitOffset: number;
  /** Instead of the device's unit number. */
  unit?: number | undefined;
  fc: 1 | 2 | 3 | 4;
  /** Wire address, 0-based. */
  address: number;
  /** Registers it takes; for `type: bit`, 1 bit. */
  count: number;
  type: FieldType;
  order: Order;
  stringOrder: "hi-lo" | "lo-hi";
  scale: number;
  offset: number;
  convert?: "degF->degC" | undefined;
  scaleFrom?: string | undefined;
  when?: Condition | undefined;
  variants?: z.infer<typeof variantSchema>[] | undefined;
  epoch?: string | undefined;
  na: { raw: bigint; reason: BadReason }[];
  naRange?: [bigint, bigint] | undefined;
  naNegative: boolean;
  /** Key of `Profile.classes`, or `once`. */
  class: string;
  atomic?: string | undefined;
}

/** What a device of this profile publishes: a field, one bit of a field, or a test of a field's code. */
export interface ProfilePoint {
  id: string;
  label: string;
  quantity: QuantityId;
  /** Key of `Profile.classes`. */
  class: string;
  min?: number | undefined;
  max?: number | undefined;
  states?: Record<string, string> | undefined;
  field: Field;
  bit?: number | undefined;
  equals?: number[] | undefined;
}

export interface Profile
  extends Pick<
    RawProfile,
    "id" | "vendor" | "model" | "experimental" | "kind" | "source" | "link" | "limits" | "alarms"
  > {
  /** Poll period of each class in ms. */
  classes: Record<string, number>;
  fields: Field[];
  points: ProfilePoint[];
  identify: { field: Field; matches: RegExp }[];
}

function durationMs(text: string): number {
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const unit = text.replace(/^\d+/, "") as keyof typeof unitMs;
  return Number.parseInt(text, 10) * unitMs[unit];
}
