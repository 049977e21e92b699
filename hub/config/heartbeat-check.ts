import { z } from "zod";
import { duration } from "../../contract/yaml-words.ts";
import { isRefusedTarget } from "../notify/address-guard.ts";
import type { HeartbeatTarget } from "./hub-config.ts";
import { SECRET_PATTERN } from "./secret.ts";
import type { ConfigSource, Path } from "./source.ts";

const MAX_TARGETS = 10;

const heartbeatSchema = z.strictObject({
  /** An address, or a reference to one: some watchers hide the key in its path. */
  url: z.string().min(1).max(1_000),
  /** A beat follows a good self-check, and there is one every 30 s. */
  every: duration("30s", "24h").default(60_000),
  secret: z
    .string()
    .regex(SECRET_PATTERN, 'write "env:NAME" or "file:PATH"; a secret does not stand in this file')
    .optional(),
  allowPrivate: z.boolean().default(false),
});

export interface HeartbeatDesk {
  source: ConfigSource;
  raw: Readonly<Record<string, unknown>>;
  /** The secret, or undefined when it cannot be had, which is then reported. */
  secret(reference: string, at: Path): string | undefined;
}

/** Checks `heartbeat`, the list of those who are told that the hub works; every problem is reported. */
export function checkHeartbeat({ source, raw, secret }: HeartbeatDesk): HeartbeatTarget[] {
  const list = raw.heartbeat;
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) {
    source.report(["heartbeat"], "needs a list, each entry beginning with -");
    return [];
  }
  if (list.length > MAX_TARGETS)
    source.report(["heartbeat"], `${list.length} entries; allowed: ${MAX_TARGETS}`);
  return list.slice(0, MAX_TARGETS).flatMap((_, index): HeartbeatTarget[] => {
    const at: Path = ["heartbeat", index];
    const text = source.parse(heartbeatSchema, at);
    if (!text) return [];
    const url = SECRET_PATTERN.test(text.url) ? secret(text.url, [...at, "url"]) : text.url;
    if (url === undefined) return [];
    const why = whyNotUrl(url, text.allowPrivate);
    if (why) source.report([...at, "url"], why);
    const key = text.secret === undefined ? null : secret(text.secret, [...at, "secret"]);
    if (why || key === undefined) return [];
    return [{ url, everyMs: text.every, secret: key, allowPrivate: text.allowPrivate }];
  });
}

function whyNotUrl(text: string, allowPrivate: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    return "allowed: an address such as https://host/path, or env:NAME or file:PATH that holds one";
  if (url.username || url.password) return "must not hold a user name or password";
  const refused = isRefusedTarget(url.hostname, allowPrivate);
  if (refused) return refused;
  return url.protocol === "http:" && !allowPrivate
    ? "is not encrypted; write https, or allowPrivate: true inside your own network"
    : undefined;
}
