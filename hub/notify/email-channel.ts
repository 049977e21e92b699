import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { createTransport, type SendMailOptions } from "nodemailer";
import type { Clock } from "../../contract/clock.ts";
import type { EmailReceiver } from "../config/hub-config.ts";
import { type Channel, type Outcome, type OutgoingMessage, withDeadline } from "./channel.ts";

const TIMEOUT_MS = 20_000;

export interface EmailDeps {
  clock: Clock;
  timeoutMs?: number;
}

/**
 * Mail by SMTP. Every attempt of one message has the same Message-ID, so that mail systems that
 * see it twice can tell. A password goes only over TLS, except to this machine itself.
 */
export function emailChannel(
  receiver: EmailReceiver,
  { clock, timeoutMs = TIMEOUT_MS }: EmailDeps,
): Channel {
  const { host, port, secure, user, password } = receiver.server;
  const auth = user && password ? { user, pass: password } : undefined;
  const transport = createTransport({
    host,
    port,
    secure,
    ...(auth && { auth, requireTLS: !secure && !isThisMachine(host) }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    kind: "email",
    async send(message) {
      try {
        const info = await withDeadline(clock, timeoutMs, (signal) =>
          transport.sendMail(toMail(receiver, message, signal)),
        );
        const refused: string[] = (info.rejected ?? []).map(String);
        const note = refused.length > 0 ? `refused for ${refused.join(", ")}` : null;
        return { kind: "accepted", note };
      } catch (error) {
        return toOutcome(error as SmtpError);
      }
    },
  };
}

/** The Message-ID of a notification: the same for every attempt. */
export function messageId(key: string, from: string): string {
  const digest = createHash("sha256").update(key).digest("hex").slice(0, 32);
  return `<${digest}@${from.slice(from.lastIndexOf("@") + 1)}>`;
}

function toMail(
  { to, from }: EmailReceiver,
  { key, subject, text, createdAt }: OutgoingMessage,
  signal: AbortSignal,
): SendMailOptions & { signal: AbortSignal } {
  return {
    from,
    to,
    subject,
    text,
    date: new Date(createdAt),
    messageId: messageId(key, from),
    headers: { "Auto-Submitted": "auto-generated", "X-Plenum-Key": key },
    signal,
  };
}

interface SmtpError extends Error {
  code?: string;
  responseCode?: number;
}

/** 5xx is final, except for a failed log-in: that is for the administrator to mend, not this message's end. */
function toOutcome(error: SmtpError): Outcome {
  const why = error.message.replace(/\s+/g, " ").slice(0, 300);
  const final = (error.responseCode ?? 0) >= 500 && error.code !== "EAUTH";
  return { kind: final ? "refused" : "failed", why };
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
