import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { pino } from "pino";
import { build } from "vite";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { openGpiomon } from "../../../edge/bus/gpiomon.ts";
import { parseChips, toolsFor } from "../../../edge/bus/gpiomon-tools.ts";
import { openGpio } from "../../../edge/bus/open.ts";
import { DeviceError, type GpioPort } from "../../../edge/bus/port.ts";
import { FakeClock } from "../../fake-clock.ts";
import { CHIPS, GpiodStubs, isAlive } from "./gpiod-stubs.ts";
import { until } from "./line-server.ts";
import { within } from "./nut-server.ts";

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function stubs(generation: 1 | 2 = 2): GpiodStubs {
  const made = new GpiodStubs(generation);
  cleanups.push(() => made.remove());
  return made;
}

/** A port on version 2, which says when it has a line, so that a clock that stands still suffices. */
async function rig(gpiod = stubs(), kernelNowMs = () => 0) {
  const clock = new FakeClock();
  const port = await openGpiomon({ chip: "auto", clock, path: gpiod.path, kernelNowMs });
  cleanups.push(() => port.close());
  const seen: (0 | 1)[] = [];
  const ages: number[] = [];
  const watch = (line = 17) =>
    port.watch(line, (level, ageMs) => {
      seen.push(level);
      ages.push(ageMs);
    });
  return { gpiod, clock, port, seen, ages, watch };
}

describe("what libgpiod prints", () => {
  test.each([
    ["gpiodetect (libgpiod) v1.6.3\nCopyright (C) 2017-2018", "1.6.3"],
    ["gpiodetect (libgpiod) v2.2.1\nCopyright (C) 2017-2023", "2.2.1"],
    ["gpiodetect v2.3 (libgpiod v2.3)\nCopyright (C) 2017-2023", "2.3"],
    ["gpiodetect (libgpiod) v2.1-rc1", "2.1-rc1"],
  ])("%j is version %s", (printed, version) => {
    expect(toolsFor(printed).version).toBe(version);
  });

  test.each(["gpiodetect (libgpiod) v3.0", "gpiodetect (libgpiod) v0.3", "", "busybox"])(
    "%j is refused",
    (printed) => expect(() => toolsFor(printed)).toThrow("libgpiod 1 and 2 are known"),
  );

  test.each([
    ["1.6.3", "17 1 1700 123456789", { level: 1, kernelMs: 1_700_123.456789 }],
    ["1.6.3", "17 0 1700 5", { level: 0, kernelMs: 1_700_000.000005 }],
    ["1.6.3", "17 2 1700 5", undefined],
    ["1.6.3", "17 1 1700.000000005", undefined],
    ["2.2.1", "17 1 1700.123456789", { level: 1, kernelMs: 1_700_123.456789 }],
    ["2.2.1", "17 2 1700.000000005", { level: 0, kernelMs: 1_700_000.000005 }],
    ["2.2.1", "17 0 1700.000000005", undefined],
    ["2.2.1", "Monitoring line '17'...", undefined],
    ["2.2.1", "", undefined],
  ])("version %s: %j", (version, text, edge) => {
    expect(toolsFor(`gpiodetect (libgpiod) v${version}`).parseEdge(text)).toEqual(edge);
  });

  test("the list of chips", () => {
    expect(parseChips(`${CHIPS}gpiochip4 [] (1 line)\nnonsense\n`)).toEqual([
      { name: "gpiochip0", label: "pinctrl-bcm2711", lines: 58 },
      { name: "gpiochip1", label: "raspberrypi-exp-gpio", lines: 8 },
      { name: "gpiochip4", label: "", lines: 1 },
    ]);
  });
});

describe("a watched line", () => {
  test("is put together from partial lines", async () => {
    const { gpiod, watch, seen } = await rig();
    await watch();
    gpiod.print(17, "17 1 10.0000");
    gpiod.print(17, "00001\n17 2 10.");
    await until(() => seen.length === 2);
    gpiod.print(17, "500000001\n");
    await until(() => seen.length === 3);
    expect(seen).toEqual([0, 1, 0]);
  });

  test("tells how long ago an edge was, unless another clock stamped it", async () => {
    const { gpiod, watch, ages, seen } = await rig(stubs(), () => 10_000);
    await watch();
    gpiod.edge(17, 1, 9_960);
    gpiod.edge(17, 0, 1_767_225_600_000);
    await until(() => seen.length === 3);
    expect(ages).toEqual([0, 40, 0]);
  });

  test("two edges to one level: the one between is made up", async () => {
    const { gpiod, watch, seen } = await rig();
    await watch();
    gpiod.edge(17, 1);
    gpiod.edge(17, 1);
    await until(() => seen.length === 4);
    expect(seen).toEqual([0, 1, 0, 1]);
  });

  test("an edge lost before gpiomon was ready is found within two seconds", async () => {
    const { gpiod, clock, watch, seen } = await rig();
    await watch();
    gpiod.level(17, 1);
    await clock.advance(2_000);
    await until(() => seen.length === 2);
    expect(seen).toEqual([0, 1]);
  });

  test("is read again after a minute of silence, not while it has edges", async () => {
    const { gpiod, clock, watch, seen } = await rig();
    await watch();
    for (let edges = 1; edges <= 5; edges += 1) {
      gpiod.edge(17, edges % 2 === 1 ? 1 : 0);
      await until(() => seen.length === 1 + edges);
      await clock.advance(50_000);
    }
    expect(gpiod.calls("gpioget")).toBe(1);
    gpiod.level(17, 0);
    await clock.advance(10_000);
    await until(() => seen.length === 7);
    expect(seen).toEqual([0, 1, 0, 1, 0, 1, 0]);
    expect(gpiod.calls("gpioget")).toBe(2);
  });

  test("reads as its newest edge says, for it is busy", async () => {
    const { gpiod, port, watch, seen } = await rig();
    await watch();
    gpiod.edge(17, 1);
    await until(() => seen.length === 2);
    expect(await port.read(17)).toBe(1);
    expect(gpiod.calls("gpioget")).toBe(1);
  });

  test("the death of its child ends the port, with why", async () => {
    const { gpiod, port, watch } = await rig();
    await watch();
    process.kill(gpiod.holder(17) ?? 0, "SIGKILL");
    await port.closed;
    await expect(port.read(17)).rejects.toThrow("gpiomon ended (SIGKILL)");
  });

  test("that somebody else holds is refused, in the program's own words", async () => {
    const { gpiod, watch } = await rig();
    gpiod.program(
      "gpiomon",
      'echo "gpiomon: unable to request lines: Device or resource busy" >&2\nexit 1',
    );
    await expect(watch()).rejects.toThrow("gpiomon ended (1): gpiomon: unable to request lines");
  });

  test("version 1 says nothing when it is ready, and its refusal is still seen", async () => {
    const gpiod = stubs(1);
    gpiod.program(
      "gpiomon",
      'echo "gpiomon: error waiting for events: Device or resource busy" >&2\nexit 1',
    );
    const port = await openGpiomon({ chip: "auto", clock: systemClock, path: gpiod.path });
    await expect(port.watch(17, () => undefined)).rejects.toThrow("Device or resource busy");
    await port.close();
  });
});

describe("a driven line", () => {
  test("is held, changed, and found lost when its child dies", async () => {
    const gpiod = stubs();
    const port = await openGpiomon({ chip: "auto", clock: systemClock, path: gpiod.path });
    cleanups.push(() => port.close());
    await port.write(5, 1);
    expect(await port.read(5)).toBe(1);
    const first = gpiod.holder(5);
    await port.write(5, 1);
    expect(gpiod.holder(5)).toBe(first);
    await port.write(5, 0);
    expect(gpiod.written).toEqual(["5 1", "5 0"]);
    process.kill(gpiod.holder(5) ?? 0, "SIGKILL");
    const isLost = async () => {
      const level = await port.read(5).catch((error: DeviceError) => error.reason);
      return level === "bus";
    };
    await within(5_000, isLost, "the lost child was not noticed");
    await port.write(5, 0);
    expect(await port.read(5)).toBe(0);
  });

  test("is refused on a chip that lacks it", async () => {
    const { port } = await rig();
    await expect(port.write(58, 1)).rejects.toThrow("pinctrl-bcm2711 has lines 0–57, not 58");
  });
});

test("children end with a killed owner, so that the next one finds the lines free", async () => {
  const gpiod = stubs();
  const out = path.join(import.meta.dirname, "../../.out/gpiomon-owner");
  const entry = path.join(import.meta.dirname, "gpiomon-owner.ts");
  await build({ configFile: false, logLevel: "error", build: { ssr: entry, outDir: out } });
  const owner = spawn(process.execPath, [path.join(out, "gpiomon-owner.js")], {
    env: { ...process.env, PATH: gpiod.path },
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(() => void owner.kill("SIGKILL"));
  await once(owner.stdout, "data");
  const children = [gpiod.holder(17) ?? 0, gpiod.holder(5) ?? 0];
  expect(children.map(isAlive)).toEqual([true, true]);
  owner.kill("SIGKILL");
  await until(() => !children.some(isAlive));
});

describe("the backend", () => {
  const fails = (why: string) => async (): Promise<never> => {
    throw new DeviceError("bus", why);
  };
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "info" }, { write: (line) => void lines.push(JSON.parse(line)) });
  const port = { found: "pinctrl-rp1 as gpiochip0, libgpiod 2.2.1" } as never;
  const common = { chip: "auto", clock: new FakeClock(), log };

  test("is sysfs where that works", async () => {
    const sysfs = {} as GpioPort;
    const opened = await openGpio({ ...common, sysfs: async () => sysfs, gpiomon: fails("no") });
    expect(opened).toBe(sysfs);
    expect(lines.at(-1)).toMatchObject({ msg: "GPIO opened", backend: "sysfs" });
  });

  test("is gpiomon where the kernel lacks sysfs, and the log says why", async () => {
    const sysfs = fails("this kernel may lack sysfs GPIO");
    expect(await openGpio({ ...common, sysfs, gpiomon: async () => port })).toBe(port);
    expect(lines.at(-1)).toMatchObject({
      backend: "gpiomon",
      found: "pinctrl-rp1 as gpiochip0, libgpiod 2.2.1",
      whyNot: "sysfs: this kernel may lack sysfs GPIO",
    });
  });

  test("is named twice when neither works", async () => {
    const deps = { ...common, sysfs: fails("no sysfs"), gpiomon: fails("no gpiod") };
    await expect(openGpio(deps)).rejects.toThrow("sysfs: no sysfs; gpiomon: no gpiod");
  });

  test("can be fixed", async () => {
    const deps = { ...common, sysfs: async () => ({}) as GpioPort, gpiomon: async () => port };
    expect(await openGpio({ ...deps, backend: "gpiomon" })).toBe(port);
    const only = { ...deps, sysfs: fails("no sysfs"), backend: "sysfs" as const };
    await expect(openGpio(only)).rejects.toThrow(/^no sysfs$/);
  });

  test("needs the package gpiod, and says so", async () => {
    const opening = openGpiomon({ chip: "auto", clock: systemClock, path: "/nowhere" });
    await expect(opening).rejects.toThrow(
      "gpiodetect is not installed; it is in the Debian package gpiod",
    );
  });
});
