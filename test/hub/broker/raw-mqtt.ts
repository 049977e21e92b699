import { connect, type Socket } from "node:net";

/** A socket that speaks MQTT byte by byte, for what no client library would send. */
export interface RawClient {
  socket: Socket;
  send(...bytes: (Buffer | number[])[]): void;
  /** Resolves with all bytes received once at least `length` are there. */
  received(length: number): Promise<Buffer>;
  /** Resolves when the broker has ended the connection. */
  ended: Promise<void>;
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect(port, "127.0.0.1");
  let bytes = Buffer.alloc(0);
  let check: () => void = () => undefined;
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    check();
  });
  // The broker resets connections it does not want; the end is what a test waits for.
  socket.on("error", () => socket.destroy());
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return {
    socket,
    ended,
    send: (...parts) => {
      socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
    },
    received: (length) =>
      new Promise((resolve, reject) => {
        check = () => {
          if (bytes.length >= length) resolve(bytes);
        };
        check();
        void ended.then(() => reject(new Error(`ended after ${bytes.length} of ${length} bytes`)));
      }),
  };
}

/** MQTT 3.1.1 CONNECT, clean session. */
export function connectPacket(clientId: string, keepaliveS = 30): Buffer {
  const id = text(clientId);
  const body = Buffer.concat([
    text("MQTT"),
    Buffer.from([4, 2, keepaliveS >> 8, keepaliveS & 255]),
    id,
  ]);
  return Buffer.concat([Buffer.from([0x10]), variableLength(body.length), body]);
}

/** PUBLISH with QoS 0; the topic may be any bytes. */
export function publishPacket(topic: Buffer, payload = Buffer.from("{}")): Buffer {
  const body = Buffer.concat([
    Buffer.from([topic.length >> 8, topic.length & 255]),
    topic,
    payload,
  ]);
  return Buffer.concat([Buffer.from([0x30]), variableLength(body.length), body]);
}

/** The length field of an MQTT packet, of one to four bytes. */
export function variableLength(length: number): Buffer {
  const bytes: number[] = [];
  let left = length;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low | 128 : low);
  } while (left > 0);
  return Buffer.from(bytes);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}
