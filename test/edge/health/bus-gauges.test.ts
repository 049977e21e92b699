import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { DeviceError } from "../../../edge/bus/port.ts";
import { busLateness, deviceGauges, MOST_DEVICES } from "../../../edge/health/bus-gauges.ts";
import type { Gauge } from "../../../edge/health/gauges.ts";
import { nodeGauges } from "../../../edge/health/node-health.ts";
import type { BusHealth } from "../../../edge/poll/loop.ts";
import type { UnitHealth } from "../../../edge/poll/modbus-statistics.ts";

const unit = (device: string, numbers: Partial<UnitHealth>): UnitHealth => ({
  ...{ device, unit: 1, up: true, ok: 0, timeouts: 0, damaged: 0, exceptions: {} },
  ...{ meanMs: null, p99Ms: null, lastGoodAt: null, missing: [], texts: {} },
  ...numbers,
});
const bus = (units: UnitHealth[], numbers: Partial<BusHealth> = {}): BusHealth => ({
  ...{ ok: 0, failed: 0, lastError: null, lagMs: 0, open: true, units },
  ...numbers,
});
const reason = (gauge?: Gauge) => gauge?.read().catch((error: DeviceError) => error.reason);

test("a meter that answered 90 of 100 requests, 5 late, 3 damaged, 2 refused, has 0.1 errors", async () => {
  let now = bus([unit("m1", {}), unit("m2", { timeouts: 9 })]);
  const [errors] = deviceGauges("m1", "rs485", () => now);
  expect(await reason(errors)).toBe("not-ready");
  const counts = { ok: 90, timeouts: 5, damaged: 3, exceptions: { 2: 1, 4: 1 } };
  now = bus([unit("m1", counts), unit("m2", { timeouts: 99 })]);
  expect(await errors?.read()).toBeCloseTo(0.1, 9);
});

test("errors of more than five minutes ago are forgotten", async () => {
  let ok = 0;
  const [errors] = deviceGauges("m1", "rs485", () => bus([unit("m1", { ok, timeouts: 10 })]));
  expect(await errors?.read()).toBe(1);
  for (let look = 0; look < 40; look += 1) {
    ok += 10;
    await errors?.read();
  }
  expect(await errors?.read()).toBe(0);
});

test("the response time is the p99 of its slowest unit, in seconds, and missing before the first answer", async () => {
  let now = bus([unit("m1", {})]);
  const [, response] = deviceGauges("m1", "rs485", () => now);
  expect(await reason(response)).toBe("not-ready");
  now = bus([unit("m1", { p99Ms: 42 }), unit("m1", { p99Ms: 180 }), unit("m2", { p99Ms: 900 })]);
  expect(await response?.read()).toBe(0.18);
});

test("a bus is as late as its newest read began, in seconds; before the first read nobody knows", async () => {
  let now = bus([], { lagMs: 0 });
  const late = busLateness("i2c-1", () => now);
  expect(await reason(late)).toBe("not-ready");
  now = bus([], { ok: 1, lagMs: 250 });
  expect(await late.read()).toBe(0.25);
  expect(await reason(busLateness("i2c-9", () => undefined))).toBe("not-available");
});

test("40 Modbus devices have points for the first 32, two each, and one look at the bus serves all", async () => {
  const devices = Array.from({ length: 40 }, (_, i) => ({
    ...{ kind: "modbus" as const, id: `m${i}`, bus: "rs485", unit: i + 1 },
    profile: "eastron-sdm630",
  }));
  let looks = 0;
  const gauges = await nodeGauges({
    config: { points: [], devices, doors: [], inputs: [], pulses: [], outputs: [] },
    busHealth: () => {
      looks += 1;
      return bus(devices.map(({ id }) => unit(id, { ok: 1, p99Ms: 20 })));
    },
    spoolPath: path.join(tmpdir(), "spool.db"),
    backlog: () => 0,
    synced: () => true,
    monoMs: () => 5_000,
    run: async () => Promise.reject(new DeviceError("not-available", "no")),
  });
  const own = gauges.filter(({ role }) => role.startsWith("device-"));
  expect(own).toHaveLength(2 * MOST_DEVICES);
  expect(own.at(-1)?.role).toBe("device-m31-response");
  for (const gauge of own) await gauge.read();
  expect(looks).toBe(1);
});
