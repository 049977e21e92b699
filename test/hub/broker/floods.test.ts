import mqtt, { type MqttClient } from "mqtt";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EmbeddedBroker, startBroker } from "../../../hub/broker/broker.ts";
import type { Guest } from "../../../hub/foreign/guest.ts";
import { until } from "../../system/until.ts";
import { connectPacket, rawClient, variableLength } from "./raw-mqtt.ts";

const DRAIN_MS = 500;
const MB = 1_048_576;
/** Reads everything, as somebody whom the site lets read. */
const reader: Guest = {
  account: "reader",
  take: () => undefined,
  mayWill: () => false,
  maySubscribe: () => true,
  subscribed: () => undefined,
};

let broker: EmbeddedBroker;
let heard: [node: string, text: string][];
let gone: string[];
let clients: MqttClient[];
beforeEach(async () => {
  heard = [];
  gone = [];
  clients = [];
  broker = await startBroker({
    ...{ host: "127.0.0.1", port: 0, log: pino({ level: "silent" }), drainTimeoutMs: DRAIN_MS },
    onMessage: (node, _lane, payload) => heard.push([node, Buffer.from(payload).toString()]),
    onNodeGone: (node) => gone.push(node),
    isKnown: (node) => node === "edge-a",
    guests: {
      admit: (_user, password) => (password?.toString() === "right" ? reader : undefined),
      isReserved: () => false,
    },
  });
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  await broker.close();
});

async function join(clientId: string, options: mqtt.IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(
    `mqtt://127.0.0.1:${broker.port}`,
    { clientId, protocolVersion: 4, reconnectPeriod: 0, ...options },
    false,
  );
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

/** How long an honest node waits until the broker has taken its message. */
async function latencyMs(node: MqttClient): Promise<number> {
  const began = performance.now();
  await node.publishAsync("plenum/v1/edge-honest/data", "here", { qos: 1 });
  return performance.now() - began;
}

test("a CONNECT of 200 MB, trickled, is cut off before 1 MB of it was sent", async () => {
  const client = await rawClient(broker.port);
  let open = true;
  void client.ended.then(() => {
    open = false;
  });
  client.send([0x10], variableLength(200_000_000));
  let sent = 0;
  while (open && sent < 10 * MB) {
    client.send(Buffer.alloc(1_000));
    sent += 1_000;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.ended;
  expect(sent).toBeLessThan(MB);
});

test("1,000 CONNECTs that are refused leave an honest node served within a second", async () => {
  const honest = await join("edge-honest");
  const flood = Array.from({ length: 1_000 }, async () => {
    const client = await rawClient(broker.port).catch(() => undefined);
    client?.send(connectPacket("no node#"));
    await client?.ended;
  });
  const waits: number[] = [];
  for (let i = 0; i < 10; i += 1) waits.push(await latencyMs(honest));
  await Promise.all(flood);
  expect(Math.max(...waits)).toBeLessThan(1_000);
  expect(heard.filter(([node]) => node === "edge-honest")).toHaveLength(10);
});

test("a subscriber that never reads is dropped within the drain time, and others are not delayed", async () => {
  const deaf = await rawClient(broker.port);
  deaf.send(connectPacket("edge-deaf"));
  await deaf.received(4);
  const topic = Buffer.from("plenum/v1/hub/status");
  deaf.send([0x82, topic.length + 5, 0, 1, 0, topic.length], topic, [0]);
  await deaf.received(9);
  deaf.socket.pause();
  const honest = await join("edge-honest");
  const waits: number[] = [];
  const began = performance.now();
  await until("the deaf one dropped", async () => {
    for (let i = 0; i < 20; i += 1) broker.publish("plenum/v1/hub/status", "x".repeat(200_000));
    waits.push(await latencyMs(honest));
    return gone.includes("edge-deaf");
  });
  expect(performance.now() - began).toBeLessThan(DRAIN_MS + 2_000);
  expect(Math.max(...waits)).toBeLessThan(500);
  deaf.socket.destroy();
});

test("birth and status are kept for those who come later, data and live are not, nor anything of strangers", async () => {
  for (const node of ["edge-a", "edge-stranger"]) {
    const client = await join(node);
    for (const lane of ["birth", "status", "live", "data"])
      await client.publishAsync(`plenum/v1/${node}/${lane}`, lane, { qos: 1, retain: true });
  }
  const late = await join("late", { username: "reader", password: "right" });
  const got: string[] = [];
  late.on("message", (topic, payload, { retain }) => got.push(`${topic} ${payload} ${retain}`));
  await late.subscribeAsync("plenum/v1/#", { qos: 1 });
  await until("what was kept", () => got.length >= 2);
  broker.publish("plenum/v1/hub/status", "end", { qos: 1 });
  await until("the end", () => got.some((text) => text.includes("end")));
  expect(got.sort()).toEqual([
    "plenum/v1/edge-a/birth birth true",
    "plenum/v1/edge-a/status status true",
    "plenum/v1/hub/status end false",
  ]);
});
