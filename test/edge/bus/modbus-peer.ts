import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";

/** What a device does with one request: answer with these registers or bits, refuse, or worse. */
export type Reply =
  | { registers: number[] }
  | { bits: boolean[] }
  | { exception: number }
  | { silent: true }
  /** Serial only: the answer comes when the test says so. */
  | { later: number[] }
  | { raw: (frame: Buffer) => Buffer[] };

export interface Question {
  unit: number;
  fc: number;
  address: number;
  count: number;
}

export interface Peer {
  questions: Question[];
  /** The same, as they came over the wire, and when. */
  frames: { bytes: Buffer; atMs: number }[];
  /** Connections so far; a serial line has one. */
  connections(): number;
  /** Sends every answer held back by `later`. */
  flush(): void;
  /** Ends the connection or the line, as pulling the cable does. */
  cut(): void;
  close(): Promise<void>;
}

export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

function pdu({ fc }: Question, reply: Reply): number[] | undefined {
  if ("exception" in reply) return [fc | 0x80, reply.exception];
  if ("bits" in reply) {
    const bytes: number[] = Array(Math.ceil(reply.bits.length / 8)).fill(0);
    reply.bits.forEach((bit, i) => {
      if (bit) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
    });
    return [fc, bytes.length, ...bytes];
  }
  const words = "registers" in reply ? reply.registers : "later" in reply ? reply.later : undefined;
  return words && [fc, words.length * 2, ...words.flatMap((word) => [word >> 8, word & 0xff])];
}

const questionOf = (bytes: Buffer): Question => ({
  unit: bytes[0] ?? 0,
  fc: bytes[1] ?? 0,
  address: bytes.readUInt16BE(2),
  count: bytes.readUInt16BE(4),
});

/** A Modbus TCP device, on a free port when none is named. */
export async function tcpPeer(
  device: (question: Question) => Reply,
  port = 0,
): Promise<Peer & { port: number }> {
  const questions: Question[] = [];
  const frames: Peer["frames"] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", (data) => {
      const header = data.subarray(0, 4);
      const question = questionOf(data.subarray(6));
      questions.push(question);
      frames.push({ bytes: Buffer.from(data), atMs: performance.now() });
      const reply = device(question);
      const body = pdu(question, "raw" in reply ? { registers: [1] } : reply);
      if (!body) return;
      const size = Buffer.from([0, body.length + 1, question.unit]);
      const frame = Buffer.concat([header, size, Buffer.from(body)]);
      for (const part of "raw" in reply ? reply.raw(frame) : [frame]) socket.write(part);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    questions,
    frames,
    connections: () => sockets.size,
    flush: () => undefined,
    cut,
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A Modbus RTU device at the other end of a pseudo-terminal, which `script` makes. */
export async function rtuPeer(
  device: (question: Question) => Reply,
): Promise<Peer & { path: string }> {
  const child = spawn("script", ["-qefc", "stty raw -echo; tty; exec sleep 3600", "/dev/null"]);
  const path = await firstLine(child);
  const questions: Question[] = [];
  const frames: Peer["frames"] = [];
  const held: Buffer[] = [];
  let received = Buffer.alloc(0);
  child.stdout.on("data", (data: Buffer) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 8) {
      const request = received.subarray(0, 8);
      received = received.subarray(8);
      const question = questionOf(request);
      questions.push(question);
      frames.push({ bytes: Buffer.from(request), atMs: performance.now() });
      const reply = device(question);
      const body = pdu(question, "raw" in reply ? { registers: [1] } : reply);
      if (!body) continue;
      const frame = seal(Buffer.from([question.unit, ...body]));
      if ("later" in reply) held.push(frame);
      else for (const part of "raw" in reply ? reply.raw(frame) : [frame]) child.stdin.write(part);
    }
  });
  const cut = () => child.kill("SIGKILL");
  return {
    path,
    questions,
    frames,
    connections: () => 1,
    flush: () => {
      for (const frame of held.splice(0)) child.stdin.write(frame);
    },
    cut,
    close: async () => {
      const over = new Promise((resolve) => child.once("close", resolve));
      if (child.exitCode !== null || child.signalCode !== null) return;
      cut();
      await over;
    },
  };
}

export function seal(bytes: Buffer): Buffer {
  const crc = crc16(bytes);
  return Buffer.concat([bytes, Buffer.from([crc & 0xff, crc >> 8])]);
}

function firstLine(child: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (data: Buffer) => {
      text += data.toString("latin1");
      if (!text.includes("\n")) return;
      child.stdout.off("data", onData);
      resolve(text.trim());
    };
    child.stdout.on("data", onData);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`script ended: ${text}`)));
  });
}
