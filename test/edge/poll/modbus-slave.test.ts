import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import type { Measurement } from "../../../contract/reading.ts";
import { openModbusRtu, openModbusTcp } from "../../../edge/bus/modbus-link.ts";
import type { ModbusLink } from "../../../edge/bus/port.ts";
import { modbusLoop } from "../../../edge/poll/modbus-loop.ts";
import { loadProfile } from "../../../edge/profiles/load.ts";
import { probe } from "../../../edge/profiles/tools/probe.ts";
import { freePort } from "../../system/free-port.ts";
import { type SlaveUnits, startSerialPair, startSlave } from "./pymodbus.ts";

/** Nothing here is written by Plenum's own encoder. */
const UNITS: SlaveUnits = {
  // An SDM630 whose registers between the known ones do not exist.
  1: {
    ir: {
      0: ["f", 230.2],
      2: ["f", 231.4],
      4: ["f", 229.7],
      6: ["f", 12.5],
      52: ["f", -1_250.5],
      70: ["f", 49.98],
      72: ["f", 12_345.678],
    },
  },
  // An iEM3000: kilowatts in floats, watt-hours in 64 bits, not a number for what it does not measure.
  2: {
    hr: {
      3027: ["f", 229.9],
      3029: ["I", 0xffc0_0000],
      3059: ["f", 8.4],
      3109: ["f", 50.02],
      3203: ["q", 98_765_432_100],
    },
  },
  // A Stulz C7000: inputs, with holes between them.
  3: {
    di: {
      8: ["bit", 0],
      1010: ["bit", 1],
      1012: ["bit", 0],
      1013: ["bit", 1],
      1014: ["bit", 0],
    },
  },
  // A Huawei UPS on battery.
  4: { hr: { 11024: ["H", 3], 11027: ["H", 0x7fff], 12003: ["H", 87], 12004: ["I", 5_400] } },
};
const WANTED: Record<string, number | string> = {
  "pdu.voltage-l1": 230.2,
  "pdu.voltage-l2": 231.4,
  "pdu.voltage-l3": 229.7,
  "pdu.current-l1": 12.5,
  "pdu.current-l2": "unsupported",
  "pdu.power": -1_250.5,
  "pdu.frequency": 49.98,
  "pdu.energy": 12_345.678,
  "iem.voltage-l1": 229.9,
  "iem.voltage-l2": "not-available",
  "iem.power": 8_400,
  "iem.frequency": 50.02,
  "iem.energy": 98_765_432.1,
  "iem.current-l1": "unsupported",
  "crac.fault": 0,
  "crac.alarm": 1,
  "crac.running": 1,
  "crac.maintenance": 0,
  "crac.winter": "unsupported",
  "ups.on-battery": 1,
  "ups.online": 0,
  "ups.temperature": "not-available",
  "ups.charge": 87,
  "ups.runtime": 5_400,
};
const DEVICES = [
  { id: "pdu", unit: 1, profile: loadProfile("eastron-sdm630") },
  { id: "iem", unit: 2, profile: loadProfile("schneider-iem3000") },
  { id: "crac", unit: 3, profile: loadProfile("stulz-c7000") },
  { id: "ups", unit: 4, profile: loadProfile("huawei-ups2000") },
];

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function overTcp(): Promise<() => Promise<ModbusLink>> {
  const port = await freePort();
  const slave = await startSlave({ tcp: port }, UNITS);
  cleanups.push(slave.stop);
  return () => openModbusTcp({ host: "127.0.0.1", port, clock: systemClock });
}

async function overRtu(): Promise<() => Promise<ModbusLink>> {
  const line = await startSerialPair();
  cleanups.push(line.stop);
  const [device, serial] = line.ends;
  const slave = await startSlave({ serial }, UNITS);
  cleanups.push(slave.stop);
  return () => openModbusRtu({ device, baud: 9_600, parity: "none", clock: systemClock });
}

describe.each([
  ["TCP", overTcp],
  ["a serial line", overRtu],
])("pymodbus over %s", (_, start) => {
  test("is read by the engine: floats, 64 bits, inputs, exceptions and all", async () => {
    const open = await start();
    const last = new Map<string, Measurement>();
    const now = () =>
      Object.fromEntries(
        Object.keys(WANTED).map((id) => {
          const m = last.get(id);
          return [id, m && (m.quality === "bad" ? m.reason : m.value)];
        }),
      );
    const complete = new AbortController();
    const loop = modbusLoop({
      bus: "line",
      open,
      devices: DEVICES,
      clock: systemClock,
      sink: (samples) => {
        for (const { point, measurement } of samples) last.set(point, measurement);
        if (JSON.stringify(now()) === JSON.stringify(WANTED)) complete.abort();
      },
      log: pino({ level: "silent" }),
    });
    const stop = new AbortController();
    const running = loop.run(stop.signal);
    await systemClock.sleep(30_000, complete.signal);
    expect(now()).toEqual(WANTED);
    const [meter, ...others] = loop.health().units ?? [];
    expect(meter).toMatchObject({ device: "pdu", unit: 1, up: true, timeouts: 0, damaged: 0 });
    expect(meter?.exceptions["2"]).toBeGreaterThan(0);
    expect(meter?.missing).toContain("current-l2");
    for (const unit of [meter, ...others]) expect(unit?.ok).toBeGreaterThan(0);
    stop.abort();
    await running;
  }, 60_000);

  test("is probed register by register", async () => {
    const link = await (await start())();
    cleanups.push(() => link.close());
    const { rows, silent } = await probe(link, loadProfile("eastron-sdm630"), 1);
    const row = rows.find(({ field, shift }) => field.id === "power" && shift === 0);
    expect(silent).toBe(false);
    expect([...(row?.wire ?? [])].map(Number)).toEqual([0xc49c, 0x5000]);
    expect(row?.decodes[0]).toMatchObject({ order: "ABCD", decoded: { value: -1_250.5 } });
    expect(rows.find(({ field }) => field.id === "power-factor")?.error).toMatch(/Illegal data/);
  }, 60_000);
});
