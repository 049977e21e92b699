import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export interface Received {
  /** `performance.now()` on arrival. */
  at: number;
  text: string;
}

/** A mail as its reader sees it. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** Of a mail of one plain-text part. */
export function readMail(raw: string): Mail {
  const end = raw.indexOf("\r\n\r\n");
  const head = raw.slice(0, end).replace(/\r\n[ \t]+/g, " ");
  const header = (name: string) =>
    new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
  const subject = header("Subject")
    .replace(/\?= =\?/g, "?==?")
    .replace(/=\?UTF-8\?(Q|B)\?(.*?)\?=/gi, (_, way: string, text: string) =>
      way.toUpperCase() === "B"
        ? Buffer.from(text, "base64").toString()
        : unquoted(text.replaceAll("_", " ")),
    );
  const body = raw.slice(end + 4);
  const way = header("Content-Transfer-Encoding").toLowerCase();
  const text = way === "base64" ? Buffer.from(body, "base64").toString() : unquoted(body, way);
  return { to: header("To"), subject, text };
}

function unquoted(text: string, way = "quoted-printable"): string {
  if (way !== "quoted-printable") return text;
  const bytes = text
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

/** A real SMTP server and a real HTTP server that keep what they are sent. */
export interface Mailbox {
  smtpUrl: string;
  hookUrl: string;
  mails: Received[];
  hooks: Received[];
  close(): Promise<void>;
}

export async function openMailbox(): Promise<Mailbox> {
  const mails: Received[] = [];
  const hooks: Received[] = [];
  const keep = async (into: Received[], stream: AsyncIterable<Buffer>) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    into.push({ at: performance.now(), text: Buffer.concat(chunks).toString() });
  };
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData: (stream, _session, done) => {
      keep(mails, stream).then(() => done(), done);
    },
  });
  smtp.listen(0, "127.0.0.1");
  await once(smtp.server, "listening");
  const http = createServer((request: IncomingMessage, response) => {
    keep(hooks, request).then(
      () => response.writeHead(204).end(),
      () => response.destroy(),
    );
  }).listen(0, "127.0.0.1");
  await once(http, "listening");
  const port = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
  return {
    smtpUrl: `smtp://127.0.0.1:${port(smtp.server)}`,
    hookUrl: `http://127.0.0.1:${port(http)}/hook`,
    mails,
    hooks,
    async close() {
      http.closeAllConnections();
      http.close();
      await new Promise<void>((resolve) => smtp.close(resolve));
    },
  };
}
