import { beforeEach, describe, expect, test } from "vitest";
import { QUANTITIES } from "../../../contract/quantity.ts";
import { FakeClock } from "../../fake-clock.ts";
import { foreignExample } from "./example.ts";
import { FeedRig } from "./feed-rig.ts";

const NOW = Date.UTC(2026, 0, 15, 12, 0, 0);
const accounts = foreignExample().foreign ?? [];
let rig: FeedRig;
beforeEach(() => {
  rig = new FeedRig(accounts, new FakeClock(NOW));
});

/** Messages as these makers' devices send them. */
const MESSAGES: [string, string, string, unknown, Record<string, unknown>][] = [
  [
    "Zigbee2MQTT: a sensor's temperature and humidity, at the time it was heard",
    "zigbee",
    "zigbee2mqtt/a02-rear",
    {
      ...{ battery: 97, humidity: 41.32, linkquality: 105, pressure: 1004.2 },
      ...{ temperature: 24.61, voltage: 2985, last_seen: "2026-01-15T13:59:58+02:00" },
    },
    {
      "a02-rear.temp": { at: NOW - 2_000, quality: "good", value: 24.61 },
      "a02-rear.humidity": { at: NOW - 2_000, quality: "good", value: 41.32 },
    },
  ],
  [
    "Zigbee2MQTT: a sensor that has not reported yet says null",
    "zigbee",
    "zigbee2mqtt/0x00158D0003030AF1",
    { battery: null, humidity: null, linkquality: 51, temperature: null },
    { "0x00158d0003030af1.temp": { quality: "bad", reason: "not-available" } },
  ],
  [
    "Zigbee2MQTT: a leak, with the battery written as text",
    "zigbee",
    "zigbee2mqtt/leak-1",
    { battery: "100.00", voltage: 3045, linkquality: 99, water_leak: true },
    { "leak-1.wet": { value: 1 }, "leak-1.battery": { value: 100 } },
  ],
  [
    "Zigbee2MQTT: a closed contact is true, and the point ajar is 0",
    "zigbee",
    "zigbee2mqtt/back-door",
    { contact: true, linkquality: 128 },
    { "back-door.ajar": { value: 0 } },
  ],
  [
    "Shelly, first generation: power as plain text",
    "shelly-plug",
    "shellies/shellyplug-s-4A3F21/relay/0/power",
    "45.27",
    { "a01.power": { at: NOW, value: 45.27 } },
  ],
  [
    "Shelly, first generation: 90,000 watt-minutes are 1.5 kWh",
    "shelly-plug",
    "shellies/shellyplug-s-4A3F21/relay/0/energy",
    "90000",
    { "a01.energy": { value: 1.5 } },
  ],
  [
    "Shelly, first generation: a relay says on",
    "shelly-plug",
    "shellies/shellyplug-s-4A3F21/relay/0",
    "on",
    { "a01.switched-on": { value: 1 } },
  ],
  [
    "Shelly, second generation: a full status after waking up",
    "shelly-ht",
    "shellyplusht-b8d61a8b17cc/events/rpc",
    {
      src: "shellyplusht-b8d61a8b17cc",
      dst: "shellyplusht-b8d61a8b17cc/events",
      method: "NotifyFullStatus",
      params: {
        ts: NOW / 1_000 - 3.38,
        "devicepower:0": { id: 0, battery: { V: 0.43, percent: 0 }, external: { present: true } },
        "humidity:0": { id: 0, rh: 42.2 },
        sys: { mac: "B8D61A8B17CC", time: null, unixtime: null, uptime: 3 },
        "temperature:0": { id: 0, tC: 19.8, tF: 67.6 },
      },
    },
    { "a02.ambient": { at: NOW - 3_380, quality: "good", value: 19.8 } },
  ],
  [
    "Shelly, second generation: the status of one component",
    "shelly-ht",
    "shellyplusht-b8d61a8b17cc/status/humidity:0",
    { id: 0, rh: 42.2 },
    { "a02.ambient-humidity": { at: NOW, value: 42.2 } },
  ],
  [
    "Tasmota: a metering plug; its local Time is not believed",
    "tasmota",
    "tele/tasmota_C59B5E/SENSOR",
    {
      Time: "2026-01-15T03:04:05",
      ENERGY: { Total: 1.956, Yesterday: 0.054, Power: 9, Factor: 0.43, Voltage: 231 },
    },
    { "tasmota_c59b5e.load": { at: NOW, value: 9 } },
  ],
  [
    "Tasmota: 68 °F are 20 °C",
    "tasmota",
    "tele/comms/SENSOR",
    { Time: "2026-01-15T03:04:05", SI7021: { Temperature: 68, Humidity: 37 }, TempUnit: "F" },
    { "comms.room-temp": { value: 20 } },
  ],
  [
    "Tasmota: a relay in the state message",
    "tasmota",
    "tele/comms/STATE",
    { Time: "2026-01-15T03:04:05", Uptime: "0T00:00:11", POWER: "OFF", Wifi: { RSSI: 30 } },
    { "comms.fan-on": { value: 0 } },
  ],
  [
    "ESPHome: 0.123 hPa are 12.3 Pa",
    "esphome",
    "floor-sensor/sensor/floor_pressure/state",
    "0.123",
    { "comms.pressure": { value: 12.3 } },
  ],
  [
    "ESPHome: nan is a bad reading",
    "esphome",
    "floor-sensor/sensor/floor_pressure/state",
    "nan",
    { "comms.pressure": { quality: "bad", reason: "not-available" } },
  ],
  [
    "ESPHome: smoke is ON",
    "esphome",
    "floor-sensor/binary_sensor/smoke/state",
    "ON",
    { "comms.smoke": { value: 1 } },
  ],
];

test.each(MESSAGES)("%s", (_, account, topic, payload, wanted) => {
  rig.say(account, topic, payload);
  for (const [point, reading] of Object.entries(wanted)) {
    expect(rig.reading(point), point).toMatchObject(reading as object);
    expect(rig.stored.find((row) => row.point === point)).toEqual(rig.reading(point));
    expect(rig.live.point(point)?.node).toBe(account);
  }
  expect(rig.refused(account)).toBe(0);
});

describe("what devices send besides", () => {
  test("a message on a topic nothing is made of is ignored, and no fault", () => {
    rig.say("zigbee", "zigbee2mqtt/bridge/logging", { level: "info", message: "hello" });
    rig.say("shelly-plug", "shellies/announce", { id: "shellyplug-s-4A3F21" });
    expect(rig.feed("zigbee").ignored).toBe(1);
    expect([rig.refused("zigbee"), rig.refused("shelly-plug")]).toEqual([0, 0]);
    expect(rig.stored).toEqual([]);
  });

  test("a notification about another component says nothing about this point", () => {
    const params = { ts: NOW / 1_000, "switch:0": { id: 0, apower: 8.9 } };
    rig.say("shelly-ht", "shellyplusht-b8d61a8b17cc/events/rpc", {
      method: "NotifyStatus",
      params,
    });
    expect(rig.reading("a02.ambient")).toBeNull();
    expect(rig.refused("shelly-ht")).toBe(0);
  });

  test.each(["unavailable", "unknown", "NaN", "null", "None", "", "-"])(
    "%j is a bad reading, not a number and no fault",
    (text) => {
      rig.say("shelly-plug", "shellies/shellyplug-s-4A3F21/relay/0/power", text);
      expect(rig.reading("a01.power")).toMatchObject({ quality: "bad", reason: "not-available" });
      expect(rig.refused("shelly-plug")).toBe(0);
    },
  );

  test.each([
    "45,27",
    "45.27 W",
    "0x2D",
    "Infinity",
    "1e999",
    "[45]",
    "{}",
    "true",
    "x".repeat(90),
  ])("%s for a number is refused and counted, and the last reading stays to grow stale", (text) => {
    rig.say("shelly-plug", "shellies/shellyplug-s-4A3F21/relay/0/power", "45.2");
    rig.say("shelly-plug", "shellies/shellyplug-s-4A3F21/relay/0/power", text);
    expect(rig.refused("shelly-plug")).toBe(1);
    expect(rig.reading("a01.power")).toMatchObject({ value: 45.2 });
    expect(rig.stored).toHaveLength(1);
  });

  test("a word that is neither of those for on and off is refused", () => {
    rig.say("tasmota", "tele/comms/STATE", { POWER: "AN" });
    expect(rig.reading("comms.fan-on")).toBeNull();
    expect(rig.refused("tasmota")).toBe(1);
  });

  test("a value no real room can show is in doubt, not good", () => {
    rig.say("zigbee", "zigbee2mqtt/a02-rear", { temperature: 850 });
    expect(rig.reading("a02-rear.temp")).toMatchObject({
      ...{ quality: "uncertain", value: 850, reason: "implausible" },
    });
    expect(QUANTITIES.temperature.max).toBeLessThan(850);
  });
});
