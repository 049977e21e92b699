import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export interface Received {
  /** `performance.now()` on arrival. */
  at: number;
  text: string;
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
