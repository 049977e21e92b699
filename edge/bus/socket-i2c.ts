import type { Clock } from "../../contract/clock.ts";
import { i2cError } from "./errno.ts";
import { LineSocket } from "./line-socket.ts";
import { DeviceError, type I2cPort } from "./port.ts";
import { turnstile } from "./turn.ts";

/** An adapter answers within a second even when the bus is stuck (the Pi's gives up after one). */
const TRANSFER_MS = 1_500;

/** An I2C bus reached over TCP: one transfer a line, as `w44:2400`, `r44:6` or `w48:00 r48:2`. */
export async function openSocketI2c(deps: {
  host: string;
  port: number;
  /** The bus's name at the other end. */
  bus: string;
  clock: Clock;
}): Promise<I2cPort> {
  const { host, port, bus, clock } = deps;
  const hello = `i2c ${bus}`;
  const lines = await LineSocket.open({ host, port, hello, clock, timeoutMs: TRANSFER_MS });
  const turn = turnstile();

  const transfer = (address: number, line: string, length: number) =>
    turn(async () => {
      const [status, detail = ""] = (await lines.request(line)).split(" ");
      if (status === "err") throw i2cError(Number(detail), address);
      if (status !== "ok" || !/^([0-9a-fA-F]{2})*$/.test(detail))
        throw new DeviceError("bus", `${bus} answered "${status} ${detail}" to "${line}"`);
      const bytes = Uint8Array.from(Buffer.from(detail, "hex"));
      if (bytes.length !== length)
        throw new DeviceError("bus", `${bus} gave ${bytes.length} bytes of ${length}`);
      return bytes;
    });

  return {
    write: async (address, bytes) => {
      await transfer(address, writeText(address, bytes), 0);
    },
    read: (address, length) => transfer(address, readText(address, length), length),
    writeRead: (address, bytes, length) =>
      transfer(address, `${writeText(address, bytes)} ${readText(address, length)}`, length),
    close: () => lines.close(),
  };
}

const hex = (address: number) => address.toString(16).padStart(2, "0");
const writeText = (address: number, bytes: Uint8Array) =>
  `w${hex(address)}:${Buffer.from(bytes).toString("hex")}`;
const readText = (address: number, length: number) => `r${hex(address)}:${length}`;
