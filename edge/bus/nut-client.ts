import { connect, type Socket } from "node:net";
import type { Clock } from "../../contract/clock.ts";
import type { BadReason } from "../../contract/reading.ts";
import { withDeadline } from "./deadline.ts";
import { quoted, words } from "./nut-text.ts";
import { type NutTls, throughTls } from "./nut-tls.ts";
import { DeviceError, type Port } from "./port.ts";
import { turnstile } from "./turn.ts";

const CONNECT_MS = 3_000;
const ANSWER_MS = 3_000;
/** The longest line taken; upsd's own are under 1 KB. */
const MAX_LINE = 8 * 1024;
/** The most variables of one UPS taken; the largest outlet strips have a few hundred. */
const MAX_VARIABLES = 2_000;

/** A connection to an `upsd`. Every method throws `DeviceError`; after "bus" the connection is gone. */
export interface NutPort extends Port {
  /** Every variable of one UPS. "no-answer" while upsd has lost it, "refused" when it does not know it. */
  list(ups: string): Promise<Map<string, string>>;
  /** One variable. "unsupported" when this UPS has none of that name. */
  get(ups: string, variable: string): Promise<string>;
  /** Names of the UPSes with their descriptions. */
  units(): Promise<Map<string, string>>;
}

export interface NutLogin {
  user: string;
  password: string;
}

/** What upsd's `ERR` words mean for a reading; every other one is a refusal. */
const ERROR_REASONS: Record<string, BadReason> = {
  "DATA-STALE": "no-answer",
  "DRIVER-NOT-CONNECTED": "no-answer",
  "VAR-NOT-SUPPORTED": "unsupported",
};
const HELP: Record<string, string> = {
  "DATA-STALE": "its driver has lost the UPS",
  "DRIVER-NOT-CONNECTED": "its driver does not run",
  "UNKNOWN-UPS": "no UPS of this name in ups.conf",
  "ACCESS-DENIED": "user, password or address not allowed",
  "INVALID-USERNAME": "user not allowed",
  "INVALID-PASSWORD": "password not allowed",
  "FEATURE-NOT-CONFIGURED": "it has no certificate: see CERTFILE or CERTPATH in upsd.conf",
};

export type { NutTls };

/** Connects to upsd, by TLS when that is wanted, and then logs in when there is a login. */
export async function openNutClient(deps: {
  host: string;
  port: number;
  clock: Clock;
  login?: NutLogin;
  tls?: NutTls;
}): Promise<NutPort> {
  const client = await NutConnection.open(deps);
  const turn = turnstile();
  try {
    if (deps.tls) await client.secure(deps.tls);
    if (deps.login) {
      await client.ask(`USERNAME ${quoted(deps.login.user)}`, "USERNAME");
      await client.ask(`PASSWORD ${quoted(deps.login.password)}`, "PASSWORD");
    }
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    list: (ups) =>
      turn(async () => {
        const rows = await client.list(`LIST VAR ${quoted(ups)}`, ["VAR", ups]);
        return new Map(rows.map(([name = "", value = ""]) => [name, value]));
      }),
    get: (ups, variable) =>
      turn(async () => {
        const question = `GET VAR ${quoted(ups)} ${quoted(variable)}`;
        const [kind, of, name, value] = await client.ask(question, question);
        if (kind === "VAR" && of === ups && name === variable && value !== undefined) return value;
        throw client.misunderstood(question);
      }),
    units: () =>
      turn(async () => {
        const rows = await client.list("LIST UPS", ["UPS"]);
        return new Map(rows.map(([name = "", label = ""]) => [name, label]));
      }),
    close: () => client.close(),
  };
}

class NutConnection {
  #socket: Socket;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #name: string;
  #received = "";
  #onLine: ((line: string) => void) | undefined;
  #onEnd: ((error: DeviceError) => void) | undefined;

  private constructor(
    socket: Socket,
    clock: Clock,
    { host, port }: { host: string; port: number },
  ) {
    this.#clock = clock;
    this.#host = host;
    this.#name = nameOf(host, port);
    this.#socket = this.#use(socket);
  }

  #use(socket: Socket): Socket {
    const decoder = new TextDecoder();
    socket.on("data", (bytes: Buffer) => this.#onText(decoder.decode(bytes, { stream: true })));
    // The "close" that follows every "error" settles what waits.
    socket.on("error", () => undefined);
    socket.on("close", () =>
      this.#onEnd?.(new DeviceError("bus", `${this.#name} closed the connection`)),
    );
    return socket;
  }

  /** Nothing that follows can be read or changed on the way. What came before is not trusted. */
  async secure(tls: NutTls): Promise<void> {
    await this.ask("STARTTLS", "STARTTLS");
    const plain = this.#socket;
    plain.removeAllListeners("data");
    this.#received = "";
    const { host, name, clock } = { host: this.#host, name: this.#name, clock: this.#clock };
    this.#socket = this.#use(await throughTls(plain, { ...tls, host, name, clock }));
  }

  static async open(deps: { host: string; port: number; clock: Clock }): Promise<NutConnection> {
    const { host, port, clock } = deps;
    const name = nameOf(host, port);
    const socket = connect({ host, port });
    const connected = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", ({ message }) => reject(new DeviceError("bus", `${name}: ${message}`)));
    });
    try {
      const late = () => new DeviceError("bus", `${name} did not accept within ${CONNECT_MS} ms`);
      await withDeadline(connected, CONNECT_MS, clock, late);
      return new NutConnection(socket, clock, { host, port });
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** One request with one line of answer, as words. `shown` stands for the request in errors. */
  async ask(request: string, shown: string): Promise<string[]> {
    const [answer] = await this.#exchange(request, shown, () => true);
    return this.#accepted(answer ?? "", shown);
  }

  /** A list: the rows between BEGIN and END, each without the words in `head`. */
  async list(request: string, head: string[]): Promise<string[][]> {
    const isLast = (line: string, count: number) =>
      count === 1 ? !line.startsWith("BEGIN LIST") : line.startsWith("END LIST");
    const lines = await this.#exchange(request, request, isLast);
    if (lines.length === 1) {
      this.#accepted(lines[0] ?? "", request);
      throw this.misunderstood(request);
    }
    return lines.slice(1, -1).map((line) => {
      const row = words(line);
      if (head.some((word, at) => row[at] !== word)) throw this.misunderstood(request);
      return row.slice(head.length);
    });
  }

  /** An answer that is no answer to the question: nothing that follows could be trusted. */
  misunderstood(request: string): DeviceError {
    this.#socket.destroy();
    return new DeviceError("bus", `${this.#name} answered something else to ${request}`);
  }

  async close(): Promise<void> {
    if (this.#socket.closed) return;
    const gone = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.destroy();
    await gone;
  }

  #accepted(answer: string, shown: string): string[] {
    const [kind, code = "", ...rest] = words(answer);
    if (kind !== "ERR") return [kind ?? "", code, ...rest];
    const help = HELP[code] ? ` (${HELP[code]})` : "";
    throw new DeviceError(
      ERROR_REASONS[code] ?? "refused",
      `${this.#name} answered ${code} to ${shown}${help}`,
    );
  }

  /** Sends a line and gathers lines until `isLast`. Cuts the connection when no or too much comes. */
  async #exchange(
    request: string,
    shown: string,
    isLast: (line: string, count: number) => boolean,
  ): Promise<string[]> {
    if (this.#socket.destroyed) throw new DeviceError("bus", `${this.#name} is not connected`);
    const lines: string[] = [];
    const answer = new Promise<string[]>((resolve, reject) => {
      this.#onEnd = reject;
      this.#onLine = (line) => {
        lines.push(line);
        if (isLast(line, lines.length)) {
          this.#onLine = undefined;
          resolve(lines);
        } else if (lines.length > MAX_VARIABLES + 2) this.#socket.destroy();
      };
    });
    const late = () => {
      // A late answer would be taken for the answer to the next question.
      this.#socket.destroy();
      return new DeviceError("bus", `${this.#name} did not answer ${shown} within ${ANSWER_MS} ms`);
    };
    try {
      this.#socket.write(`${request}\n`);
      return await withDeadline(answer, ANSWER_MS, this.#clock, late);
    } finally {
      this.#onLine = undefined;
      this.#onEnd = undefined;
    }
  }

  #onText(text: string): void {
    this.#received += text;
    const lines = this.#received.split("\n");
    this.#received = lines.pop() ?? "";
    if (this.#received.length > MAX_LINE) this.#socket.destroy();
    for (const line of lines) this.#onLine?.(line.replace(/\r$/, ""));
  }
}

const nameOf = (host: string, port: number) => `upsd on ${host}:${port}`;
