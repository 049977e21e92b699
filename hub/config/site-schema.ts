import { z } from "zod";
import { patternsSchema, RULE_SHAPE } from "../../contract/alarm/rule-text.ts";
import { idSchema } from "../../contract/id-schema.ts";
import { block, says } from "../../contract/yaml-words.ts";
import { externalSchema } from "../external-broker/target-check.ts";
import { ROLES } from "../http/rights.ts";
import { LISTEN_SHAPE } from "../identity/tls-check.ts";
import { DELIVERY_SECTIONS } from "./delivery-schema.ts";
import { SECRET_PATTERN } from "./secret.ts";

/** The parts of site.yaml besides `site`, one schema each, so that a mistake in one hides none in another. */
export const SECTIONS = [
  "site",
  "http",
  "mqtt",
  "storage",
  "tokens",
  "alarms",
  "standardRules",
  "climate",
  "receivers",
  ...DELIVERY_SECTIONS,
  "heartbeat",
  "drill",
  "foreign",
  "readers",
  "homeAssistant",
  "metrics",
] as const;

export const secret = z
  .string()
  .regex(SECRET_PATTERN, 'write "env:NAME" or "file:PATH"; a secret does not stand in this file');
export const line = z
  .string()
  .min(1)
  .regex(/^\P{Cc}*$/u, "must be one line of plain text");
const port = z.int().min(0).max(65_535);

const toUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

/** An http(s) address without anything secret in it. */
export const webAddress = z.string().superRefine((text, context) => {
  const url = toUrl(text);
  const fail = (message: string) => context.addIssue({ code: "custom", message, input: text });
  if (!url || !/^https?:$/.test(url.protocol))
    fail("allowed: an address such as https://host/path");
  else if (url.username || url.password) fail("must not hold a user name or password");
});

export const httpSchema = z.strictObject({
  ...LISTEN_SHAPE,
  port: port.default(8080),
  publicUrl: webAddress.transform((text) => text.replace(/\/+$/, "")).optional(),
});
export const mqttSchema = z.strictObject({
  ...LISTEN_SHAPE,
  port: port.default(1883),
  external: externalSchema.optional(),
});
export const storageSchema = z.strictObject({
  path: z.string().min(1),
  influx: z
    .strictObject({
      url: webAddress,
      database: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, "allowed: letters, digits and _"),
      username: line.max(120).optional(),
      password: secret.optional(),
      /** Asks questions as somebody who may not write. */
      reader: z.strictObject({ username: line.max(120), password: secret }).optional(),
    })
    .optional(),
});
export const tokenSchema = z.strictObject({
  name: idSchema,
  role: z.enum(ROLES),
  token: secret,
});

export const ruleSchema = block("a rule", {
  ...RULE_SHAPE,
  nodes: patternsSchema.optional(),
  silent: z.literal(true, says("silent is true, or left out")).optional(),
  title: RULE_SHAPE.title.unwrap(),
  receivers: z.array(idSchema, says("receivers are a list of names")).max(20).default([]),
});
export type RuleText = z.output<typeof ruleSchema>;
