import { z } from "zod";
import { idSchema } from "../../contract/id.ts";
import { ROLES } from "../http/rights.ts";
import { SECRET_PATTERN } from "./secret.ts";

/** The parts of site.yaml besides `site`, one schema each, so that a mistake in one hides none in another. */
export const SECTIONS = [
  "site",
  "http",
  "mqtt",
  "storage",
  "tokens",
  "alarms",
  "receivers",
] as const;

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const LONGEST_MS = 24 * 3_600_000;

const DURATION_TEXT = "allowed: a duration such as 500ms, 60s, 3m or 1h, up to 24h";
/** A duration with its unit, in milliseconds once parsed. */
const duration = z.unknown().transform((value, context) => {
  const match = typeof value === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value) : null;
  const ms = match ? Math.round(Number(match[1]) * UNIT_MS[match[2]!]!) : Number.NaN;
  if (ms <= LONGEST_MS) return ms;
  context.addIssue({ code: "custom", message: DURATION_TEXT, input: value });
  return z.NEVER;
});

const secret = z
  .string()
  .regex(SECRET_PATTERN, 'write "env:NAME" or "file:PATH"; a secret does not stand in this file');
const line = z
  .string()
  .min(1)
  .regex(/^\P{Cc}*$/u, "must be one line of plain text");
const port = z.int().min(0).max(65_535);
const LOOPBACK = ["127.0.0.1", "::1", "localhost"];
const host = z
  .string()
  .refine(
    (name) => LOOPBACK.includes(name),
    "can be reached from other machines, which is refused until TLS is available; " +
      `allowed: ${LOOPBACK.join(", ")}. Put a TLS proxy or an SSH tunnel in front`,
  );

const toUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

/** An http(s) address without anything secret in it. */
const webAddress = z.string().superRefine((text, context) => {
  const url = toUrl(text);
  const fail = (message: string) => context.addIssue({ code: "custom", message, input: text });
  if (!url || !/^https?:$/.test(url.protocol))
    fail("allowed: an address such as https://host/path");
  else if (url.username || url.password) fail("must not hold a user name or password");
});

export const httpSchema = z.strictObject({
  host: host.default("127.0.0.1"),
  port: port.default(8080),
  publicUrl: webAddress.transform((text) => text.replace(/\/+$/, "")).optional(),
});
export const mqttSchema = z.strictObject({
  host: host.default("127.0.0.1"),
  port: port.default(1883),
});
export const storageSchema = z.strictObject({
  path: z.string().min(1),
  influx: z
    .strictObject({
      url: webAddress,
      database: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, "allowed: letters, digits and _"),
      username: line.max(120).optional(),
      password: secret.optional(),
    })
    .optional(),
});
export const tokenSchema = z.strictObject({
  name: idSchema,
  role: z.enum(ROLES),
  token: secret,
});

const glob = z
  .string()
  .regex(/^[a-z0-9*][a-z0-9_.*-]{0,63}$/, "allowed: a name in which * stands for any characters");
const globs = z.array(glob).min(1).max(100);
export const ruleSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, "allowed: 1–32 characters of a–z 0–9 _ -, no dots"),
  points: globs.optional(),
  nodes: globs.optional(),
  above: z.number().optional(),
  below: z.number().optional(),
  deadband: z.number().min(0).optional(),
  equals: z.number().optional(),
  stale: z.literal(true).optional(),
  silent: z.literal(true).optional(),
  onDelay: duration.default(0),
  offDelay: duration.default(0),
  reAlarm: duration.optional(),
  latch: z.boolean().default(false),
  priority: z.literal([1, 2, 3, 4]),
  title: line.max(120),
  runbook: z.string().min(1).max(1_000).optional(),
  receivers: z.array(idSchema).max(20).default([]),
  /** The node that holds the same rule in its edge.yaml judges it too, also while the hub is away. */
  local: z.literal(true).optional(),
});
export type RuleText = z.output<typeof ruleSchema>;

const mailbox = z
  .string()
  .max(254)
  .regex(/^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/, "allowed: one address such as duty@example.net");
const mailServer = z.string().superRefine((text, context) => {
  const url = toUrl(text);
  const fail = (message: string) => context.addIssue({ code: "custom", message, input: text });
  if (!url?.hostname || !/^smtps?:$/.test(url.protocol) || !/^\/?$/.test(url.pathname))
    fail("allowed: smtp://host:port, or smtps://host:port for TLS from the start");
  else if (url.username || url.password)
    fail("must not hold a user name or password; use the keys user and password");
});
export const receiverSchema = z.strictObject({
  id: idSchema,
  email: z
    .strictObject({
      to: z.array(mailbox).min(1).max(20),
      from: mailbox,
      server: mailServer,
      user: line.max(254).optional(),
      password: secret.optional(),
    })
    .optional(),
  webhook: z
    .strictObject({
      url: webAddress,
      secret: secret.optional(),
      allowPrivate: z.boolean().default(false),
    })
    .optional(),
});
export type ReceiverText = z.output<typeof receiverSchema>;
