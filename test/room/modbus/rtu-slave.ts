import type { Pty } from "../wire/pty.ts";
import type { ModbusDevice, Wait } from "./device.ts";

/** Longest frame on a serial line; whatever does not become a request within it is dropped. */
const FRAME_MAX = 256;

/** Answers for `devices` on a serial line until the line ends. Other units' requests get no answer. */
export async function serveModbusRtu(
  pty: Pty,
  devices: readonly ModbusDevice[],
  wait: Wait,
): Promise<void> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of pty.input) {
    pending = Buffer.concat([pending, chunk]).subarray(-FRAME_MAX);
    for (;;) {
      const found = nextRequest(pending);
      pending = found.rest;
      if (!found.request) break;
      const reply = await answer(found.request, devices, wait);
      if (reply) pty.write(reply);
    }
  }
}

async function answer(
  request: Buffer,
  devices: readonly ModbusDevice[],
  wait: Wait,
): Promise<Uint8Array | undefined> {
  const device = devices.find(({ unit }) => unit === request[0]);
  if (!device || device.fault?.kind === "silent") return undefined;
  const { fault } = device;
  if (fault?.kind === "late") await wait(fault.delayMs);
  const body = Buffer.concat([request.subarray(0, 1), device.answer(request.subarray(1, -2))]);
  const frame = Buffer.concat([body, crcBytes(body)]);
  if (fault?.kind === "garbage") return frame.map((byte, i) => byte ^ (0xa5 + i));
  if (fault?.kind === "crc") frame[frame.length - 1]! ^= 0xff;
  return frame;
}

/** The first whole request in `bytes`. Leading bytes that cannot begin one are noise and skipped. */
function nextRequest(bytes: Buffer): { request?: Buffer; rest: Buffer } {
  for (let start = 0; start < bytes.length; start += 1) {
    const rest = bytes.subarray(start);
    const length = requestLength(rest);
    if (length === undefined || rest.length < length) continue;
    const request = rest.subarray(0, length);
    if (crcBytes(request.subarray(0, -2)).equals(request.subarray(-2)))
      return { request, rest: rest.subarray(length) };
  }
  return { rest: bytes };
}

/** Undefined while the byte that tells the length of a multiple write has not come. */
function requestLength(bytes: Buffer): number | undefined {
  const fc = bytes[1];
  if (fc !== 15 && fc !== 16) return 8;
  return bytes[6] === undefined ? undefined : 9 + bytes[6];
}

/** CRC-16 of Modbus (polynomial 0xA001, initial 0xFFFF) in the order it travels: low byte first. */
export function crcBytes(bytes: Uint8Array): Buffer {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return Buffer.from([crc & 0xff, crc >>> 8]);
}
