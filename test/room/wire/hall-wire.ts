import { createServer, type Socket } from "node:net";
import type { I2cChip } from "../chips/chip.ts";
import { closeServer, listen } from "./listen.ts";

/** Longest line either side sends; a longer one ends the connection. */
const LINE_MAX = 1_024;
const READ_MAX = 255;
const LINES = 54;
const EREMOTEIO = 121;
const EINVAL = 22;
const ENOENT = 2;

/** One I2C bus: chips by address. A chip that is unplugged is undefined here. */
export interface I2cBus {
  hung: boolean;
  chip(address: number): I2cChip | undefined;
}

export interface HallWireDeps {
  buses: ReadonlyMap<string, I2cBus>;
  /** Present level of an input line; undefined for a line with nothing on it. */
  level(line: number): 0 | 1 | undefined;
}

export interface HallWire {
  port: number;
  /** Looks at every watched line and tells what changed. */
  refresh(): void;
  /** Level last written to an output line. */
  output(line: number): 0 | 1 | undefined;
  close(): Promise<void>;
}

type Reply = string | undefined;

/**
 * I2C and GPIO of the hall on one loopback port, in text lines; the first line of a connection says
 * which: `i2c <bus>` or `gpio`. Failures are `err <errno>`; a hung bus does not answer at all.
 */
export async function startHallWire(deps: HallWireDeps, port: number): Promise<HallWire> {
  const sockets = new Set<Socket>();
  const pins = new Pins(deps);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // A peer that resets the connection is an everyday thing; "close" follows.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      sockets.delete(socket);
      pins.forget(socket);
    });
    converse(socket, deps, pins).catch(() => socket.destroy());
  });
  const bound = await listen(server, port);
  return {
    port: bound,
    refresh: () => pins.refresh(),
    output: (line) => pins.output(line),
    close: () => closeServer(server, sockets),
  };
}

async function converse(socket: Socket, deps: HallWireDeps, pins: Pins): Promise<void> {
  let speak: ((line: string) => Reply) | undefined;
  for await (const line of linesOf(socket)) {
    let reply: Reply;
    if (speak) reply = speak(line);
    else {
      speak = dialect(line, { deps, pins, socket });
      reply = speak ? "ok" : `err ${ENOENT}`;
    }
    if (reply !== undefined) socket.write(`${reply}\n`);
  }
}

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString("latin1");
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    yield* lines.map((line) => line.trim());
    if (text.length > LINE_MAX) return;
  }
}

function dialect(
  line: string,
  { deps, pins, socket }: { deps: HallWireDeps; pins: Pins; socket: Socket },
): ((line: string) => Reply) | undefined {
  if (line === "gpio") return (request) => pins.request(request, socket);
  const bus = line.startsWith("i2c ") ? deps.buses.get(line.slice(4)) : undefined;
  return bus && ((request) => (bus.hung ? undefined : transfer(bus, request)));
}

/** Carries out `w44:2400`, `r44:6` or both in one, and says `ok` with the bytes read, or `err`. */
function transfer(bus: I2cBus, request: string): string {
  const read: string[] = [];
  for (const part of request.split(" ")) {
    const match = /^(w)([0-9a-f]{2}):((?:[0-9a-f]{2})*)$|^(r)([0-9a-f]{2}):(\d{1,3})$/.exec(part);
    if (!match || Number(match[6] ?? 0) > READ_MAX) return `err ${EINVAL}`;
    const chip = bus.chip(Number.parseInt(match[2] ?? match[5] ?? "", 16));
    if (match[1]) {
      if (!chip?.write(Buffer.from(match[3] ?? "", "hex"))) return `err ${EREMOTEIO}`;
    } else {
      const bytes = chip?.read(Number(match[6]));
      if (!bytes) return `err ${EREMOTEIO}`;
      read.push(Buffer.from(bytes).toString("hex"));
    }
  }
  return ["ok", ...read].join(" ");
}

/** GPIO lines: contacts as inputs, whatever is written as outputs. */
class Pins {
  readonly #outputs = new Map<number, 0 | 1>();
  /** Per connection: the level each watched line was last told to have. */
  readonly #watches = new Map<Socket, Map<number, 0 | 1>>();

  constructor(private readonly deps: HallWireDeps) {}

  request(request: string, socket: Socket): string {
    const [verb, number, value] = request.split(" ");
    const line = Number(number);
    if (!Number.isInteger(line) || line < 0 || line >= LINES) return `err ${EINVAL}`;
    if (verb === "read") return `level ${line} ${this.#level(line)}`;
    if (verb === "watch") {
      const level = this.#level(line);
      const told = this.#watches.get(socket) ?? new Map<number, 0 | 1>();
      this.#watches.set(socket, told.set(line, level));
      return `${line} ${level}`;
    }
    if (verb !== "write" || (value !== "0" && value !== "1")) return `err ${EINVAL}`;
    this.#outputs.set(line, value === "1" ? 1 : 0);
    return "ok";
  }

  refresh(): void {
    for (const [socket, told] of this.#watches)
      for (const [line, before] of told) {
        const level = this.#level(line);
        if (level === before) continue;
        told.set(line, level);
        socket.write(`${line} ${level}\n`);
      }
  }

  output(line: number): 0 | 1 | undefined {
    return this.#outputs.get(line);
  }

  forget(socket: Socket): void {
    this.#watches.delete(socket);
  }

  /** An unwired line reads 1 through its pull-up. */
  #level(line: number): 0 | 1 {
    return this.deps.level(line) ?? this.#outputs.get(line) ?? 1;
  }
}
