import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";

export interface LineServer {
  port: number;
  /** Lines received, in order. */
  seen: string[];
  /** Writes a line to every client. */
  send(line: string): void;
  /** Cuts every connection. */
  cut(): void;
  close(): Promise<void>;
}

/** A TCP server of text lines; `answer` returns the reply, or undefined to stay silent. */
export async function lineServer(
  answer: (line: string) => string | undefined,
): Promise<LineServer> {
  const sockets = new Set<Socket>();
  const seen: string[] = [];
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    let rest = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        seen.push(line);
        const reply = answer(line);
        if (reply !== undefined) socket.write(`${reply}\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    send: (line) => {
      for (const socket of sockets) socket.write(`${line}\n`);
    },
    cut,
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Waits for something to become true, for at most five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUp = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > giveUp) throw new Error("it did not happen within 5 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
