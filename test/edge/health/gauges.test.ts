import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { pointInfoSchema } from "../../../contract/message.ts";
import { QUANTITIES } from "../../../contract/quantity.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { busErrors } from "../../../edge/health/bus-gauges.ts";
import {
  chronyOffset,
  clockOffset,
  clockSynced,
  cpuTemperature,
  diskFree,
  diskWrites,
  firmwareGauges,
  type Gauge,
  kernelUnderVoltage,
  loopLag,
  pmicVolts,
  supplyVoltage,
  throttledBits,
} from "../../../edge/health/gauges.ts";
import {
  HEALTH_PERIOD_MS,
  healthLoop,
  healthPoints,
  nodeGauges,
} from "../../../edge/health/node-health.ts";
import type { BusHealth, Sample } from "../../../edge/poll/loop.ts";
import { FakeClock } from "../../fake-clock.ts";
import { silent } from "../spool/temp-spool.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function folder(files: Record<string, string>): string {
  const root = mkdtempSync(path.join(tmpdir(), "plenum-health-"));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
}

const BITS: [printed: string, now: number, seen: number, slow: number, slowSeen: number][] = [
  ["throttled=0x0\n", 0, 0, 0, 0],
  ["throttled=0x1", 1, 0, 0, 0],
  ["throttled=0x10000", 0, 1, 0, 0],
  ["throttled=0x50005", 1, 1, 1, 1],
  ["throttled=0xe0008", 0, 0, 0, 1],
];
test.each(BITS)(
  "%s: under-voltage %i, since boot %i, throttled %i, since boot %i",
  async (printed, ...bits) => {
    const gauges = firmwareGauges(async () => printed);
    expect(await Promise.all(gauges.map((gauge) => gauge.read()))).toEqual(bits);
  },
);

test("whatever vcgencmd or chronyc print, there is a finite number or a DeviceError", () => {
  const parsers = [throttledBits, pmicVolts, chronyOffset];
  fc.assert(
    fc.property(
      fc.string(),
      fc.constantFrom("", "throttled=0x", "EXT5V_V volt(24)=", "A,B,1,0,"),
      (noise, start) => {
        for (const parse of parsers)
          try {
            expect(Number.isFinite(parse(start + noise))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(DeviceError);
          }
      },
    ),
  );
});

test("the Pi 5 measures its supply at 5.14 V", async () => {
  const gauge = supplyVoltage(async () => "     EXT5V_V volt(24)=5.14000000V\n");
  expect(await gauge.read()).toBe(5.14);
});

test("the clock's error is chrony's fifth field without its sign, and nothing while chrony has no source", async () => {
  const line =
    "C0A80101,192.168.1.1,3,1767225600.1,-0.000213,0.0001,0.0002,1.2,0.01,0.02,0.01,0.002,64.2,Normal";
  expect(await clockOffset(async () => line).read()).toBe(0.000213);
  expect(() => chronyOffset(line.replace("C0A80101", "00000000"))).toThrow("not synchronised");
});

test("the processor's 48312 m°C are 48.312 °C; an empty or missing file gives no value, never 0", async () => {
  const root = folder({ temp: "48312\n", empty: "" });
  expect(await cpuTemperature(path.join(root, "temp")).read()).toBe(48.312);
  for (const name of ["empty", "missing"])
    await expect(cpuTemperature(path.join(root, name)).read()).rejects.toThrow(DeviceError);
});

test("without vcgencmd the kernel's rpi_volt alarm tells, and other hwmon chips do not", async () => {
  const root = folder({
    "hwmon0/name": "cpu_thermal\n",
    "hwmon0/in0_lcrit_alarm": "1",
    "hwmon1/name": "rpi_volt\n",
    "hwmon1/in0_lcrit_alarm": "1\n",
  });
  expect(await (await kernelUnderVoltage(root))?.read()).toBe(1);
  expect(await kernelUnderVoltage(path.join(root, "hwmon0"))).toBeUndefined();
});

test("2 GB a day are a quarter of the card's budget; before there is a rate there is no value", async () => {
  const [writes, wear] = diskWrites(async () => 2e9) as [Gauge, Gauge];
  expect([await writes.read(), await wear.read()]).toEqual([2e9, 0.25]);
  await expect(diskWrites(async () => undefined)[0]?.read()).rejects.toThrow("long enough");
});

test("the disk's free part lies between 0 and 100 %", async () => {
  const free = await diskFree(path.join(folder({}), "spool.db")).read();
  expect(free).toBeGreaterThan(0);
  expect(free).toBeLessThanOrEqual(100);
});

const FRESH: BusHealth = { ok: 0, failed: 0, lastError: null, lagMs: 0, open: true };

test("a bus that is not read has no error rate", async () => {
  await expect(busErrors("x", () => undefined).read()).rejects.toThrow("not read");
});

test("bus errors are the share of failed reads in the last 30 looks; a closed bus is all errors", async () => {
  const now: BusHealth = { ...FRESH };
  const gauge = busErrors("i2c-1", () => now);
  await expect(gauge.read()).rejects.toThrow("nothing has been read");
  Object.assign(now, { ok: 9, failed: 1 });
  expect(await gauge.read()).toBe(0.1);
  for (let i = 0; i < 40; i += 1) {
    now.ok += 10;
    await gauge.read();
  }
  expect(await gauge.read()).toBe(0);
  Object.assign(now, { open: false, lastError: "gone" });
  expect(await gauge.read()).toBe(1);
});

test("the program's lateness is what turns take beyond the 20 ms asked for, in seconds", async () => {
  let resets = 0;
  const histogram = { percentile: () => 32e6, reset: () => (resets += 1) };
  expect(await loopLag(histogram, 20).read()).toBeCloseTo(0.012, 6);
  expect(resets).toBe(1);
});

const deps = (run: (command: string) => Promise<string>) => ({
  config: {
    points: [{ id: "door-1.open", quantity: "flag" as const, label: "", periodMs: 10_000 }],
    doors: [{ id: "door-1", bus: "gpio", line: 17, contact: "nc" as const, debounce: 100 }],
    ...{ devices: [], inputs: [], pulses: [], outputs: [] },
  },
  busHealth: () => FRESH,
  spoolPath: path.join(tmpdir(), "spool.db"),
  backlog: () => 12,
  synced: () => true,
  monoMs: () => performance.now(),
  run,
});

test("a machine announces what it can measure, with names and ranges the contract allows", async () => {
  const pi = await nodeGauges(
    deps(async (command) =>
      command === "vcgencmd"
        ? "throttled=0x0"
        : Promise.reject(new DeviceError("not-available", "no")),
    ),
  );
  const points = healthPoints("pi-1", pi);
  for (const point of points) expect(pointInfoSchema.safeParse(point).success).toBe(true);
  const roles = points.map(({ id }) => id.replace("pi-1.", ""));
  expect(new Set(roles).size).toBe(roles.length);
  expect(roles).toEqual(
    expect.arrayContaining([
      "under-voltage",
      "throttled-seen",
      "disk-free",
      "clock-synced",
      "bus-gpio-errors",
      "loop-lag",
      "memory",
      "backlog",
    ]),
  );
  expect(roles).not.toContain("clock-offset");
  const other = await nodeGauges(
    deps(async () => Promise.reject(new DeviceError("not-available", "no"))),
  );
  expect(healthPoints("x", other).map(({ id }) => id)).not.toContain("x.throttled");
});

test("what this machine really measures lies within the range of its quantity", async () => {
  for (const gauge of await nodeGauges({
    ...deps(async () => Promise.reject(new DeviceError("not-available", "no"))),
  })) {
    const value = await gauge.read().catch((error) => error as Error);
    if (value instanceof DeviceError)
      expect(["not-ready", "not-available"]).toContain(value.reason);
    else {
      const { min, max } = QUANTITIES[gauge.quantity];
      expect(value).toBeGreaterThanOrEqual(min);
      expect(value).toBeLessThanOrEqual(max);
    }
  }
});

test("a gauge whose name would be too long is left out, and dots in a bus id become dashes", () => {
  const gauge = (role: string): Gauge => ({ ...clockSynced(() => true), role });
  const points = healthPoints("pi-1", [gauge("bus-net-10.0.0.5-errors"), gauge("x".repeat(60))]);
  expect(points.map(({ id }) => id)).toEqual(["pi-1.bus-net-10-0-0-5-errors"]);
});

test("a gauge gives no reading and is not announced before its first value; later it is bad", async () => {
  const clock = new FakeClock();
  const samples: Sample[] = [];
  const announced: string[] = [];
  const answers = [undefined, 5, undefined];
  const slow: Gauge = {
    ...clockSynced(() => true),
    role: "slow",
    read: async () => {
      const value = answers.shift();
      if (value === undefined) throw new DeviceError("not-ready", "");
      return value;
    },
  };
  const sink = (some: Sample[]) => samples.push(...some);
  const known = {
    add: (point: string) => announced.push(`${point} before ${samples.length} samples`),
  };
  const loop = healthLoop({ node: "pi-1", gauges: [slow], known, clock, log: silent, sink });
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  await clock.advance(HEALTH_PERIOD_MS - 1);
  expect(announced).toEqual([]);
  await clock.advance(2 * HEALTH_PERIOD_MS);
  stop.abort();
  await running;
  expect(announced[0]).toBe("pi-1.slow before 0 samples");
  expect(samples.map(({ measurement }) => measurement)).toEqual([
    { quality: "good", value: 5 },
    { quality: "bad", reason: "not-ready" },
  ]);
  expect(loop.health().failed).toBe(0);
});

test("the health loop measures every gauge every 10 s; one that fails is bad and stops no other", async () => {
  const clock = new FakeClock();
  const samples: Sample[] = [];
  const broken: Gauge = {
    ...clockSynced(() => true),
    role: "broken",
    read: () => Promise.reject(new DeviceError("not-available", "no chip")),
  };
  const loop = healthLoop({
    node: "pi-1",
    gauges: [broken, clockSynced(() => true)],
    known: { add: () => undefined },
    clock,
    log: silent,
    sink: (some) => samples.push(...some),
  });
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  await clock.advance(3 * HEALTH_PERIOD_MS - 1);
  stop.abort();
  await running;
  expect(samples).toHaveLength(6);
  expect(samples.filter(({ point }) => point === "pi-1.broken")[2]?.measurement).toEqual({
    quality: "bad",
    reason: "not-available",
  });
  expect(samples.at(-1)).toEqual({
    point: "pi-1.clock-synced",
    measurement: { quality: "good", value: 1 },
  });
});
