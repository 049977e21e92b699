import { createServer, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { SMTPServer } from "smtp-server";

/** How a stand-in for the other side answers. */
export type Manner = "accept" | "refuse" | "busy" | "hang";

export interface Received {
  key: string;
  body: string;
  headers: IncomingHttpHeaders;
}

export interface Other {
  port: number;
  manner: Manner;
  /** What it took, or began to take, in order. */
  received: Received[];
  close(): Promise<void>;
}

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

/** A real HTTP server on loopback. */
export async function httpOther(statusOf: (manner: Manner) => number): Promise<Other> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      const key = String(request.headers["idempotency-key"]);
      other.received.push({ key, body, headers: request.headers });
      if (other.manner === "hang") return;
      response.writeHead(statusOf(other.manner), { location: "http://127.0.0.1:1/" }).end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const other: Other = {
    port: portOf(server),
    manner: "accept",
    received: [],
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return other;
}

/** A real SMTP server on loopback. It hangs, when told to, only after it has the whole message. */
export async function smtpOther(): Promise<Other> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    logger: false,
    onRcptTo({ address }, _session, callback) {
      const code = address.startsWith("gone@") || other.manner === "refuse" ? 550 : undefined;
      if (!code) return callback();
      callback(Object.assign(new Error("no such mailbox"), { responseCode: code }));
    },
    onData(stream, _session, callback) {
      let body = "";
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        body += chunk;
      });
      stream.on("end", () => {
        const key = /^X-Plenum-Key: (.*?)\r?$/m.exec(body)?.[1] ?? "";
        other.received.push({ key, body, headers: {} });
        if (other.manner === "hang") return;
        if (other.manner === "accept") return callback();
        callback(Object.assign(new Error("try later"), { responseCode: 451 }));
      });
    },
  });
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const other: Other = {
    port: portOf(server.server),
    manner: "accept",
    received: [],
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return other;
}

/** A port that accepts connections and never says a word. */
export const silentOther = () => tcpOther(() => undefined);

/** A mail server whose answer to the first command goes on and on. */
export const tricklingOther = () =>
  tcpOther((socket) => {
    socket.write("220 mail\r\n");
    socket.once("data", () => {
      const timer = setInterval(() => socket.write("250-AND\r\n"), 20);
      socket.once("close", () => clearInterval(timer));
    });
  });

async function tcpOther(
  greet: (socket: Socket) => void,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(server),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
