import { connect, type Socket } from "node:net";
import type { Clock } from "../../contract/clock.ts";
import { withDeadline } from "./deadline.ts";
import { DeviceError } from "./port.ts";

const CONNECT_MS = 3_000;
/** The longest line either side sends; a peer that sends more is cut off. */
const MAX_LINE = 64 * 1024;

export interface LineSocketOptions {
  host: string;
  port: number;
  /** First line sent; the peer answers `ok`. */
  hello: string;
  clock: Clock;
  timeoutMs: number;
  /** Sees every line first; true means it was no answer to a request. */
  onNotice?: (line: string) => boolean;
}

/**
 * Text lines over TCP, one request and one answer at a time. After a missing answer the connection is
 * cut, because a late one would be taken for the answer to the next request.
 */
export class LineSocket {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #options: LineSocketOptions;
  #received = "";
  #waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket, options: LineSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setEncoding("latin1");
    socket.setNoDelay(true);
    socket.on("data", (text: string) => this.#onText(text));
    // The "close" that follows every "error" settles what waits.
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#waiting?.reject(new DeviceError("bus", `${this.#name} closed the connection`));
        resolve();
      });
    });
  }

  static async open(options: LineSocketOptions): Promise<LineSocket> {
    const { host, port, clock } = options;
    const socket = connect({ host, port });
    const connected = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error) => reject(new DeviceError("bus", error.message)));
    });
    const late = () => new DeviceError("bus", `${host}:${port} did not accept within 3 s`);
    try {
      await withDeadline(connected, CONNECT_MS, clock, late);
      const lines = new LineSocket(socket, options);
      const answer = await lines.request(options.hello);
      if (answer !== "ok")
        throw new DeviceError("bus", `${host}:${port} refused "${options.hello}": ${answer}`);
      return lines;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** Sends one line and resolves with the next answer. Throws `DeviceError` "bus". */
  request(line: string): Promise<string> {
    return this.#exchange(
      line,
      new Promise<string>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      }),
    );
  }

  /** Sends one line whose answer is a notice; `seen` resolves when `onNotice` has it. */
  async requestNotice(line: string, seen: Promise<void>): Promise<void> {
    const refused = new Promise<never>((_, reject) => {
      const refuse = (answer: string) =>
        reject(new DeviceError("bus", `${this.#name} answered "${answer}" to "${line}"`));
      this.#waiting = { resolve: refuse, reject };
    });
    await this.#exchange(line, Promise.race([seen, refused]));
  }

  async #exchange<T>(line: string, answer: Promise<T>): Promise<T> {
    const { timeoutMs, clock } = this.#options;
    const late = () => {
      this.#socket.destroy();
      return new DeviceError(
        "bus",
        `${this.#name} did not answer "${line}" within ${timeoutMs} ms`,
      );
    };
    try {
      if (this.#socket.destroyed) throw new DeviceError("bus", `${this.#name} is not connected`);
      this.#socket.write(`${line}\n`);
      return await withDeadline(answer, timeoutMs, clock, late);
    } finally {
      this.#waiting = undefined;
    }
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  get #name(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  #onText(text: string): void {
    this.#received += text;
    const lines = this.#received.split("\n");
    this.#received = lines.pop() ?? "";
    if (this.#received.length > MAX_LINE) this.#socket.destroy();
    for (const line of lines.map((raw) => raw.trim()))
      if (!this.#options.onNotice?.(line)) this.#waiting?.resolve(line);
  }
}
