import type { Clock } from "../../contract/clock.ts";
import { blockingCall, refuseIfBusy } from "./blocking.ts";
import { errorCode, i2cError } from "./errno.ts";
import { DeviceError, type I2cPort } from "./port.ts";
import { turnstile } from "./turn.ts";

/** The kernel's own limit is one second; a call that takes longer hangs in the driver. */
const TRANSFER_MS = 2_500;
/** SMBus block reads carry at most 32 bytes. */
const MAX_BLOCK = 32;
/** Errors of one transfer; after any other the package's file handle for the address is not to be trusted. */
const TRANSFER_ERRORS = ["EREMOTEIO", "ENXIO", "ETIMEDOUT", "EIO", "EAGAIN"];

/** The part of the package i2c-bus that is used here; it comes without types. */
export interface PromisifiedBus {
  i2cRead(address: number, length: number, buffer: Buffer): Promise<{ bytesRead: number }>;
  i2cWrite(address: number, length: number, buffer: Buffer): Promise<{ bytesWritten: number }>;
  readI2cBlock(
    address: number,
    command: number,
    length: number,
    buffer: Buffer,
  ): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}
export interface I2cBusPackage {
  openPromisified(busNumber: number): Promise<PromisifiedBus>;
}

/** One bus of this machine (`/dev/i2c-N`), through the npm package i2c-bus, loaded on first use. */
export async function openI2cDev(deps: {
  device: string;
  clock: Clock;
  load?: () => Promise<I2cBusPackage>;
}): Promise<I2cPort> {
  const { device, clock, load = loadI2cBus } = deps;
  const busNumber = Number(/^\/dev\/i2c-(\d+)$/.exec(device)?.[1] ?? Number.NaN);
  if (Number.isNaN(busNumber)) throw new DeviceError("bus", `${device} is not named /dev/i2c-N`);
  refuseIfBusy(device);
  const { openPromisified } = await load();
  let bus = await openPromisified(busNumber);
  const turn = turnstile();
  const reopen = async (old: PromisifiedBus) => {
    try {
      await old.close();
      return await openPromisified(busNumber);
    } catch (error) {
      throw new DeviceError("bus", `${device} cannot be reopened (${errorCode(error)})`);
    }
  };

  const transfer = <T>(address: number, call: (bus: PromisifiedBus) => Promise<T>) =>
    turn(async () => {
      try {
        return await blockingCall(device, () => call(bus), { ms: TRANSFER_MS, clock });
      } catch (error) {
        if (error instanceof DeviceError) throw error;
        const code = errorCode(error);
        // i2c-bus keeps a handle whose address was refused: its next call would reach another chip.
        if (!TRANSFER_ERRORS.includes(code)) bus = await reopen(bus);
        throw i2cError(code, address);
      }
    });
  const write = (address: number, bytes: Uint8Array) =>
    transfer(address, async (open) => {
      const { bytesWritten } = await open.i2cWrite(address, bytes.length, Buffer.from(bytes));
      complete(bytesWritten, bytes.length);
    });
  const read = (address: number, length: number) =>
    transfer(address, async (open) => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await open.i2cRead(address, length, buffer);
      complete(bytesRead, length);
      return Uint8Array.from(buffer);
    });

  return {
    write,
    read,
    // The package has no combined transfer of any length; a register block read is one.
    writeRead: async (address, bytes, length) => {
      const [command] = bytes;
      if (bytes.length === 1 && command !== undefined && length <= MAX_BLOCK)
        return transfer(address, async (open) => {
          const buffer = Buffer.alloc(length);
          const { bytesRead } = await open.readI2cBlock(address, command, length, buffer);
          complete(bytesRead, length);
          return Uint8Array.from(buffer);
        });
      await write(address, bytes);
      return read(address, length);
    },
    close: async () => {
      // Closing under a hung call would hang as well; the handle goes when the process does.
      await blockingCall(device, () => bus.close(), { ms: TRANSFER_MS, clock });
    },
  };
}

function complete(moved: number, length: number): void {
  if (moved !== length)
    throw new DeviceError("bus", `${moved} of ${length} bytes were transferred`);
}

async function loadI2cBus(): Promise<I2cBusPackage> {
  try {
    return await import("i2c-bus");
  } catch (error) {
    throw new DeviceError("bus", `the package i2c-bus cannot be loaded (${errorCode(error)})`);
  }
}
