import { z } from "zod";
import { idSchema } from "../../contract/id-schema.ts";
import { SNMP_AUTH, SNMP_PRIV } from "./receiver-config.ts";
import { SECRET_PATTERN } from "./secret.ts";
import { line, secret, webAddress } from "./site-schema.ts";

export const TEMPLATES = [
  "slack",
  "teams",
  "ntfy",
  "pagerduty",
  "servicenow",
  "jira",
  "zendesk",
] as const;
/** RFC 5424, table 1: the place in the list is the code. */
export const FACILITIES = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"],
  ...["authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2"],
  ...["local3", "local4", "local5", "local6", "local7"],
] as const;

const mailbox = z
  .string()
  .max(254)
  .regex(/^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/, "allowed: one address such as duty@example.net");
const mailServer = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const fail = (message: string) => context.addIssue({ code: "custom", message, input: text });
  if (!url?.hostname || !/^smtps?:$/.test(url.protocol) || !/^\/?$/.test(url.pathname))
    fail("allowed: smtp://host:port, or smtps://host:port for TLS from the start");
  else if (url.username || url.password)
    fail("must not hold a user name or password; use the keys user and password");
});
const logServer = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url && !url.username && !url.password && /^\/?$/.test(url.pathname);
  if (!url?.hostname || !bare || !/^(udp|tcp|tls):$/.test(url.protocol))
    context.addIssue({
      code: "custom",
      message: "allowed: udp://host:514, tcp://host:601 or tls://host:6514",
      input: text,
    });
});
const phone = z
  .string()
  .regex(/^\+[1-9][0-9]{5,14}$/, "allowed: a number with its country, such as +358401234567");
const host = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9:._-]+$/, "allowed: a name or an IP address");
const port = z.int().min(1).max(65_535);

/** An address that is itself a secret, as those of Slack and Teams are, may be a reference. */
const hookAddress = z.string().superRefine((text, context) => {
  if (SECRET_PATTERN.test(text)) return;
  for (const { message } of webAddress.safeParse(text).error?.issues ?? [])
    context.addIssue({ code: "custom", message, input: text });
});

const webhook = z.strictObject({
  url: hookAddress.optional(),
  template: z.enum(TEMPLATES).optional(),
  secret: secret.optional(),
  key: secret.optional(),
  token: secret.optional(),
  user: line.max(254).optional(),
  password: secret.optional(),
  project: line.max(80).optional(),
  issueType: line.max(80).optional(),
  allowPrivate: z.boolean().default(false),
});
export type WebhookText = z.output<typeof webhook>;

/** Texts a gateway wants, with {to}, {text} and {key} filled in; a value may be a secret. */
const fields = z.record(z.string().min(1).max(64), z.string().max(400));
const sms = z.strictObject({
  to: z.array(phone).min(1).max(20),
  modem: z
    .strictObject({
      device: z.string().regex(/^\/dev\/[\w./-]+$/, "allowed: a serial line such as /dev/ttyUSB2"),
      baud: z
        .literal([9_600, 19_200, 38_400, 57_600, 115_200], {
          error: "allowed: 9600, 19200, 38400, 57600, 115200",
        })
        .default(115_200),
      pin: secret.optional(),
    })
    .optional(),
  gateway: z
    .strictObject({
      url: hookAddress,
      json: fields.optional(),
      form: fields.optional(),
      user: line.max(254).optional(),
      password: secret.optional(),
      token: secret.optional(),
      allowPrivate: z.boolean().default(false),
    })
    .optional(),
});
export type SmsText = z.output<typeof sms>;

const snmp = z.strictObject({
  host,
  port: port.default(162),
  inform: z.boolean().default(true),
  community: secret.optional(),
  user: line.max(32).optional(),
  auth: z
    .strictObject({ protocol: z.enum(SNMP_AUTH).default("sha256"), password: secret })
    .optional(),
  priv: z.strictObject({ protocol: z.enum(SNMP_PRIV).default("aes"), password: secret }).optional(),
  engine: z
    .string()
    .regex(/^[\x21-\x7e]{1,27}$/, "allowed: 1 to 27 letters, digits and signs")
    .default("plenum"),
});
export type SnmpText = z.output<typeof snmp>;

const syslog = z.strictObject({
  server: logServer,
  facility: z.enum(FACILITIES).default("local0"),
  ca: z.string().regex(/^\//, "allowed: a whole path such as /etc/plenum/log-ca.pem").optional(),
});
export type SyslogText = z.output<typeof syslog>;

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
  webhook: webhook.optional(),
  sms: sms.optional(),
  snmp: snmp.optional(),
  syslog: syslog.optional(),
  relay: z.strictObject({ node: idSchema, output: idSchema }).optional(),
});
export type ReceiverText = z.output<typeof receiverSchema>;
