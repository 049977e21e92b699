import { z } from "zod";
import { patternsSchema } from "../../contract/alarm/rule-text.ts";
import { idSchema } from "../../contract/id-schema.ts";
import { QUANTITY_IDS } from "../../contract/quantity.ts";
import { duration } from "../../contract/yaml-words.ts";
import { line, secret } from "../config/site-schema.ts";
import { TOPIC_PATTERN } from "./topic-pattern.ts";

/** What site.yaml may say of devices that are no edge nodes, and of programs that read. */

export const MAX_ACCOUNTS = 50;
const MAX_MAPPINGS = 1_000;

const word = z.union([z.string().max(40), z.number(), z.boolean()]);
const words = z.array(word).min(1).max(20);

export const mappingSchema = z.strictObject({
  point: z
    .string()
    .regex(
      /^(?:[a-z0-9]|\{\d\})(?:[a-z0-9_.-]|\{\d\}){0,63}$/,
      "allowed: a name of a–z 0–9 _ . -, with {1} for what stands for the first + of the topic",
    ),
  topic: z
    .string()
    .max(250)
    .regex(TOPIC_PATTERN, "allowed: a topic; a level may be +, but there is no #"),
  path: z.string().max(200).optional(),
  time: z.string().max(200).optional(),
  label: line.max(60).optional(),
  quantity: z.enum(QUANTITY_IDS),
  /** The longest time between two messages; three without any make the point stale. */
  period: duration("1s", "24h"),
  unit: z.string().max(10).optional(),
  scale: z.number().optional(),
  offset: z.number().optional(),
  on: words.optional(),
  off: words.optional(),
});
export type MappingText = z.output<typeof mappingSchema>;

export const accountSchema = z.strictObject({
  id: idSchema,
  label: line.max(60).optional(),
  password: secret,
  points: z.array(z.unknown()).min(1).max(MAX_MAPPINGS),
});

export const readerSchema = z.strictObject({ id: idSchema, password: secret });

export const homeAssistantSchema = z.strictObject({
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,40}$/, "allowed: 1–40 letters, digits, _ and -")
    .refine((prefix) => prefix !== "plenum", "is taken by Plenum's own topics")
    .default("homeassistant"),
  points: patternsSchema.default(["*"]),
});

export const metricsSchema = z.strictObject({ points: z.boolean().default(false) });
