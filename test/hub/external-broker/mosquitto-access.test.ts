import type { MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../system/until.ts";
import { type Certificate, Mosquitto } from "./mosquitto.ts";

let broker: Mosquitto;
const identities: Record<string, Certificate> = {};
let hub: MqttClient;
let heard: string[];

beforeAll(async () => {
  broker = await Mosquitto.start();
  for (const name of ["n1", "n2", "n3", "hub"]) identities[name] = await broker.certify(name);
  hub = await broker.join("hub-test", identities.hub);
  heard = [];
  hub.on("message", (topic, payload) => heard.push(`${topic} ${payload}`));
  await hub.subscribeAsync("plenum/v1/#", { qos: 1 });
});
afterAll(async () => {
  await hub?.endAsync(true);
  await broker?.stop();
});

const join = (node: string) => broker.join(node, identities[node]);

/** What the hub hears until this node has said a last word. */
async function heardUntil(node: MqttClient, id: string): Promise<string[]> {
  heard.length = 0;
  await node.publishAsync(`plenum/v1/${id}/data`, "done", { qos: 1 });
  await until("the last word", () => heard.includes(`plenum/v1/${id}/data done`));
  return heard;
}

test("n1 is heard on its own four lanes and on renew, and on nobody else's", async () => {
  const n1 = await join("n1");
  heard.length = 0;
  for (const topic of ["n1/birth", "n1/status", "n1/live", "n1/renew", "n1/ack", "n1/cmd"])
    await n1.publishAsync(`plenum/v1/${topic}`, "x", { qos: 1 });
  for (const topic of ["n2/data", "n2/birth", "hub/status", "hub/alarms/a", "n1/data/deep"])
    await n1.publishAsync(`plenum/v1/${topic}`, "x", { qos: 1 });
  await n1.publishAsync("plenum/v1/n1/data", "done", { qos: 1 });
  await until("the last word", () => heard.includes("plenum/v1/n1/data done"));
  expect(heard).toEqual([
    ...["birth", "status", "live", "renew"].map((lane) => `plenum/v1/n1/${lane} x`),
    "plenum/v1/n1/data done",
  ]);
  await n1.endAsync();
});

test("n1 hears its own ack and cmd, the hub's state and alarms, and nothing of n2 by any pattern", async () => {
  const n1 = await join("n1");
  const came: string[] = [];
  n1.on("message", (topic) => came.push(topic));
  const topics = ["#", "plenum/v1/#", "+/+/+/ack", "plenum/v1/n2/cmd", "$SYS/#"];
  await n1.subscribeAsync([...topics, "$share/plenum/plenum/v1/n2/data"], { qos: 1 });
  const n2 = await join("n2");
  for (const lane of ["birth", "status", "live", "data"])
    await n2.publishAsync(`plenum/v1/n2/${lane}`, "secret", { qos: 1 });
  for (const topic of ["n2/ack", "n2/cmd", "n1/ack", "n1/cmd", "hub/alarms/a", "hub/status"])
    await hub.publishAsync(`plenum/v1/${topic}`, "x", { qos: 1 });
  await until("the hub's state", () => came.includes("plenum/v1/hub/status"));
  expect([...new Set(came)].sort()).toEqual([
    "plenum/v1/hub/alarms/a",
    "plenum/v1/hub/status",
    "plenum/v1/n1/ack",
    "plenum/v1/n1/cmd",
  ]);
  await Promise.all([n1.endAsync(), n2.endAsync()]);
});

test("without a certificate, or with one of another authority, nobody is let in", async () => {
  await expect(broker.join("n1", undefined)).rejects.toThrow();
  const foreign = await broker.certify("n1", "another-authority");
  await expect(broker.join("n1", foreign)).rejects.toThrow();
});

test("n1 that calls itself n2 can put n2 off for a moment, but speaks for itself only", async () => {
  const impostor = await broker.join("n2", identities.n1);
  heard.length = 0;
  await impostor.publishAsync("plenum/v1/n2/data", "forged", { qos: 1 });
  expect(await heardUntil(impostor, "n1")).toEqual(["plenum/v1/n1/data done"]);
  const n2 = await join("n2");
  expect(await heardUntil(n2, "n2")).toEqual(["plenum/v1/n2/data done"]);
  await Promise.all([n2.endAsync(), impostor.endAsync()]);
});

test("a payload of 257 KiB ends the connection, others go on", async () => {
  const n1 = await join("n1");
  const n2 = await join("n2");
  const closed = new Promise<void>((resolve) => n1.once("close", () => resolve()));
  n1.publish("plenum/v1/n1/data", Buffer.alloc(257 * 1024, "x"), { qos: 1 }, () => undefined);
  await closed;
  expect(await heardUntil(n2, "n2")).toEqual(["plenum/v1/n2/data done"]);
  await Promise.all([n1.endAsync(true), n2.endAsync()]);
});

test("a revoked node is silenced at once on its open connection and refused at the next, others go on", async () => {
  const n2 = await join("n2");
  const n3 = await join("n3");
  expect(await heardUntil(n3, "n3")).toEqual(["plenum/v1/n3/data done"]);
  await broker.revoke("n3", identities.n3!);
  await until("new connections of n3 to be refused", async () => {
    try {
      await (await broker.join("n3", identities.n3)).endAsync(true);
      return false;
    } catch (error) {
      if (error instanceof Error) return true;
      throw error;
    }
  });
  heard.length = 0;
  n3.publish("plenum/v1/n3/data", "still there", { qos: 1 }, () => undefined);
  expect(await heardUntil(n2, "n2")).toEqual(["plenum/v1/n2/data done"]);
  await Promise.all([n2.endAsync(), n3.endAsync(true)]);
});
