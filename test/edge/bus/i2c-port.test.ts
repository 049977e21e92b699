import { afterEach, describe, expect, test } from "vitest";
import { type I2cBusPackage, openI2cDev } from "../../../edge/bus/i2c-dev.ts";
import type { I2cPort } from "../../../edge/bus/port.ts";
import { openSocketI2c } from "../../../edge/bus/socket-i2c.ts";
import { FakeClock } from "../../fake-clock.ts";
import { type LineServer, lineServer, until } from "./line-server.ts";

/**
 * The bus every implementation is tried on: 0x44 gives 0xBEEF and takes writes, 0x48 has registers,
 * 0x10 is absent (121), 0x11 times out (110), 0x12 belongs to a kernel driver (16), 0x13 never answers.
 */
const ERRNO: Record<number, [number, string]> = {
  16: [121, "EREMOTEIO"],
  17: [110, "ETIMEDOUT"],
  18: [16, "EBUSY"],
};
const HANGS = 0x13;

interface Rig {
  port: I2cPort;
  clock: FakeClock;
  /** Transfers the far end has seen. */
  transfers: () => number;
  reopen: () => Promise<I2cPort>;
  /** How often the bus was opened underneath. */
  opened: () => number;
  release: () => void;
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function socketRig(): Promise<Rig> {
  let opened = 0;
  const server: LineServer = await lineServer((line) => {
    if (line === "i2c i2c-11") {
      opened += 1;
      return "ok";
    }
    const address = Number.parseInt(line.slice(1, 3), 16);
    if (address === HANGS) return undefined;
    const errno = ERRNO[address];
    if (errno) return `err ${errno[0]}`;
    if (line === "w48:0f r48:2") return "ok 0117";
    return line.startsWith("r") ? "ok beef" : "ok";
  });
  cleanups.push(() => server.close());
  const clock = new FakeClock();
  const reopen = () =>
    openSocketI2c({ host: "127.0.0.1", port: server.port, bus: "i2c-11", clock });
  return {
    port: await reopen(),
    clock,
    transfers: () => server.seen.length - opened,
    reopen,
    opened: () => opened,
    release: () => server.cut(),
  };
}

let busNumber = 100;

async function packageRig(): Promise<Rig> {
  let opened = 0;
  let transfers = 0;
  let release: () => void = () => undefined;
  const touch = async (address: number) => {
    transfers += 1;
    const errno = ERRNO[address];
    if (errno) throw Object.assign(new Error(`${errno[1]}: x`), { code: errno[1] });
    if (address !== HANGS) return;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  };
  const load = async (): Promise<I2cBusPackage> => ({
    openPromisified: async () => {
      opened += 1;
      return {
        i2cWrite: async (address, length) => {
          await touch(address);
          return { bytesWritten: length };
        },
        i2cRead: async (address, length, buffer) => {
          await touch(address);
          buffer.set([0xbe, 0xef]);
          return { bytesRead: length };
        },
        readI2cBlock: async (address, _command, length, buffer) => {
          await touch(address);
          buffer.set([0x01, 0x17]);
          return { bytesRead: length };
        },
        close: async () => undefined,
      };
    },
  });
  const clock = new FakeClock();
  busNumber += 1;
  const device = `/dev/i2c-${busNumber}`;
  const reopen = () => openI2cDev({ device, clock, load });
  const port = await reopen();
  return {
    port,
    clock,
    transfers: () => transfers,
    reopen,
    opened: () => opened,
    release: () => release(),
  };
}

describe.each([
  ["socket", socketRig],
  ["i2c-bus", packageRig],
])("I2C port over %s", (_, rig) => {
  test("writes, reads, and reads a register behind a repeated start", async () => {
    const { port } = await rig();
    await port.write(0x44, Uint8Array.of(0x24, 0x00));
    expect([...(await port.read(0x44, 2))]).toEqual([0xbe, 0xef]);
    expect([...(await port.writeRead(0x48, Uint8Array.of(0x0f), 2))]).toEqual([0x01, 0x17]);
    await port.close();
  });

  test("tells an absent chip from a stuck bus", async () => {
    const { port } = await rig();
    await expect(port.read(0x10, 2)).rejects.toMatchObject({ reason: "no-answer" });
    await expect(port.read(0x11, 2)).rejects.toMatchObject({ reason: "bus" });
    await expect(port.read(0x12, 2)).rejects.toMatchObject({ reason: "bus" });
    expect([...(await port.read(0x44, 2))]).toEqual([0xbe, 0xef]);
    await port.close();
  });

  test("lets one transfer through at a time, in order", async () => {
    const { port, transfers } = await rig();
    const all = [port.read(0x44, 2), port.read(0x10, 2), port.read(0x44, 2)];
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(transfers()).toBe(3);
    await port.close();
  });

  test("gives up on a hung bus and starts nothing more on it", async () => {
    const { port, clock, transfers, release } = await rig();
    const hung = port.read(HANGS, 2);
    const verdict = expect(hung).rejects.toMatchObject({ reason: "bus" });
    await until(() => transfers() === 1);
    await clock.advance(2_600);
    await verdict;
    await expect(port.read(0x44, 2)).rejects.toMatchObject({ reason: "bus" });
    expect(transfers()).toBe(1);
    release();
  });
});

test("a bus that hangs in the kernel is not opened again until the call is over", async () => {
  const { port, clock, transfers, reopen, release } = await packageRig();
  const verdict = expect(port.read(HANGS, 2)).rejects.toMatchObject({ reason: "bus" });
  await until(() => transfers() === 1);
  await clock.advance(2_600);
  await verdict;
  await expect(reopen()).rejects.toMatchObject({ reason: "bus" });
  release();
  await clock.advance(0);
  const again = await reopen();
  expect([...(await again.read(0x44, 2))]).toEqual([0xbe, 0xef]);
});

test("after an address that a kernel driver owns, the package is opened anew", async () => {
  const { port, opened } = await packageRig();
  await expect(port.read(0x12, 2)).rejects.toMatchObject({ reason: "bus" });
  expect(opened()).toBe(2);
});

test("a machine without the package says so, and nothing else happens", async () => {
  const load = () => Promise.reject(new Error("Could not locate the bindings file"));
  const opening = openI2cDev({ device: "/dev/i2c-99", clock: new FakeClock(), load });
  await expect(opening).rejects.toThrow("bindings");
});

test("a bus that refuses the greeting is not opened", async () => {
  const server = await lineServer(() => "err no such bus");
  cleanups.push(() => server.close());
  const clock = new FakeClock();
  const opening = openSocketI2c({ host: "127.0.0.1", port: server.port, bus: "i2c-99", clock });
  await expect(opening).rejects.toMatchObject({ reason: "bus" });
});

test.each(["ok zz", "ok be", "what?", "ok beefbeef"])(
  "the answer '%s' is a bus fault",
  async (line) => {
    const server = await lineServer((said) => (said.startsWith("i2c") ? "ok" : line));
    cleanups.push(() => server.close());
    const clock = new FakeClock();
    const port = await openSocketI2c({ host: "127.0.0.1", port: server.port, bus: "b", clock });
    await expect(port.read(0x44, 2)).rejects.toMatchObject({ reason: "bus" });
    await port.close();
  },
);
