import type { GatewayConfig } from "../../config/receiver-config.ts";
import type { OutgoingMessage } from "../channel.ts";
import type { HttpCall } from "../http-call.ts";
import { smsLine } from "./sms-text.ts";

/** What the values of a gateway's fields may hold between braces. */
export const GATEWAY_PLACEHOLDERS = ["to", "text", "key"] as const;

/** The request by which a gateway sends a message to one number. */
export function gatewayRequest(
  { url, encoding, fields, authorization }: GatewayConfig,
  to: string,
  message: OutgoingMessage,
): HttpCall {
  const values: Record<string, string> = { to, text: smsLine(message), key: message.key };
  // One pass, so that a name from a device which looks like a placeholder stays what it is.
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  const filled = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, fill(value)]),
  );
  const isJson = encoding === "json";
  return {
    method: "POST",
    url,
    headers: {
      "content-type": isJson ? "application/json" : "application/x-www-form-urlencoded",
      "idempotency-key": `${message.key}/${to}`,
      ...(authorization !== null && { authorization }),
    },
    body: isJson ? JSON.stringify(filled) : new URLSearchParams(filled).toString(),
  };
}
