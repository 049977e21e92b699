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
import { isRefusedTarget, refusedAddress } from "./address-guard.ts";
import { type Outcome, withDeadline } from "./channel.ts";

const TIMEOUT_MS = 5_000;
/** The most of an answer that is read; what is beyond it is cut off. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Busy, too early, too many, or the same key still in progress. */
const TEMPORARY = new Set([408, 409, 425, 429]);

export interface HttpCall {
  method: "GET" | "POST" | "PUT" | "PATCH";
  url: string;
  headers: Record<string, string>;
  body?: string;
}
export interface HttpAnswer {
  status: number;
  body: string;
}

export interface HttpDeps {
  clock: Clock;
  timeoutMs?: number;
  /** How names become addresses; every address is checked before it is connected to. */
  lookup?: typeof systemLookup;
}

/** The address may not be connected to; nothing was sent. */
export class RefusedTarget extends Error {}

/**
 * One HTTP request to where the operator allows. Redirects are not followed. Uses node:http, not fetch,
 * because only there the address that was checked is the address connected to.
 */
export async function httpCall(
  { method, url: target, headers, body = "" }: HttpCall,
  allowPrivate: boolean,
  { clock, timeoutMs = TIMEOUT_MS, lookup = systemLookup }: HttpDeps,
): Promise<HttpAnswer> {
  const url = new URL(target);
  const refused = isRefusedTarget(url.hostname, allowPrivate);
  if (refused) throw new RefusedTarget(refused);
  const sent: OutgoingHttpHeaders = { ...headers, "user-agent": "plenum-hub" };
  if (method !== "GET") sent["content-length"] = String(Buffer.byteLength(body));
  const guard = guardedLookup(lookup, allowPrivate);
  return withDeadline(clock, timeoutMs, (signal) =>
    exchange(url, { method, headers: sent, signal, agent: false, lookup: guard }, body),
  );
}

/** What a call that did not come to an answer means. */
export function callFailure(error: unknown): Outcome {
  const why = (error as Error).message;
  return { kind: error instanceof RefusedTarget ? "refused" : "failed", why };
}

/** What a service's answer means for the message. */
export function answerOutcome({ status }: HttpAnswer): Outcome {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  if (status >= 300 && status < 400)
    return { kind: "refused", why: `answered ${status}, a redirect, which is not followed` };
  const temporary = status >= 500 || TEMPORARY.has(status) || status < 200;
  return { kind: temporary ? "failed" : "refused", why: `answered ${status}` };
}

function exchange(url: URL, options: RequestOptions, body: string): Promise<HttpAnswer> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (answer) => {
      const status = answer.statusCode ?? 0;
      collect(answer).then((text) => resolve({ status, body: text }));
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

/** The first part of an answer; one that breaks off or dawdles ends there, its status counts all the same. */
function collect(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    const done = () => resolve(Buffer.concat(chunks).toString("utf8"));
    answer.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) answer.destroy();
      else chunks.push(chunk);
    });
    answer.on("error", () => answer.destroy());
    answer.once("close", done);
  });
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
