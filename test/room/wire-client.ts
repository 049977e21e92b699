import { connect, type Socket } from "node:net";

const ANSWER_MS = 5_000;

/** One connection to the hall's I2C and GPIO wire, as the edge's lowest port sees it. */
export class WireClient {
  readonly #lines: string[] = [];
  readonly #waiting: ((line: string) => void)[] = [];
  #text = "";

  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      const lines = this.#text.split("\n");
      this.#text = lines.pop() ?? "";
      for (const line of lines) {
        const waiting = this.#waiting.shift();
        if (waiting) waiting(line);
        else this.#lines.push(line);
      }
    });
  }

  /** Connects and says which dialect: `i2c i2c-11` or `gpio`. */
  static async open(port: number, hello: string): Promise<WireClient> {
    const socket = connect(port, "127.0.0.1");
    const client = new WireClient(socket);
    const answer = await client.ask(hello);
    if (answer !== "ok") throw new Error(`${hello}: ${answer}`);
    return client;
  }

  /** Lines that came unasked for and were not taken yet. */
  get unread(): readonly string[] {
    return this.#lines;
  }

  ask(request: string): Promise<string> {
    this.socket.write(`${request}\n`);
    return this.next();
  }

  next(): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no answer")), ANSWER_MS);
      this.#waiting.push((answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** One Modbus TCP request, byte for byte; resolves to the reply's bytes, or "closed". */
export function modbusExchange(port: number, requestHex: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let reply = Buffer.alloc(0);
    const finish = (answer: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no reply, got ${reply.toString("hex")}`));
    }, ANSWER_MS);
    socket.on("data", (chunk) => {
      reply = Buffer.concat([reply, chunk]);
      if (reply.length >= 6 && reply.length >= 6 + reply.readUInt16BE(4))
        finish(reply.toString("hex"));
    });
    socket.on("error", () => finish("closed"));
    socket.on("close", () => finish("closed"));
    socket.write(Buffer.from(requestHex, "hex"));
  });
}
