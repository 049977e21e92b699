import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_PAYLOAD_BYTES } from "../../../contract/message.ts";
import { type Broker, startBroker } from "../../../hub/broker/broker.ts";
import { connectPacket, publishPacket, rawClient, variableLength } from "./raw-mqtt.ts";

const log = pino({ level: "silent" });
let broker: Broker;
let heard: [node: string, lane: string, text: string][];
let gone: string[];
let clients: MqttClient[];

async function start({ connectTimeoutMs = 300 } = {}): Promise<void> {
  broker = await startBroker({
    host: "127.0.0.1",
    port: 0,
    log,
    onMessage: (node, lane, payload) => heard.push([node, lane, Buffer.from(payload).toString()]),
    onNodeGone: (node) => gone.push(node),
    connectTimeoutMs,
  });
}

beforeEach(async () => {
  heard = [];
  gone = [];
  clients = [];
  await start();
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  await broker.close();
});

async function join(clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(
    `mqtt://127.0.0.1:${broker.port}`,
    { clientId, protocolVersion: 4, clean: true, reconnectPeriod: 0, ...options },
    false,
  );
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

const closed = (client: MqttClient) =>
  new Promise<void>((resolve) => client.once("close", () => resolve()));
const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 5_000 });

/** The broker still serves an honest node. */
async function expectOthersServed() {
  const other = await join("edge-honest");
  await other.publishAsync("plenum/v1/edge-honest/data", "still here", { qos: 1 });
  await eventually(() => heard.at(-1)).toEqual(["edge-honest", "data", "still here"]);
  await other.endAsync();
}

test("what a node publishes on its four lanes is heard in order, with QoS 0 and 1", async () => {
  const node = await join("edge-a");
  const sent = ["birth", "status", "live", "data", "live", "data"];
  sent.forEach((lane, i) => {
    node.publish(`plenum/v1/edge-a/${lane}`, `${i}`, { qos: i % 2 === 0 ? 0 : 1 });
  });
  await eventually(() => heard).toEqual(sent.map((lane, i) => ["edge-a", lane, `${i}`]));
});

test("a node hears its own ack and cmd and the hub's retained status", async () => {
  broker.publish("plenum/v1/hub/status", "hub here", { retain: true, qos: 1 });
  const node = await join("edge-a");
  const got: string[] = [];
  node.on("message", (topic, payload) => got.push(`${topic} ${payload}`));
  const granted = await node.subscribeAsync(
    ["plenum/v1/edge-a/ack", "plenum/v1/edge-a/cmd", "plenum/v1/hub/status"],
    { qos: 1 },
  );
  expect(granted.map(({ qos }) => qos)).toEqual([1, 1, 1]);
  broker.publish("plenum/v1/edge-a/ack", "7");
  broker.publish("plenum/v1/edge-b/ack", "8");
  broker.publish("plenum/v1/edge-a/cmd", "blink", { qos: 1 });
  await eventually(() => [...got].sort()).toEqual([
    "plenum/v1/edge-a/ack 7",
    "plenum/v1/edge-a/cmd blink",
    "plenum/v1/hub/status hub here",
  ]);
});

test.each([
  "#",
  "+/+/+/ack",
  "$SYS/#",
  "plenum/v1/+/cmd",
  "plenum/v1/edge-b/ack",
  "plenum/v1/edge-a/data",
  "plenum/v1/edge-a/#",
  "plenum/v1/+/status",
  "plenum/v1/hubs/#",
])("a subscription to %s is refused with 128 and nothing leaks", async (topic) => {
  const node = await join("edge-a");
  const got: string[] = [];
  node.on("message", (to) => got.push(to));
  await expect(node.subscribeAsync(topic)).rejects.toThrow(/128|Unspecified/);
  await node.subscribeAsync("plenum/v1/edge-a/ack");
  broker.publish("plenum/v1/edge-b/ack", "secret");
  broker.publish("plenum/v1/edge-b/cmd", "secret");
  broker.publish("plenum/v1/edge-a/ack", "mine");
  await eventually(() => got).toEqual(["plenum/v1/edge-a/ack"]);
  expect(broker.refused).toBe(1);
});

test("any client may hear the hub's status and alarms: 500 kept ones at once, and each change after", async () => {
  const alarm = (i: number) => `plenum/v1/hub/alarms/inlet-high.a${i}`;
  const wanted = Array.from({ length: 500 }, (_, i) => `${alarm(i)} active`);
  for (let i = 0; i < 500; i += 1) broker.publish(alarm(i), "active", { retain: true, qos: 1 });
  const client = await join("building-management");
  const got: string[] = [];
  client.on("message", (topic, payload) => got.push(`${topic} ${payload}`));
  await client.subscribeAsync("plenum/v1/hub/#", { qos: 1 });
  await eventually(() => [...got].sort()).toEqual(wanted.sort());
  got.length = 0;
  for (let i = 0; i < 100; i += 1) {
    broker.publish(alarm(i), "normal", { retain: true, qos: 1 });
    broker.publish("plenum/v1/edge-b/ack", "secret", { qos: 1 });
  }
  await eventually(() => got.length).toBe(100);
  expect(got.every((message) => message.endsWith(" normal"))).toBe(true);
});

test.each(["plenum/v1/hub/alarms/#", "plenum/v1/hub/alarms/+", "plenum/v1/hub/status"])(
  "any client may subscribe to %s",
  async (topic) => {
    const granted = await (await join("edge-a")).subscribeAsync(topic, { qos: 1 });
    expect(granted.map(({ qos }) => qos)).toEqual([1]);
  },
);

test.each([
  "plenum/v1/edge-b/data",
  "plenum/v1/edge-a/ack",
  "plenum/v1/hub/status",
  "plenum/v1/edge-a/data/more",
  "elsewhere",
  "$SYS/x/new/clients",
])("a node that publishes to %s is cut off, nothing is heard, and edge-b stays", async (topic) => {
  const other = await join("edge-b");
  const node = await join("edge-a");
  const cut = closed(node);
  node.publish(topic, "edge-b", { qos: 0 });
  await cut;
  await eventually(() => gone).toEqual(["edge-a"]);
  expect(other.connected).toBe(true);
  expect(heard).toEqual([]);
  await expectOthersServed();
  expect(broker.refused).toBe(1);
});

test("a node that publishes with QoS 2 is cut off", async () => {
  const node = await join("edge-a");
  const cut = closed(node);
  node.publish("plenum/v1/edge-a/data", "x", { qos: 2 });
  await cut;
  expect(heard).toEqual([]);
});

test("a retained data message is heard once and the node stays", async () => {
  const node = await join("edge-a");
  await node.publishAsync("plenum/v1/edge-a/data", "kept?", { qos: 1, retain: true });
  await eventually(() => heard).toEqual([["edge-a", "data", "kept?"]]);
  expect(node.connected).toBe(true);
});

test.each([
  "",
  "hub",
  "hub-derived",
  "a/b+#",
  "__proto__",
  "Edge",
  "x".repeat(65),
  "edge\u0000a",
  "édge",
])("client id %j is refused with code 2", async (clientId) => {
  const client = await rawClient(broker.port);
  client.send(connectPacket(clientId));
  expect([...(await client.received(4))]).toEqual([0x20, 2, 0, 2]);
  await client.ended;
  await expectOthersServed();
});

test("a client without keep-alive is refused: its death would never be noticed", async () => {
  const client = await rawClient(broker.port);
  client.send(connectPacket("edge-a", 0));
  expect([...(await client.received(4))]).toEqual([0x20, 2, 0, 6]);
  await client.ended;
});

test("a session is never kept: what was sent while the node was away does not come", async () => {
  const first = await join("edge-a", { clean: false });
  await first.subscribeAsync("plenum/v1/edge-a/cmd", { qos: 1 });
  await first.endAsync();
  await eventually(() => gone).toEqual(["edge-a"]);
  broker.publish("plenum/v1/edge-a/cmd", "late", { qos: 1 });
  const again = await join("edge-a", { clean: false });
  const got: string[] = [];
  again.on("message", (_, payload) => got.push(payload.toString()));
  await again.subscribeAsync("plenum/v1/edge-a/cmd", { qos: 1 });
  broker.publish("plenum/v1/edge-a/cmd", "now", { qos: 1 });
  await eventually(() => got).toEqual(["now"]);
});

describe("when a connection ends", () => {
  const will = {
    topic: "plenum/v1/edge-a/status",
    payload: "offline",
    qos: 1,
    retain: true,
  } as const;

  test("without a goodbye, the last will is heard and the node is gone", async () => {
    const node = await join("edge-a", { will });
    node.stream.destroy();
    await eventually(() => gone).toEqual(["edge-a"]);
    await eventually(() => heard).toEqual([["edge-a", "status", "offline"]]);
  });

  test("with a goodbye, the node is gone without its last will", async () => {
    const node = await join("edge-a", { will });
    await node.endAsync();
    await eventually(() => gone).toEqual(["edge-a"]);
    expect(heard).toEqual([]);
  });

  test("because a newer connection of the same node takes over, the node is not gone", async () => {
    const first = await join("edge-a", { will });
    const cut = closed(first);
    const second = await join("edge-a", { will });
    await cut;
    await second.publishAsync("plenum/v1/edge-a/live", "here", { qos: 1 });
    await eventually(() => heard).toEqual([
      ["edge-a", "status", "offline"],
      ["edge-a", "live", "here"],
    ]);
    expect(gone).toEqual([]);
    await second.endAsync();
    await eventually(() => gone).toEqual(["edge-a"]);
  });

  test.each([
    ["another node's status", { ...will, topic: "plenum/v1/edge-b/status" }],
    ["its own data", { ...will, topic: "plenum/v1/edge-a/data" }],
    ["5,000 bytes", { ...will, payload: "x".repeat(5_000) }],
    ["QoS 2", { ...will, qos: 2 as const }],
  ])("a last will with %s is refused when the node connects", async (_, bad) => {
    await expect(join("edge-a", { will: bad })).rejects.toThrow(/Identifier rejected/);
    expect(heard).toEqual([]);
  });
});

describe("against strangers", () => {
  test("a packet of 200 MB announced before CONNECT ends the connection at once", async () => {
    const client = await rawClient(broker.port);
    client.send([0x10], variableLength(200_000_000), Buffer.alloc(1_000));
    await client.ended;
    await expectOthersServed();
  });

  test("a message of 256 KiB is taken; one byte more ends the connection", async () => {
    const node = await join("edge-a");
    const full = "x".repeat(MAX_PAYLOAD_BYTES);
    await node.publishAsync("plenum/v1/edge-a/data", full, { qos: 1 });
    await eventually(() => heard.length).toBe(1);
    const cut = closed(node);
    node.publish("plenum/v1/edge-a/data", `${full}x`, { qos: 0 });
    await cut;
    expect(heard).toHaveLength(1);
    await expectOthersServed();
  });

  test("a message of 100 MB is cut off long before it is in memory", async () => {
    const client = await rawClient(broker.port);
    client.send(connectPacket("edge-a"));
    await client.received(4);
    client.send([0x30], variableLength(100_000_000), Buffer.alloc(10_000));
    await client.ended;
    await expectOthersServed();
  });

  test("a connection that says nothing, or one byte, ends after the connect time", async () => {
    const silent = await rawClient(broker.port);
    const slow = await rawClient(broker.port);
    slow.send([0x10]);
    await Promise.all([silent.ended, slow.ended]);
  });

  test("of 400 connections that say nothing only the newest 200 stay, and a node gets in", async () => {
    await broker.close();
    await start({ connectTimeoutMs: 60_000 });
    const idle = await Promise.all(Array.from({ length: 400 }, () => rawClient(broker.port)));
    let ended = 0;
    for (const client of idle)
      void client.ended.then(() => {
        ended += 1;
      });
    await eventually(() => ended).toBe(200);
    await expectOthersServed();
    for (const { socket } of idle) socket.destroy();
  });

  test.each([
    ["a NUL", Buffer.from("plenum/v1/edge-a/data\0")],
    ["bytes that are no UTF-8", Buffer.from([0x70, 0xff, 0xfe])],
    ["U+FFFE", Buffer.from("plenum/v1/edge-a/data\ufffe")],
    ["150 levels", Buffer.from("a/".repeat(150))],
    ["a wildcard", Buffer.from("plenum/v1/+/data")],
    ["60,000 characters", Buffer.alloc(60_000, "a")],
    ["nothing", Buffer.alloc(0)],
  ])("a topic of %s ends the connection and reaches nobody", async (_, topic) => {
    const client = await rawClient(broker.port);
    client.send(connectPacket("edge-a"));
    await client.received(4);
    client.send(publishPacket(topic));
    await client.ended;
    expect(heard).toEqual([]);
    await expectOthersServed();
  });

  test.each([
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["a PUBLISH before CONNECT", publishPacket(Buffer.from("plenum/v1/edge-a/data"))],
    ["two CONNECTs", Buffer.concat([connectPacket("edge-a"), connectPacket("edge-a")])],
    ["random bytes", Buffer.from("f00dfeedc0ffee00112233445566778899aabbccddeeff", "hex")],
  ])("%s ends the connection", async (_, bytes) => {
    const client = await rawClient(broker.port);
    client.send(bytes);
    await client.ended;
    expect(heard).toEqual([]);
    await expectOthersServed();
  });
});

test("closing ends every connection and reports nobody as gone", async () => {
  const node = await join("edge-a");
  const cut = closed(node);
  const silent = await rawClient(broker.port);
  await broker.close();
  await Promise.all([cut, silent.ended]);
  expect(gone).toEqual([]);
  await start();
});
