import { createHmac } from "node:crypto";
import type { WebhookReceiver } from "../config/hub-config.ts";
import type { Channel, OutgoingMessage } from "./channel.ts";
import { answerOutcome, callFailure, type HttpCall, type HttpDeps, httpCall } from "./http-call.ts";
import { postOf } from "./templates/template.ts";
import { ticketSystemOf } from "./templates/ticket.ts";
import { fileTicket } from "./templates/ticket-desk.ts";

export type WebhookDeps = HttpDeps;

/**
 * A message by HTTP: in the form of a service when the receiver names one, else as JSON by POST, with
 * `Idempotency-Key`, and with `X-Plenum-Signature: sha256=<hex>`, the HMAC-SHA256 of
 * `<X-Plenum-Timestamp>.<body>`, when the receiver has a secret.
 */
export function webhookChannel(receiver: WebhookReceiver, deps: WebhookDeps): Channel {
  const { template, allowPrivate } = receiver;
  const call = (request: HttpCall) => httpCall(request, allowPrivate, deps);
  const tickets = template && ticketSystemOf(template, receiver.url);
  return {
    kind: "webhook",
    async send(message) {
      try {
        if (tickets) return await fileTicket(tickets, message, call);
        const posted = template
          ? postOf(template, receiver.url, message)
          : ownForm(receiver, message, deps.clock.nowMs());
        return answerOutcome(await call(posted));
      } catch (error) {
        return callFailure(error);
      }
    },
  };
}

function ownForm(
  { url, secret }: WebhookReceiver,
  { key, data }: OutgoingMessage,
  nowMs: number,
): HttpCall {
  const body = JSON.stringify({ key, ...data });
  const timestamp = String(Math.floor(nowMs / 1_000));
  const headers = {
    "content-type": "application/json",
    "idempotency-key": key,
    "x-plenum-timestamp": timestamp,
    ...(secret !== null && {
      "x-plenum-signature": `sha256=${signatureOf(secret, timestamp, body)}`,
    }),
  };
  return { method: "POST", url, headers, body };
}

/** Hex HMAC-SHA256 of `<timestamp>.<body>`; the receiver computes it again to know who speaks. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
}
