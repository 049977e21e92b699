import { GATEWAY_PLACEHOLDERS } from "../notify/sms/gateway-request.ts";
import type { Receiver } from "./hub-config.ts";
import type { SmsReceiver, SnmpReceiver } from "./receiver-config.ts";
import {
  FACILITIES,
  type ReceiverText,
  type SmsText,
  type SnmpText,
  type SyslogText,
} from "./receiver-schema.ts";
import { SECRET_PATTERN } from "./secret.ts";
import type { Path } from "./source.ts";
import { toWebhook, webTarget } from "./webhook-check.ts";

export type Problem = [key: Path, text: string];
/** Resolves a reference and reports by itself when it cannot. */
export type Resolve = (reference: string, key: Path) => string | undefined;
type Checked<R extends Receiver> = { receiver: R } | { problems: Problem[] };

const WAYS = ["email", "webhook", "sms", "snmp", "syslog", "relay"] as const;
const PORTS = { "udp:": 514, "tcp:": 601, "tls:": 6514, "smtp:": 25, "smtps:": 465 } as const;
/** RFC 3414, 11.2: a shorter password is refused by receivers, too. */
const SNMP_PASSWORD_CHARS = 8;

/** Makes a receiver of what was written, or says everything that does not fit together in it. */
export function toReceiver(text: ReceiverText, resolve: Resolve): Checked<Receiver> {
  const { id, email, webhook, sms, snmp, syslog, relay } = text;
  const [, second] = WAYS.filter((way) => text[way]);
  if (second) return { problems: [[[second], "one way per receiver; write a second one"]] };
  if (email) return toEmail(id, email, resolve);
  if (webhook) return toWebhook(id, webhook, resolve);
  if (sms) return toSms(id, sms, resolve);
  if (snmp) return toSnmp(id, snmp, resolve);
  if (syslog) return toSyslog(id, syslog);
  if (relay) return { receiver: { kind: "relay", id, ...relay } };
  return { problems: [[[], `says no way to reach anybody; needs one of ${WAYS.join(", ")}`]] };
}

/** One modem has one set of settings, however many receivers use it. */
export function sharedModemProblems(receivers: readonly Receiver[]): [id: string, text: string][] {
  const first = new Map<string, { id: string; settings: string }>();
  return receivers.flatMap((receiver): [string, string][] => {
    if (receiver.kind !== "sms" || !("modem" in receiver.by)) return [];
    const { device, baud, pin } = receiver.by.modem;
    const settings = JSON.stringify([baud, pin]);
    const before = first.get(device);
    if (!before) first.set(device, { id: receiver.id, settings });
    if (!before || before.settings === settings) return [];
    const text = `uses ${device} with another baud or pin than receiver ${before.id}; write the same`;
    return [[receiver.id, text]];
  });
}

function toEmail(
  id: string,
  email: NonNullable<ReceiverText["email"]>,
  resolve: Resolve,
): Checked<Receiver> {
  const { to, from, user, password } = email;
  if ((user === undefined) !== (password === undefined)) {
    const [there, missing] = user === undefined ? ["password", "user"] : ["user", "password"];
    return { problems: [[["email", there], `needs ${missing} as well`]] };
  }
  const secret = password && resolve(password, ["email", "password"]);
  const { host, port, protocol } = addressOf(email.server);
  const secure = protocol === "smtps:";
  const login = { ...(user && { user }), ...(secret && { password: secret }) };
  return { receiver: { kind: "email", id, to, from, server: { host, port, secure, ...login } } };
}

function toSms(
  id: string,
  { to, modem, gateway }: SmsText,
  resolve: Resolve,
): Checked<SmsReceiver> {
  if (modem && gateway)
    return { problems: [[["sms", "gateway"], "one way per receiver; write a second one"]] };
  if (modem) {
    const { device, baud, pin: reference } = modem;
    const at: Path = ["sms", "modem", "pin"];
    const pin = reference === undefined ? null : (resolve(reference, at) ?? null);
    if (pin !== null && !/^\d{4,8}$/.test(pin))
      return { problems: [[at, "what it refers to is no PIN; allowed: 4 to 8 digits"]] };
    return { receiver: { kind: "sms", id, to, by: { modem: { device, baud, pin } } } };
  }
  if (!gateway) return { problems: [[["sms"], "needs modem or gateway"]] };
  return toGateway(id, to, gateway, resolve);
}

function toGateway(
  id: string,
  to: string[],
  gateway: NonNullable<SmsText["gateway"]>,
  resolve: Resolve,
): Checked<SmsReceiver> {
  const { json, form, user, password, token, allowPrivate } = gateway;
  const top: Path = ["sms", "gateway"];
  const problems: Problem[] = [];
  if (!json === !form) problems.push([top, "needs json or form, one of them"]);
  if ((user === undefined) !== (password === undefined))
    problems.push([top, "user and password go together"]);
  if (token !== undefined && user !== undefined)
    problems.push([[...top, "token"], "one way to sign in: token, or user and password"]);
  const [encoding, written] = form ? (["form", form] as const) : (["json", json ?? {}] as const);
  const all = Object.values(written).join(" ");
  for (const needed of ["{to}", "{text}"])
    if ((json || form) && !all.includes(needed))
      problems.push([[...top, encoding], `no value holds ${needed}; nobody would get the message`]);
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(written)) {
    const at = [...top, encoding, name];
    const unknown = (value.match(/\{\w*\}/g) ?? []).find((one) => !isPlaceholder(one));
    if (unknown) problems.push([at, `${unknown} is not known; allowed: {to} {text} {key}`]);
    fields[name] = SECRET_PATTERN.test(value) ? (resolve(value, at) ?? "") : value;
  }
  const key = token !== undefined && resolve(token, [...top, "token"]);
  const word = password !== undefined && resolve(password, [...top, "password"]);
  const basic = `Basic ${Buffer.from(`${user}:${word}`).toString("base64")}`;
  const authorization = key ? `Bearer ${key}` : user && word ? basic : null;
  const target = webTarget(gateway.url, { at: [...top, "url"], allowPrivate, resolve, problems });
  if (problems.length > 0 || target === undefined) return { problems };
  const made = { url: target, encoding, fields, authorization, allowPrivate };
  return { receiver: { kind: "sms", id, to, by: { gateway: made } } };
}

const isPlaceholder = (text: string): boolean =>
  GATEWAY_PLACEHOLDERS.some((name) => text === `{${name}}`);

function toSnmp(id: string, text: SnmpText, resolve: Resolve): Checked<SnmpReceiver> {
  const { host, port, inform, community, user, auth, priv, engine } = text;
  const to = { kind: "snmp" as const, id, host, port, inform };
  if ((community === undefined) === (user === undefined))
    return { problems: [[["snmp"], "needs community (SNMP v2c) or user (v3), one of them"]] };
  if (community !== undefined) {
    const stray = (["auth", "priv"] as const).find((key) => text[key]);
    if (stray) return { problems: [[["snmp", stray], "needs user: SNMP v2c has no passwords"]] };
    const name = resolve(community, ["snmp", "community"]) ?? "";
    return { receiver: { ...to, as: { version: "2c", community: name } } };
  }
  if (!auth || user === undefined)
    return { problems: [[["snmp", "user"], "needs auth, or anybody could speak in its name"]] };
  const problems: Problem[] = [];
  const password = (reference: string, key: "auth" | "priv"): string => {
    const found = resolve(reference, ["snmp", key, "password"]) ?? "";
    if (found !== "" && found.length < SNMP_PASSWORD_CHARS)
      problems.push([["snmp", key, "password"], "is too short; SNMP needs 8 characters or more"]);
    return found;
  };
  const signed = { protocol: auth.protocol, password: password(auth.password, "auth") };
  const hidden = priv && { protocol: priv.protocol, password: password(priv.password, "priv") };
  if (problems.length > 0) return { problems };
  const as = { version: "3" as const, user, auth: signed, priv: hidden ?? null, engine };
  return { receiver: { ...to, as } };
}

function toSyslog(id: string, { server, facility, ca }: SyslogText): Checked<Receiver> {
  const { protocol, host, port } = addressOf(server);
  const transport = protocol.slice(0, -1) as "udp" | "tcp" | "tls";
  if (ca !== undefined && transport !== "tls")
    return { problems: [[["syslog", "ca"], `${transport} has no certificates; write tls://`]] };
  const code = FACILITIES.indexOf(facility);
  const caFile = ca ?? null;
  return { receiver: { kind: "syslog", id, transport, host, port, facility: code, caFile } };
}

function addressOf(text: string): { protocol: keyof typeof PORTS; host: string; port: number } {
  const url = new URL(text);
  const protocol = url.protocol as keyof typeof PORTS;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { protocol, host, port: url.port === "" ? PORTS[protocol] : Number(url.port) };
}
