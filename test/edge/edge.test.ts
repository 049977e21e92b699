import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Birth, NodeStatus } from "../../contract/message.ts";
import { parseRow } from "../../contract/row.ts";
import { DeviceError, type I2cPort } from "../../edge/bus/port.ts";
import type { Ports } from "../../edge/buses.ts";
import { ownCatalogue } from "../../edge/config/catalogue.ts";
import { checkEdge } from "../../edge/config/check.ts";
import { type Edge, startEdge } from "../../edge/edge.ts";
import { VERSION } from "../../edge/version.ts";
import { until } from "../system/until.ts";
import { FakeGpio } from "./doors/fake-gpio.ts";
import { silent, TempSpool } from "./spool/temp-spool.ts";
import { HubStub } from "./uplink/hub-stub.ts";

let temp: TempSpool;
let hub: HubStub;
let gpio: FakeGpio;
let edge: Edge | undefined;
beforeEach(async () => {
  temp = new TempSpool();
  hub = await new HubStub("edge-1").start();
  gpio = new FakeGpio();
});
afterEach(async () => {
  if (edge) await Promise.all([edge.stop(), temp.clock.advance(10_000)]);
  edge = undefined;
  await hub.stop();
  temp.remove();
});

/** An SHT31 that always answers 23.7 °C and 63 %RH (the data sheet's words), or nothing at all. */
function i2cBus(chip: { present: boolean }): I2cPort {
  const answer = Uint8Array.from([0x64, 0x8b, 0xc7, 0xa1, 0x33, 0x1c]);
  const talk = async <T>(value: T): Promise<T> => {
    if (chip.present) return value;
    throw new DeviceError("no-answer", "no acknowledgement");
  };
  return {
    write: () => talk(undefined),
    read: () => talk(answer),
    writeRead: () => talk(answer),
    close: async () => undefined,
  };
}

async function start(chip = { present: true }, more = ""): Promise<Edge> {
  const text = `
node: edge-1
hub: { url: "mqtt://127.0.0.1:${hub.port}" }
spool: { path: "${temp.path}" }
buses:
  - { id: i2c-1, type: i2c, device: /dev/i2c-1 }
  - { id: gpio, type: gpio, chip: auto }
devices:
  - { id: top, bus: i2c-1, driver: sht31, address: 0x44, every: 2s, points: { temperature: a01.inlet-top, humidity: a01.humidity } }
doors:
  - { id: door-a1, label: Door A1, bus: gpio, line: 17 }
${more}`;
  const checked = checkEdge(text, "edge.yaml", ownCatalogue());
  if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems));
  const none = () => Promise.reject(new DeviceError("bus", "not there"));
  const ports: Ports = {
    i2c: async () => i2cBus(chip),
    gpio: async () => gpio,
    oneWire: none,
    modbus: none,
    nut: none,
    kernel: none,
  };
  edge = await startEdge(checked.config, {
    clock: temp.clock,
    log: silent,
    boot: { id: "boot-1", baseMs: 0 },
    troubleFile: `${temp.path}.restarts`,
    ports,
    evidence: async () => ({ service: "synced", hardwareClock: false }),
  });
  return edge;
}

const readings = (point: string) =>
  [...hub.stored.values()].flatMap((row) => {
    const parsed = parseRow(row);
    return parsed.kind === "reading" && parsed.reading.point === point ? [parsed.reading] : [];
  });
const events = () =>
  [...hub.stored.values()].flatMap((row) => {
    const parsed = parseRow(row);
    return parsed.kind === "event" ? [parsed.event.what] : [];
  });

test("what a sensor measures is announced, shown live and stored, and then leaves the spool", async () => {
  const node = await start();
  await until("birth", () => hub.of("birth").length > 0);
  const birth = hub.of("birth")[0]?.payload as Birth;
  expect(birth.points.slice(0, 3).map(({ id }) => id)).toEqual([
    "a01.inlet-top",
    "a01.humidity",
    "door-a1.open",
  ]);
  expect(birth.doors).toEqual([{ id: "door-a1", label: "Door A1" }]);
  await until("10 readings", async () => {
    await temp.clock.advance(1_000);
    return readings("a01.inlet-top").length >= 10;
  });
  for (const reading of readings("a01.inlet-top"))
    expect(reading).toMatchObject({ quality: "good", value: expect.closeTo(23.7, 1) });
  expect(JSON.stringify(hub.of("live").map(({ payload }) => payload))).toContain("a01.humidity");
  expect(events()).toEqual(["started"]);
  // The node's own points are announced as each gets its first value.
  const newest = hub.of("birth").at(-1)?.payload as Birth;
  const own = newest.points.slice(3).map(({ id }) => id);
  expect(own).toEqual(expect.arrayContaining(["edge-1.memory", "edge-1.clock-synced"]));
  for (const id of own) expect(readings(id).length).toBeGreaterThan(0);
  expect(node.spool.backlog).toBeLessThan(10 + own.length);
});

test("an unplugged sensor gives bad readings, never a value", async () => {
  const chip = { present: true };
  await start(chip);
  await until("a reading", async () => {
    await temp.clock.advance(1_000);
    return readings("a01.inlet-top").length > 0;
  });
  chip.present = false;
  await until("3 bad ones", async () => {
    await temp.clock.advance(1_000);
    return readings("a01.inlet-top").filter(({ quality }) => quality === "bad").length >= 3;
  });
  expect(readings("a01.inlet-top").at(-1)).toEqual({
    point: "a01.inlet-top",
    at: expect.any(Number),
    quality: "bad",
    reason: "no-answer",
  });
});

test("an opened door is stored at the hub as soon as it held 100 ms, without waiting for the commit window", async () => {
  await start();
  await until("connected", () => edge?.connected());
  await temp.clock.advance(500);
  const before = temp.clock.nowMs();
  gpio.set(17, 1);
  await temp.clock.advance(100);
  await until("the event", () => events().includes("opened"));
  await until("the live value", () =>
    JSON.stringify(hub.of("live").at(-1)?.payload).includes('["door-a1.open",'),
  );
  expect(temp.clock.nowMs() - before).toBe(100);
});

test("a stop commits what is pending and says offline; the next start carries on in the same spool", async () => {
  hub.acks = "never";
  const first = await start();
  await until("connected", () => first.connected());
  await temp.clock.advance(1_000);
  const stopped = first.stop();
  await Promise.all([stopped, first.done, temp.clock.advance(10_000)]);
  await until("offline", () =>
    hub.of("status").some(({ payload }) => JSON.stringify(payload).includes('"offline"')),
  );
  const db = new Sqlite(temp.path, { readonly: true });
  const { n } = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM rows").get() ?? { n: 0 };
  db.close();
  expect(n).toBeGreaterThanOrEqual(4);
  hub.acks = "always";
  const second = await start();
  expect(second.epoch).toBe(first.epoch);
  await until("all stored", async () => {
    await temp.clock.advance(1_000);
    return hub.stored.size >= n;
  });
});

test("a disk that refuses a commit ends the program with the reason", async () => {
  const node = await start();
  const ended = expect(node.done).rejects.toThrow(/no such table/);
  const db = new Sqlite(temp.path);
  db.exec("DROP TABLE rows");
  db.close();
  await temp.clock.advance(5_000);
  await ended;
  await expect(node.stop()).rejects.toThrow();
  edge = undefined;
});

const ALONE = `alarms:
  - { id: inlet-warm, local: true, points: ["*.inlet-top"], above: 20, deadband: 1, onDelay: 5s, priority: 1 }
outputs:
  - { id: beacon, bus: gpio, line: 5, safe: off }
  - { id: siren, bus: gpio, line: 6, safe: on, alone: 1h }
`;

test("without a hub a local rule switches its output, and the alarm reaches the hub later with its own time", async () => {
  const { port } = hub;
  await hub.stop();
  await start({ present: true }, ALONE);
  const startedAt = temp.clock.nowMs();
  await until("the output", async () => {
    await temp.clock.advance(1_000);
    return gpio.written.get(5) === 1;
  });
  const onAt = temp.clock.nowMs();
  expect(onAt - startedAt).toBeLessThanOrEqual(10_000);
  expect(gpio.written.get(6)).toBe(0);
  hub = await new HubStub("edge-1").start(port);
  await until("the event", async () => {
    await temp.clock.advance(1_000);
    return events().includes("raised");
  });
  const raised = [...hub.stored.values()]
    .map(parseRow)
    .find((row) => row.kind === "event" && row.event.what === "raised");
  expect(raised).toMatchObject({
    event: {
      type: "alarm",
      rule: "inlet-warm",
      subject: "a01.inlet-top",
      occurrence: 1,
      priority: 1,
    },
  });
  if (raised?.kind === "event") expect(raised.event.at).toBeLessThanOrEqual(onAt);
  expect(events().filter((what) => what === "raised")).toHaveLength(1);
  const status = hub.of("status").at(-1)?.payload as NodeStatus;
  expect(status.alarms).toMatchObject([{ rule: "inlet-warm", occurrence: 1, acknowledged: false }]);
  await edge?.stop();
  expect([gpio.written.get(5), gpio.written.get(6)]).toEqual([0, 1]);
});

test("the third restart by a refusing disk is on memory only, and the status says so", async () => {
  const trouble = { bootId: "boot-1", atMs: [0, 0, 0] };
  writeFileSync(`${temp.path}.restarts`, JSON.stringify(trouble));
  const node = await start();
  expect(node.durable).toBe(false);
  await until("the event", async () => {
    await temp.clock.advance(1_000);
    return events().includes("not-durable");
  });
  expect(hub.of("status").at(-1)?.payload).toMatchObject({ durable: false });
  expect(existsSync(temp.path)).toBe(false);
});

test("the version is that of the package", () => {
  const file = path.join(import.meta.dirname, "../../edge/package.json");
  expect(JSON.parse(readFileSync(file, "utf8")).version).toBe(VERSION);
});
