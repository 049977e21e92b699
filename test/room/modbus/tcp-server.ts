import { createServer, type Server, type Socket } from "node:net";
import { closeServer, listen } from "../wire/listen.ts";
import { EXCEPTION } from "./bank.ts";
import { type ModbusDevice, refusal, type Wait } from "./device.ts";

const HEADER = 7;
/** Longest application data unit over TCP, in bytes. */
const FRAME_MAX = 260;

export interface ModbusTcpServer {
  port: number;
  close(): Promise<void>;
}

/**
 * A Modbus TCP listener on loopback with one unit, or several behind a gateway. Requests of a connection
 * are answered one after another; a unit that is not there gives exception 11.
 */
export async function startModbusTcp(
  devices: readonly ModbusDevice[],
  port: number,
  wait: Wait,
): Promise<ModbusTcpServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    // A peer that resets the connection is an everyday thing; "close" follows.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    converse(socket, devices, wait).catch(() => socket.destroy());
  });
  const bound = await listen(server, port);
  return { port: bound, close: () => closeServer(server, sockets) };
}

async function converse(socket: Socket, devices: readonly ModbusDevice[], wait: Wait) {
  let pending = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER) {
      const length = 6 + pending.readUInt16BE(4);
      // Not Modbus: a real device drops the connection too.
      if (pending.readUInt16BE(2) !== 0 || length <= HEADER || length > FRAME_MAX) {
        socket.destroy();
        return;
      }
      if (pending.length < length) break;
      await serve(socket, pending.subarray(0, length), { devices, wait });
      if (socket.destroyed) return;
      pending = pending.subarray(length);
    }
  }
}

async function serve(
  socket: Socket,
  request: Buffer,
  { devices, wait }: { devices: readonly ModbusDevice[]; wait: Wait },
): Promise<void> {
  const unit = request[6]!;
  const device = devices.find((candidate) => candidate.unit === unit);
  const pdu = request.subarray(HEADER);
  if (!device) {
    socket.write(framed(request, refusal(pdu[0]!, EXCEPTION.gatewayTarget)));
    return;
  }
  const fault = device.fault;
  if (fault?.kind === "silent") return;
  if (fault?.kind === "late") await wait(fault.delayMs);
  const reply = framed(request, device.answer(pdu));
  if (fault?.kind === "close") {
    socket.write(reply.subarray(0, reply.length >> 1), () => socket.resetAndDestroy());
  } else if (fault?.kind === "garbage") socket.write(reply.map((byte, i) => byte ^ (0xa5 + i)));
  else if (!socket.destroyed) socket.write(reply);
}

function framed(request: Buffer, pdu: Uint8Array): Buffer {
  const frame = Buffer.alloc(HEADER + pdu.length);
  request.copy(frame, 0, 0, 4);
  frame.writeUInt16BE(1 + pdu.length, 4);
  frame[6] = request[6]!;
  frame.set(pdu, HEADER);
  return frame;
}
