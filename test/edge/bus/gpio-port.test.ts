import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Gpio } from "onoff";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { findGpioChip } from "../../../edge/bus/gpio-base.ts";
import { openGpiomon } from "../../../edge/bus/gpiomon.ts";
import type { GpioPort } from "../../../edge/bus/port.ts";
import { openSocketGpio } from "../../../edge/bus/socket-gpio.ts";
import { openSysfsGpio } from "../../../edge/bus/sysfs-gpio.ts";
import { FakeClock } from "../../fake-clock.ts";
import { type Generation, GpiodStubs } from "./gpiod-stubs.ts";
import { lineServer, until } from "./line-server.ts";

interface Rig {
  port: GpioPort;
  /** Sets an input; with `lost`, the edge goes unnoticed. */
  set(line: number, level: 0 | 1, how?: "lost"): void;
  readonly written: string[];
}

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function socketRig(): Promise<Rig> {
  const levels = new Map<number, 0 | 1>();
  const watched = new Set<string>();
  const written: string[] = [];
  const server = await lineServer((text) => {
    const [verb, line = "", level] = text.split(" ");
    if (verb === "gpio") return "ok";
    if (verb === "watch") watched.add(line);
    if (verb === "watch") return `${line} ${levels.get(Number(line)) ?? 0}`;
    if (verb === "read") return `level ${line} ${levels.get(Number(line)) ?? 0}`;
    written.push(`${line} ${level}`);
    return "ok";
  });
  cleanups.push(() => server.close());
  const clock = new FakeClock();
  return {
    port: await openSocketGpio({ host: "127.0.0.1", port: server.port, clock }),
    set: (line, level) => {
      levels.set(line, level);
      if (watched.has(String(line))) server.send(`${line} ${level}`);
    },
    written,
  };
}

function chipTree(chips: { base: number; label: string; lines: number }[]): string {
  const root = mkdtempSync(path.join(tmpdir(), "gpio-"));
  cleanups.push(() => rmSync(root, { recursive: true }));
  for (const { base, label, lines } of chips) {
    const folder = path.join(root, `gpiochip${base}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, "label"), `${label}\n`);
    writeFileSync(path.join(folder, "base"), `${base}\n`);
    writeFileSync(path.join(folder, "ngpio"), `${lines}\n`);
  }
  return root;
}

const BASE = 512;

async function sysfsRig(): Promise<Rig & { clock: FakeClock }> {
  const root = chipTree([{ base: BASE, label: "pinctrl-bcm2711", lines: 58 }]);
  const levels = new Map<number, 0 | 1>();
  const watchers = new Map<number, (error: null, level: 0 | 1) => void>();
  const written: string[] = [];
  class FakeGpio {
    readonly #gpio: number;
    constructor(gpio: number, direction: string) {
      this.#gpio = gpio;
      mkdirSync(path.join(root, `gpio${gpio}`), { recursive: true });
      const shown = direction === "in" ? "in" : "out";
      writeFileSync(path.join(root, `gpio${gpio}`, "direction"), `${shown}\n`);
      if (direction === "high") levels.set(gpio, 1);
    }
    readSync = () => levels.get(this.#gpio) ?? 0;
    writeSync = (level: 0 | 1) => written.push(`${this.#gpio - BASE} ${level}`);
    watch = (callback: (error: null, level: 0 | 1) => void) => watchers.set(this.#gpio, callback);
    unexport = () => watchers.delete(this.#gpio);
  }
  const clock = new FakeClock();
  const load = async () => ({
    Gpio: FakeGpio as unknown as new (gpio: number, direction: string) => Gpio,
  });
  return {
    port: await openSysfsGpio({ chip: "auto", clock, root, load }),
    clock,
    set: (line, level, how) => {
      levels.set(BASE + line, level);
      if (how !== "lost") watchers.get(BASE + line)?.(null, level);
    },
    written,
  };
}

async function gpiomonRig(generation: Generation): Promise<Rig> {
  const gpiod = new GpiodStubs(generation);
  cleanups.push(() => gpiod.remove());
  return {
    port: await openGpiomon({ chip: "auto", clock: systemClock, path: gpiod.path }),
    set: (line, level) => {
      gpiod.level(line, level);
      if (gpiod.holder(line) !== undefined) gpiod.edge(line, level);
    },
    get written() {
      return gpiod.written;
    },
  };
}

describe.each([
  ["socket", socketRig],
  ["sysfs", sysfsRig],
  ["gpiomon of libgpiod 1", () => gpiomonRig(1)],
  ["gpiomon of libgpiod 2", () => gpiomonRig(2)],
])("GPIO port over %s", (_, rig) => {
  test("tells the present level at once and then every change", async () => {
    const { port, set } = await rig();
    set(17, 1);
    const seen: number[] = [];
    await port.watch(17, (level) => seen.push(level));
    expect(seen).toEqual([1]);
    set(17, 0);
    set(17, 1);
    await until(() => seen.length === 3);
    expect(seen).toEqual([1, 0, 1]);
    await port.close();
  });

  test("keeps lines apart, reads and writes them", async () => {
    const rigged = await rig();
    const { port, set } = rigged;
    set(27, 1);
    const seen: number[] = [];
    await port.watch(22, (level) => seen.push(level));
    expect(await port.read(27)).toBe(1);
    await port.write(5, 1);
    expect(rigged.written).toEqual(["5 1"]);
    expect(seen).toEqual([0]);
    await port.close();
  });

  test("says when it is over", async () => {
    const { port } = await rig();
    await port.close();
    await port.closed;
  });
});

test("a change whose edge was lost is found within two seconds", async () => {
  const { port, clock, set } = await sysfsRig();
  const seen: number[] = [];
  await port.watch(17, (level) => seen.push(level));
  set(17, 1, "lost");
  await clock.advance(2_000);
  expect(seen).toEqual([0, 1]);
  await port.close();
});

test("a line the chip does not have is refused", async () => {
  const { port } = await sysfsRig();
  await expect(port.read(58)).rejects.toMatchObject({ reason: "bus" });
  await port.close();
});

test("a lost connection ends the port", async () => {
  const server = await lineServer(() => "ok");
  cleanups.push(() => server.close());
  const port = await openSocketGpio({
    host: "127.0.0.1",
    port: server.port,
    clock: new FakeClock(),
  });
  server.cut();
  await port.closed;
  await expect(port.read(17)).rejects.toMatchObject({ reason: "bus" });
});

describe("the header chip", () => {
  test.each([
    [0, "pinctrl-bcm2835", 54],
    [399, "pinctrl-rp1", 54],
    [512, "pinctrl-bcm2711", 58],
    [571, "pinctrl-rp1", 54],
  ])("is found at base %i by its label %s", async (base, label, lines) => {
    const other = { base: 900, label: "raspberrypi-exp-gpio", lines: 8 };
    const root = chipTree([{ base, label, lines }, other]);
    expect(await findGpioChip(root, "auto")).toEqual({ base, label, lines });
  });

  test("is found by the device tree when its label is new", async () => {
    const root = chipTree([
      { base: 512, label: "gpio-rp1-v2", lines: 54 },
      { base: 566, label: "gpio-brcmstb", lines: 36 },
    ]);
    const node = path.join(root, "gpiochip512", "device", "of_node");
    mkdirSync(node, { recursive: true });
    writeFileSync(path.join(node, "compatible"), "raspberrypi,rp1-gpio\0");
    expect(await findGpioChip(root, "auto")).toEqual({
      base: 512,
      label: "gpio-rp1-v2",
      lines: 54,
    });
  });

  test("is not guessed when two chips look like it", async () => {
    const chip = { label: "pinctrl-rp1", lines: 54 };
    const root = chipTree([
      { base: 512, ...chip },
      { base: 571, ...chip },
    ]);
    await expect(findGpioChip(root, "auto")).rejects.toThrow("2 GPIO chips");
  });

  test("is missing: the message names what is there", async () => {
    const root = chipTree([{ base: 512, label: "gpio-sim.0", lines: 8 }]);
    await expect(findGpioChip(root, "auto")).rejects.toThrow("gpio-sim.0 (base 512, 8 lines)");
    expect((await findGpioChip(root, "gpio-sim.0")).base).toBe(512);
    await expect(findGpioChip(path.join(root, "none"), "auto")).rejects.toThrow("sysfs GPIO");
  });
});
