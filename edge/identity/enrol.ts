import { createHash, X509Certificate } from "node:crypto";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { z } from "zod";
import { newCertificateRequest } from "./certificate-request.ts";
import { type Credentials, nameIn } from "./store.ts";

const ANSWER_MS = 15_000;
const MAX_ANSWER_CHARS = 65_536;
const TOKEN = /^[A-Za-z0-9_-]{22}\.([A-Za-z0-9_-]{43})$/;

const answerSchema = z.object({
  certificate: z.string(),
  trust: z.string(),
  mqttPort: z.int().min(1).max(65_535),
  /** Where the broker is when it is not the machine that was asked. */
  mqttHost: z.string().max(253).optional(),
});

/** Why the node has no certificate now; for the person at the keyboard. */
export class EnrolError extends Error {
  override name = "EnrolError";
}

/**
 * Exchanges a token for the node's credentials. The token names the key of the hub, so it is given to that
 * hub only: nothing is sent before the key on the other side is proven. Throws EnrolError.
 */
export async function enrol({
  node,
  hub,
  token,
}: {
  node: string;
  /** `https://host:port`. */
  hub: string;
  token: string;
}): Promise<Credentials & { mqttUrl: string }> {
  const pin = TOKEN.exec(token)?.[1];
  if (!pin)
    throw new EnrolError(
      "This is no token: it has 66 characters with a dot in the middle, as plenum-hub enrol prints it.",
    );
  const { key, request } = newCertificateRequest(node);
  const { status, text } = await post(new URL("/enrol", hub), { token, node, request }, pin);
  if (status !== 200)
    throw new EnrolError(`The hub refuses: ${reasonIn(text) ?? `answer ${status}`}`);
  const answer = answerSchema.safeParse(jsonOf(text));
  if (!answer.success)
    throw new EnrolError(`${hub} answers, but not like a Plenum hub of this version.`);
  const { certificate, trust, mqttPort, mqttHost } = answer.data;
  if (nameIn(certificate) !== node)
    throw new EnrolError(`The hub sent a certificate for ${nameIn(certificate)}, not for ${node}.`);
  const mqttUrl = `mqtts://${mqttHost ?? new URL(hub).hostname}:${mqttPort}`;
  return { key, cert: certificate, ca: trust, mqttUrl };
}

function post(url: URL, body: unknown, pin: string): Promise<{ status: number; text: string }> {
  const payload = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new EnrolError(why));
    const sending = httpsRequest(
      url,
      {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(payload),
        },
        // The pin below takes the place of the authorities this machine happens to trust.
        rejectUnauthorized: false,
        agent: false,
        timeout: ANSWER_MS,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER_CHARS) response.destroy(new Error("its answer is too long"));
        });
        response.on("error", (error) =>
          fail(`The answer of ${url.host} broke off: ${error.message}`),
        );
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sending.on("timeout", () => sending.destroy(new Error(`no answer in ${ANSWER_MS / 1_000} s`)));
    sending.on("error", (error) => {
      fail(
        error instanceof EnrolError
          ? error.message
          : `${url.host} cannot be reached: ${error.message}`,
      );
    });
    sending.on("socket", (socket) => {
      socket.once("secureConnect", () => {
        const why = whyNotHub(socket as TLSSocket, url.hostname, pin);
        if (why) sending.destroy(new EnrolError(why));
        else sending.end(payload);
      });
    });
  });
}

/** Why the other side is not the hub the token is from; undefined when it is. */
function whyNotHub(socket: TLSSocket, host: string, pin: string): string | undefined {
  const chain = certificatesOf(socket.getPeerCertificate(true));
  const [leaf] = chain;
  const pinned = chain.find((one) => keyHash(one) === pin);
  const stranger =
    `The hub at ${host} is not the one that made this token: its key is another. Nothing was sent. ` +
    "Check the address; if it is right, somebody may stand between this node and the hub";
  if (!leaf || !pinned) return stranger;
  if (pinned === leaf) return undefined;
  if (!leaf.checkIssued(pinned) || !leaf.verify(pinned.publicKey)) return stranger;
  const bare = host.replace(/^\[|\]$/g, "");
  const named = isIP(bare) ? leaf.checkIP(bare) : leaf.checkHost(bare);
  if (named === undefined)
    return (
      `The hub's certificate is not for ${bare} but for ${leaf.subjectAltName}. Use one of these ` +
      "names, or add this one to http.tls.names in site.yaml"
    );
  const now = Date.now();
  if (now < Date.parse(leaf.validFrom) || now > Date.parse(leaf.validTo))
    return (
      `The hub's certificate is good from ${leaf.validFrom} to ${leaf.validTo}, and this machine's ` +
      `clock says ${new Date(now).toISOString()}. Set the clock`
    );
  return undefined;
}

function certificatesOf(
  peer: PeerCertificate & { issuerCertificate?: PeerCertificate },
): X509Certificate[] {
  const found: X509Certificate[] = [];
  // A root is its own issuer, and a chain is never longer than a few.
  for (let one: typeof peer | undefined = peer; one?.raw && found.length < 8; ) {
    found.push(new X509Certificate(one.raw));
    const next: typeof peer | undefined = one.issuerCertificate;
    one = next === one ? undefined : next;
  }
  return found;
}

function keyHash({ publicKey }: X509Certificate): string {
  const der = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("base64url");
}

function reasonIn(text: string): string | undefined {
  const problem = z.object({ detail: z.string() }).safeParse(jsonOf(text));
  // What another machine says goes to a terminal: no control characters.
  return problem.success ? problem.data.detail.replace(/\p{Cc}/gu, " ").slice(0, 500) : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
