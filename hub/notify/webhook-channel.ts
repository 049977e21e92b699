import { createHmac } from "node:crypto";
import { lookup as systemLookup } from "node:dns";
import {
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
} from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { Clock } from "../../contract/clock.ts";
import type { WebhookReceiver } from "../config/hub-config.ts";
import { isRefusedTarget, refusedAddress } from "./address-guard.ts";
import { type Channel, type Outcome, type OutgoingMessage, withDeadline } from "./channel.ts";

const TIMEOUT_MS = 5_000;
/** The most of an answer that is read; only its status matters. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Busy, too early, too many, or the same key still in progress. */
const TEMPORARY = new Set([408, 409, 425, 429]);

export interface WebhookDeps {
  clock: Clock;
  timeoutMs?: number;
  /** How names become addresses; every address is checked before it is connected to. */
  lookup?: typeof systemLookup;
}

class RefusedTarget extends Error {}

/**
 * JSON by HTTP POST, with `Idempotency-Key`, and with `X-Plenum-Signature: sha256=<hex>`, the
 * HMAC-SHA256 of `<X-Plenum-Timestamp>.<body>`, when the receiver has a secret. Redirects are not
 * followed. Uses node:http, not fetch, because only there the address that was checked is the address
 * connected to.
 */
export function webhookChannel(
  receiver: WebhookReceiver,
  { clock, timeoutMs = TIMEOUT_MS, lookup = systemLookup }: WebhookDeps,
): Channel {
  const url = new URL(receiver.url);
  const guard = guardedLookup(lookup, receiver.allowPrivate);
  return {
    kind: "webhook",
    async send(message) {
      const refused = isRefusedTarget(url.hostname, receiver.allowPrivate);
      if (refused) return { kind: "refused", why: refused };
      const body = JSON.stringify({ key: message.key, ...message.data });
      const headers = headersOf(message, body, receiver.secret, clock.nowMs());
      try {
        const status = await withDeadline(clock, timeoutMs, (signal) =>
          post(url, { method: "POST", headers, signal, agent: false, lookup: guard }, body),
        );
        return toOutcome(status);
      } catch (error) {
        const { message: why } = error as Error;
        return { kind: error instanceof RefusedTarget ? "refused" : "failed", why };
      }
    },
  };
}

function headersOf(
  { key }: OutgoingMessage,
  body: string,
  secret: string | null,
  nowMs: number,
): OutgoingHttpHeaders {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signature =
    secret === null
      ? {}
      : { "x-plenum-signature": `sha256=${signatureOf(secret, timestamp, body)}` };
  return {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "user-agent": "plenum-hub",
    "idempotency-key": key,
    "x-plenum-timestamp": timestamp,
    ...signature,
  };
}

/** Hex HMAC-SHA256 of `<timestamp>.<body>`; the receiver computes it again to know who speaks. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
}

function post(url: URL, options: RequestOptions, body: string): Promise<number> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (answer) => {
      discard(answer);
      resolve(answer.statusCode ?? 0);
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

/** Reads what is left of an answer and throws it away, so that the sender is not cut off mid-way. */
function discard(answer: IncomingMessage): void {
  let bytes = 0;
  answer.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) answer.destroy();
  });
  answer.setTimeout(TIMEOUT_MS, () => answer.destroy());
  answer.on("error", () => answer.destroy());
}

function toOutcome(status: number): Outcome {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  if (status >= 300 && status < 400)
    return { kind: "refused", why: `answered ${status}, a redirect, which is not followed` };
  const temporary = status >= 500 || TEMPORARY.has(status) || status < 200;
  return { kind: temporary ? "failed" : "refused", why: `answered ${status}` };
}

/** A look-up that fails when any address of the name may not be connected to. */
function guardedLookup(lookup: typeof systemLookup, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "");
      const refused = addresses
        .map(({ address }) => refusedAddress(address, allowPrivate))
        .find((why) => why !== undefined);
      const [first] = addresses;
      if (refused || !first) {
        const why = refused ? `${hostname}: ${refused}` : `${hostname} has no address`;
        return callback(new RefusedTarget(why), "");
      }
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
