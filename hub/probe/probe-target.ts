import type { HubConfig } from "../config/hub-config.ts";
import { credentialsOf } from "../external-broker/target.ts";
import type { ProbeTarget } from "./probe-link.ts";

/** The broker as an edge node on this machine would reach it. Throws while it is not open. */
export function probeTarget(
  { host, external }: HubConfig["mqtt"],
  port: number | undefined,
): ProbeTarget {
  if (external) return { url: external.url, options: credentialsOf(external) };
  if (port === undefined) throw new Error("the broker is not open");
  const to = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : bracketed(host);
  return { url: `mqtt://${to}:${port}` };
}

const bracketed = (host: string) => (host.includes(":") ? `[${host}]` : host);
