import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Broker, startBroker } from "../../../hub/broker/broker.ts";
import { guestBook } from "../../../hub/foreign/guest-book.ts";
import { foreignExample, passwordOf } from "./example.ts";
import { FeedRig } from "./feed-rig.ts";

const log = pino({ level: "silent" });
const POWER = "shellies/shellyplug-s-4A3F21/relay/0/power";
let broker: Broker;
let rig: FeedRig;
let heard: string[];
let readings: string[];
let clients: MqttClient[];

beforeEach(async () => {
  const { foreign = [], readers = [] } = foreignExample();
  [heard, readings, clients] = [[], [], []];
  rig = new FeedRig(foreign);
  broker = await startBroker({
    ...{ host: "127.0.0.1", port: 0, log },
    onMessage: (node, lane) => heard.push(`${node} ${lane}`),
    onNodeGone: (node) => heard.push(`${node} gone`),
    guests: guestBook({
      ...{ feeds: foreign.map(({ id }) => rig.feed(id)), readers },
      ...{ readable: ["homeassistant"], onReader: (filter) => readings.push(filter) },
    }),
  });
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  await broker.close();
});

async function join(options: IClientOptions): Promise<MqttClient> {
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const client = await connectAsync(url, { reconnectPeriod: 0, ...options }, false);
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}
const plug = (options: IClientOptions = {}) =>
  join({
    ...{ clientId: "shellyplug-s-4A3F21", username: "shelly-plug" },
    ...{ password: passwordOf("SHELLY_PASSWORD"), ...options },
  });
const reader = () =>
  join({
    ...{ clientId: "ha", username: "home-assistant" },
    password: passwordOf("HOME_ASSISTANT_PASSWORD"),
  });
const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 5_000 });

test("a device with user name and password is heard on its mapped topic, retained or not", async () => {
  const device = await plug();
  await device.publishAsync(POWER, "45.2", { qos: 1, retain: true });
  await eventually(() => rig.reading("a01.power")).toMatchObject({ value: 45.2 });
});

test.each([
  ["a wrong password", { password: "wrong-password-1" }],
  ["no password", { password: undefined }],
  ["a user name nobody has", { username: "shelly-plug2" }],
  ["another account's password", { username: "tasmota" }],
  ["an inherited name", { username: "__proto__" }],
])("%s is refused with code 4, bad user name or password", async (_, options) => {
  await expect(plug(options)).rejects.toMatchObject({ code: 4 });
  expect(broker.refused).toBe(1);
});

test("a client without a password cannot pass for an account's node", async () => {
  await expect(join({ clientId: "shelly-plug" })).rejects.toMatchObject({ code: 2 });
  await expect(join({ clientId: "home-assistant" })).rejects.toMatchObject({ code: 2 });
  await join({ clientId: "edge-a" });
});

test("a device whose client id is a node's name does not throw that node out", async () => {
  const node = await join({ clientId: "edge-a" });
  const device = await plug({ clientId: "edge-a" });
  await device.publishAsync(POWER, "45", { qos: 1 });
  await node.publishAsync("plenum/v1/edge-a/status", "x", { qos: 1 });
  await eventually(() => heard).toEqual(["edge-a status"]);
  await device.endAsync(true);
  await node.publishAsync("plenum/v1/edge-a/live", "x", { qos: 1 });
  await eventually(() => heard).toEqual(["edge-a status", "edge-a live"]);
});

test("a device reaches nobody: not a node's lanes, not its commands, not another account's topics", async () => {
  const node = await join({ clientId: "edge-a" });
  const got: string[] = [];
  node.on("message", (topic) => got.push(topic));
  await node.subscribeAsync(["plenum/v1/edge-a/cmd", "plenum/v1/hub/#"], { qos: 1 });
  const device = await plug();
  for (const topic of [
    ...["plenum/v1/edge-a/cmd", "plenum/v1/edge-a/data", "plenum/v1/edge-a/ack"],
    ...["plenum/v1/hub/alarms/x", "tele/comms/SENSOR", "$SYS/x/new/clients", "homeassistant/x"],
  ])
    await device.publishAsync(topic, '{"SI7021":{"Temperature":99}}', { qos: 1, retain: true });
  broker.publish("plenum/v1/edge-a/cmd", "real", { qos: 1 });
  await eventually(() => got).toEqual(["plenum/v1/edge-a/cmd"]);
  expect(heard).toEqual([]);
  expect(rig.stored).toEqual([]);
  expect(rig.feed("shelly-plug").ignored).toBe(7);
  expect(device.connected).toBe(true);
});

test("a device may subscribe to nothing, and stays connected", async () => {
  const device = await plug();
  for (const topic of ["#", "shellies/command", "plenum/v1/hub/#", "homeassistant/#"])
    await expect(device.subscribeAsync(topic)).rejects.toThrow(/128|Unspecified/);
  expect(device.connected).toBe(true);
});

test("a device's last will counts when its topic is mapped, and is no hindrance when not", async () => {
  const off = { topic: "shellies/shellyplug-s-4A3F21/relay/0", payload: Buffer.from("off") };
  const device = await plug({ will: { ...off, qos: 0, retain: true } });
  device.stream.destroy();
  await eventually(() => rig.reading("a01.switched-on")).toMatchObject({ value: 0 });
  const online = { topic: "shellies/shellyplug-s-4A3F21/online", payload: Buffer.from("false") };
  const other = await plug({ will: { ...online, qos: 0, retain: true } });
  await other.publishAsync(POWER, "3", { qos: 1 });
  await eventually(() => rig.reading("a01.power")).toMatchObject({ value: 3 });
});

test("a reader reads the hub's topics and Home Assistant's, and nothing else; what it says is dropped", async () => {
  broker.publish("homeassistant/sensor/x/config", "{}", { retain: true, qos: 1 });
  const client = await reader();
  const got: string[] = [];
  client.on("message", (topic) => got.push(topic));
  await client.subscribeAsync(["homeassistant/#", "plenum/v1/hub/#"], { qos: 1 });
  for (const topic of [
    "#",
    "+/#",
    "plenum/#",
    "plenum/v1/edge-a/cmd",
    "homeassistant2/#",
    "$SYS/#",
  ])
    await expect(client.subscribeAsync(topic)).rejects.toThrow(/128|Unspecified/);
  await client.publishAsync("homeassistant/status", "online", { qos: 1, retain: true });
  await client.publishAsync("plenum/v1/edge-a/data", "{}", { qos: 1 });
  broker.publish("homeassistant/sensor/x/state", "1", { retain: true, qos: 1 });
  await eventually(() => got).toEqual([
    ...["homeassistant/sensor/x/config", "homeassistant/sensor/x/state"],
  ]);
  expect(heard).toEqual([]);
  expect(client.connected).toBe(true);
  expect(readings).toEqual(["homeassistant/#", "plenum/v1/hub/#"]);
});

test("a list of 1 MB from a bridge is let through and ignored; one of 3 MB ends the connection", async () => {
  const device = await plug();
  await device.publishAsync("zigbee2mqtt/bridge/devices", Buffer.alloc(1_000_000, 32), { qos: 1 });
  expect(rig.feed("shelly-plug").ignored).toBe(1);
  const closed = new Promise<void>((resolve) => device.once("close", () => resolve()));
  device.publish("zigbee2mqtt/bridge/devices", Buffer.alloc(3_000_000, 32), { qos: 0 });
  await closed;
});
