import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import path from "node:path";
import { z } from "zod";
import type { Path } from "../config/source.ts";
import { IdentityError } from "./key-files.ts";
import { givenCertificate, trustOf } from "./server-tls.ts";
import { ACCEPT_RISK, LOOPBACK_HOSTS, type TlsConfig } from "./tls-config.ts";

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*$/i;
const isName = (text: string) => isIP(text) !== 0 || HOST_NAME.test(text);
const file = z
  .string()
  .regex(
    /^file:.+$/,
    'write "file:PATH", a PEM file; neither key nor certificate stands in this file',
  );

/** The keys of `http` and `mqtt` that say where and how they listen. */
export const LISTEN_SHAPE = {
  host: z
    .string()
    .refine(isName, "allowed: an IP address or host name of this machine, or 0.0.0.0 for all")
    .default("127.0.0.1"),
  /** `names`: certificate by the hub's own authority. Otherwise a certificate of the site's own. */
  tls: z
    .strictObject({
      names: z
        .array(z.string().refine(isName, "allowed: a host name or an IP address"))
        .min(1)
        .max(50)
        .optional(),
      certificate: file.optional(),
      key: file.optional(),
    })
    .optional(),
  plain: z.literal(ACCEPT_RISK, `allowed: ${ACCEPT_RISK}, or leave it out`).optional(),
};

/** One listener as site.yaml has it. */
export interface ListenText {
  host: string;
  tls?:
    | { names?: string[] | undefined; certificate?: string | undefined; key?: string | undefined }
    | undefined;
  plain?: typeof ACCEPT_RISK | undefined;
}

/** `plain` is the operator's word that it may go without beyond this machine. */
interface ListenTls {
  tls: TlsConfig | null;
  plain: boolean;
}

type Report = (at: Path, text: string) => void;

/** What a listener's TLS is to be; reports what does not go together, at the key where it shows. */
function toListenTls(
  { host, tls, plain }: ListenText,
  { folder, listener, report }: Place,
): ListenTls {
  const open = !LOOPBACK_HOSTS.includes(host);
  const clear = { tls: null, plain: plain !== undefined };
  if (plain && tls) report(["plain"], "does not go with tls; leave one of them out");
  else if (plain && !open) report(["plain"], `is for hosts beyond this machine; leave it out`);
  else if (open && !tls && !plain)
    report(
      ["host"],
      `found "${host}"; can be reached from other machines, so it needs TLS: add ` +
        `tls: { names: [the host name or address by which they call this hub] }. ` +
        `Without TLS allowed: ${LOOPBACK_HOSTS.join(", ")}`,
    );
  if (!tls) return clear;
  const { names, certificate, key } = tls;
  if (names && !certificate && !key) return { tls: { names }, plain: false };
  if (names || !certificate || !key) {
    report(["tls"], "needs names, or certificate and key, not both");
    return clear;
  }
  const resolved = (reference: string) => path.resolve(folder, reference.slice("file:".length));
  const files = { certificateFile: resolved(certificate), keyFile: resolved(key) };
  const problem = pairProblem(files, listener);
  if (problem) report(["tls", "certificate"], problem);
  return { tls: files, plain: false };
}

function pairProblem(
  { certificateFile, keyFile }: { certificateFile: string; keyFile: string },
  listener: "http" | "mqtt",
): string | undefined {
  try {
    const given = givenCertificate(certificateFile, keyFile);
    const root = trustOf(given).at(-1);
    if (listener === "mqtt" && root && !isRoot(new X509Certificate(root)))
      return (
        `${certificateFile} must hold the whole chain up to the root, because the nodes ` +
        "recognise the hub by it; or write names, and the hub makes its own"
      );
  } catch (error) {
    if (error instanceof IdentityError) return error.message;
    throw error;
  }
  return undefined;
}

function isRoot(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

interface Place {
  folder: string;
  listener: "http" | "mqtt";
  report: Report;
}

/**
 * The section with its `tls` and `plain` as the hub understands them. `text` is undefined when something
 * else in it is wrong; what `raw` says of TLS is then looked at all the same.
 */
export function withTls<T extends ListenText>(text: T | undefined, raw: unknown, place: Place) {
  const { listener, report } = place;
  const inside = { ...place, report: (at: Path, why: string) => report([listener, ...at], why) };
  if (!text) {
    const part = z.object(LISTEN_SHAPE).safeParse(raw).data;
    if (part) toListenTls(part, inside);
    return undefined;
  }
  const { tls: _tls, plain: _plain, ...rest } = text;
  const listen = toListenTls(text, inside);
  return {
    ...rest,
    ...(listen.tls && { tls: listen.tls }),
    ...(listen.plain && { plain: true as const }),
  };
}
