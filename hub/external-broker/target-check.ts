import { accessSync, constants } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { ExternalTarget } from "./target.ts";

const LOOPBACK = ["127.0.0.1", "[::1]", "localhost"];
const fileReference = z
  .string()
  .regex(/^file:.+/, "allowed: file:PATH of a PEM file; it is read again at every connection");

/** `mqtt.external` of site.yaml. */
export const externalSchema = z.strictObject({
  url: z.string().superRefine((text, context) => {
    const why = whyNotUrl(text);
    if (why) context.addIssue({ code: "custom", message: why, input: text });
  }),
  ca: fileReference.optional(),
  cert: fileReference.optional(),
  key: fileReference.optional(),
});
export type ExternalText = z.output<typeof externalSchema>;

function whyNotUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname || !/^mqtts?:$/.test(url.protocol) || !/^\/?$/.test(url.pathname + url.search))
    return "allowed: mqtts://host:port";
  if (url.username || url.password)
    return "must not hold a user name or password; use cert and key";
  if (url.protocol === "mqtt:" && !LOOPBACK.includes(url.hostname))
    return `without TLS only on this machine (${LOOPBACK.join(", ")}); write mqtts://`;
  return undefined;
}

/** What the text stands for, and what is wrong with its files; relative paths start at `folder`. */
export function toTarget(
  { url, ...files }: ExternalText,
  folder: string,
): { target: ExternalTarget; problems: [key: "ca" | "cert" | "key" | "url", text: string][] } {
  const problems: [key: "ca" | "cert" | "key" | "url", text: string][] = [];
  const tls = { ca: "", cert: "", key: "" };
  const secure = url.startsWith("mqtts:");
  for (const name of ["ca", "cert", "key"] as const) {
    const reference = files[name];
    if (secure && reference === undefined)
      problems.push(["url", `needs ${name}: file:PATH beside it, for TLS`]);
    if (!secure && reference !== undefined)
      problems.push([name, "has no meaning with mqtt://; write mqtts://"]);
    if (!secure || reference === undefined) continue;
    tls[name] = path.resolve(folder, reference.slice("file:".length));
    const why = whyNotReadable(tls[name]);
    if (why) problems.push([name, why]);
  }
  return { target: { url, tls: secure ? tls : null }, problems };
}

function whyNotReadable(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return `the file ${file} ${code === "ENOENT" ? "is not there" : `cannot be read (${code})`}`;
  }
}

interface Reports {
  report(at: readonly (string | number)[], text: string): void;
}

/** Sections whose devices and programs sign in at the embedded broker. */
const EMBEDDED_ONLY = ["foreign", "readers", "homeAssistant"];

/** The `mqtt` section with its external broker looked into; what is wrong goes to `source`. */
export function withExternal<T extends { external?: ExternalText | undefined }>(
  mqtt: T,
  { source, raw, folder }: { source: Reports; raw: Record<string, unknown>; folder: string },
): Omit<T, "external"> & { external?: ExternalTarget } {
  const { external, ...rest } = mqtt;
  if (!external) return rest;
  const { target, problems } = toTarget(external, folder);
  for (const [key, text] of problems) source.report(["mqtt", "external", key], text);
  for (const section of EMBEDDED_ONLY)
    if (raw[section] !== undefined && raw[section] !== null)
      source.report(
        [section],
        "works with the hub's own broker only; take out mqtt.external or this",
      );
  return { ...rest, external: target };
}
