import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Aedes } from "aedes";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import type { NodeLane } from "../../../contract/topic.ts";
import { type Broker, startBroker } from "../../../hub/broker/broker.ts";
import {
  type ExternalBroker,
  startExternalBroker,
} from "../../../hub/external-broker/external-broker.ts";
import { connectHub } from "../../../hub/external-broker/hub-broker.ts";
import { until } from "../../system/until.ts";
import { Mosquitto } from "./mosquitto.ts";

const log = pino({ level: "silent" });
const clock = systemClock;
let heard: [node: string, lane: NodeLane, text: string][];
const gone: string[] = [];
const handlers = {
  onMessage: (node: string, lane: NodeLane, payload: Uint8Array) => {
    heard.push([node, lane, Buffer.from(payload).toString()]);
  },
  onNodeGone: (node: string) => {
    gone.push(node);
  },
};

/** A place where nodes and the hub meet. */
interface Meeting {
  open(): Promise<Broker>;
  join(node: string, options?: IClientOptions): Promise<MqttClient>;
  stop(): Promise<void>;
}

let mosquitto: Mosquitto;
beforeAll(async () => {
  mosquitto = await Mosquitto.start();
});
afterAll(() => mosquitto?.stop());

const embedded = (): Meeting => {
  let port = 0;
  return {
    async open() {
      const broker = await startBroker({
        ...{ host: "127.0.0.1", port: 0, log, ...handlers, isKnown: () => true },
      });
      port = broker.port;
      return broker;
    },
    join: (clientId, options) =>
      connectAsync(
        `mqtt://127.0.0.1:${port}`,
        { clientId, clean: true, reconnectPeriod: 0, protocolVersion: 4, ...options },
        false,
      ),
    stop: async () => undefined,
  };
};

const external = (): Meeting => ({
  async open() {
    const broker = connectHub({
      ...{ target: mosquitto.target, takesData: true, clock, log, ...handlers },
    });
    await until("the connection to mosquitto", () => broker.connected);
    return broker;
  },
  join: async (node, options) => mosquitto.join(node, await mosquitto.certify(node), options),
  stop: async () => undefined,
});

describe.each([
  ["embedded", embedded],
  ["mosquitto", external],
])("the hub's side of MQTT, %s", (_name, meet) => {
  let meeting: Meeting;
  let broker: Broker;
  let clients: MqttClient[];
  const join = async (node: string, options?: IClientOptions) => {
    const client = await meeting.join(node, options);
    client.on("error", () => undefined);
    clients.push(client);
    return client;
  };

  beforeEach(async () => {
    heard = [];
    clients = [];
    meeting = meet();
    broker = await meeting.open();
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.endAsync(true)));
    await broker.close();
    await meeting.stop();
  });

  test("hears what a node publishes on its four lanes, in order", async () => {
    const node = await join("contract-a");
    for (const [index, lane] of ["birth", "status", "data", "data", "live"].entries())
      await node.publishAsync(`plenum/v1/contract-a/${lane}`, `${lane} ${index}`, { qos: 1 });
    await until("five messages", () => heard.length === 5);
    expect(heard.map(([, lane, text]) => [lane, text])).toEqual([
      ["birth", "birth 0"],
      ["status", "status 1"],
      ["data", "data 2"],
      ["data", "data 3"],
      ["live", "live 4"],
    ]);
  });

  test("sends ack and cmd to the node they are for, and to no other", async () => {
    const [one, two] = [await join("contract-b"), await join("contract-c")];
    const came: string[] = [];
    one.on("message", (topic) => came.push(`one ${topic}`));
    two.on("message", (topic) => came.push(`two ${topic}`));
    for (const [client, id] of [
      [one, "contract-b"],
      [two, "contract-c"],
    ] as const)
      await client.subscribeAsync([`plenum/v1/${id}/ack`, `plenum/v1/${id}/cmd`], { qos: 1 });
    broker.publish("plenum/v1/contract-b/ack", "{}", { qos: 1 });
    broker.publish("plenum/v1/contract-b/cmd", "{}", { qos: 1 });
    broker.publish("plenum/v1/contract-c/ack", "{}", { qos: 1 });
    await until("three messages", () => came.length === 3);
    expect(came.sort()).toEqual([
      "one plenum/v1/contract-b/ack",
      "one plenum/v1/contract-b/cmd",
      "two plenum/v1/contract-c/ack",
    ]);
  });

  test("keeps what is retained for nodes that come later, the newest only", async () => {
    broker.publish("plenum/v1/hub/status", "first", { retain: true, qos: 1 });
    broker.publish("plenum/v1/hub/status", "second", { retain: true, qos: 1 });
    await until("the second word", async () => {
      const late = await meeting.join("contract-d");
      const came: string[] = [];
      late.on("message", (_topic, payload) => came.push(payload.toString()));
      await late.subscribeAsync("plenum/v1/hub/status", { qos: 1 });
      await until("a retained word", () => came.length > 0);
      await late.endAsync();
      return came.length === 1 && came[0] === "second";
    });
  });

  test("hears the last will of a node that is cut off", async () => {
    const node = await join("contract-e", {
      will: {
        topic: "plenum/v1/contract-e/status",
        payload: Buffer.from('"offline"'),
        qos: 1,
        retain: true,
      },
    });
    node.stream.destroy();
    await until("the will", () => heard.length > 0);
    expect(heard).toEqual([["contract-e", "status", '"offline"']]);
  });

  test("does not hear what one node says in another's name, and goes on hearing the other", async () => {
    const [liar, honest] = [await join("contract-f"), await join("contract-g")];
    liar.publish("plenum/v1/contract-g/data", "lie", { qos: 1 }, () => undefined);
    await honest.publishAsync("plenum/v1/contract-g/data", "truth", { qos: 1 });
    await until("the truth", () => heard.some(([, , text]) => text === "truth"));
    expect(heard.filter(([, lane]) => lane === "data")).toEqual([["contract-g", "data", "truth"]]);
  });
});

test("readings that were left as retained are not taken for new ones, and are counted", async () => {
  heard = [];
  const node = await mosquitto.join("keeper", await mosquitto.certify("keeper"));
  await node.publishAsync("plenum/v1/keeper/live", "old", { qos: 1, retain: true });
  await node.publishAsync("plenum/v1/keeper/birth", "born", { qos: 1, retain: true });
  const broker = connectHub({
    ...{ target: mosquitto.target, takesData: true, clock, log, ...handlers },
  });
  await until("the refusal", () => broker.refused === 1);
  expect(heard.filter(([id]) => id === "keeper")).toEqual([["keeper", "birth", "born"]]);
  await node.publishAsync("plenum/v1/keeper/live", "", { qos: 1, retain: true });
  await node.endAsync();
  await broker.close();
});

test("when mosquitto is killed its nodes are told gone, and when it is back the hub hears them again", async () => {
  heard = [];
  gone.length = 0;
  const broker = connectHub({
    ...{ target: mosquitto.target, takesData: true, clock, log, ...handlers },
  });
  await until("the connection", () => broker.connected);
  broker.publish("plenum/v1/hub/status", '{"state":"online"}', { retain: true, qos: 1 });
  const identity = await mosquitto.certify("phoenix");
  const before = await mosquitto.join("phoenix", identity);
  await before.publishAsync("plenum/v1/phoenix/birth", "born", { qos: 1 });
  await until("the birth", () => heard.length > 0);
  await mosquitto.kill("SIGKILL");
  await until("nodes to be told gone", () => gone.includes("phoenix"));
  expect(broker.connected).toBe(false);
  await mosquitto.restart();
  await until("the hub to be back", () => broker.connected);
  const after = await mosquitto.join("phoenix", identity);
  const said = new Promise<string>((resolve) =>
    after.once("message", (_topic, payload) => resolve(payload.toString())),
  );
  await after.subscribeAsync("plenum/v1/hub/status", { qos: 1 });
  expect(await said, "said again though mosquitto forgot it").toBe('{"state":"online"}');
  await after.publishAsync("plenum/v1/phoenix/data", "again", { qos: 1 });
  await until("the data", () => heard.some(([, , text]) => text === "again"));
  await Promise.all([before.endAsync(true), after.endAsync()]);
  await broker.close();
});

test("the late will of a hub that hung does not stand: the present hub says it is online again", async () => {
  const broker = connectHub({
    ...{ target: mosquitto.target, takesData: true, clock, log, ...handlers },
  });
  await until("the connection", () => broker.connected);
  broker.publish("plenum/v1/hub/status", '{"state":"online"}', { retain: true, qos: 1 });
  const other = await mosquitto.join("hub-old", await mosquitto.certify("hub"));
  const states: string[] = [];
  other.on("message", (_topic, payload) => states.push(payload.toString()));
  await other.publishAsync("plenum/v1/hub/status", '{"state":"offline"}', { qos: 1, retain: true });
  await other.subscribeAsync("plenum/v1/hub/status", { qos: 1 });
  await until("online again", () => states.at(-1) === '{"state":"online"}');
  await other.endAsync();
  await broker.close();
});

describe("sharing among workers", () => {
  const open = (share: string, target = mosquitto.target): ExternalBroker =>
    startExternalBroker({
      ...{ target, clientId: `hub-${Math.random()}`, lanes: ["birth"], share, clock, log },
      ...handlers,
    });

  test("two hubs that share a node's data get each of its 200 messages once between them", async () => {
    heard = [];
    const shared = () => heard.filter(([id]) => id === "shared");
    const hubs = [open("test-share"), open("test-share")];
    await until("both connections", () => hubs.every(({ connected }) => connected));
    for (const hub of hubs) await hub.shareDataOf(new Set(["shared"]));
    const node = await mosquitto.join("shared", await mosquitto.certify("shared"));
    for (let n = 0; n < 200; n += 1)
      await node.publishAsync("plenum/v1/shared/data", String(n), { qos: 1 });
    await until("200 messages", () => shared().length >= 200);
    await hubs[0]?.shareDataOf(new Set());
    for (let n = 200; n < 220; n += 1)
      await node.publishAsync("plenum/v1/shared/data", String(n), { qos: 1 });
    await until("20 more, from the other hub alone", () => shared().length >= 220);
    expect(
      shared()
        .map(([, , text]) => Number(text))
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 220 }, (_, n) => n));
    await node.endAsync();
    for (const hub of hubs) await hub.close();
  });

  test("a broker that grants shared subscriptions but delivers nothing is refused in plain words", async () => {
    // Aedes takes $share/… for an ordinary topic, as RabbitMQ and NATS seem to.
    const aedes = await Aedes.createBroker();
    const server = createServer((socket) => aedes.handle(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const hub = open("test-share", { url: `mqtt://127.0.0.1:${port}`, tls: null });
    await expect(hub.unfit).rejects.toThrow(
      /granted a shared subscription .* but delivered nothing through it within 5 s.*single hub/s,
    );
    await hub.close();
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    server.close();
  });
});

test("a hub that is closed at any moment of connecting is gone within 3 s", async () => {
  for (const turns of [0, 1, 10, 30, 100, 300, 1_000, 3_000]) {
    const broker = connectHub({
      ...{ target: mosquitto.target, takesData: true, clock, log, ...handlers },
    });
    for (let turn = 0; turn < turns; turn += 1) await new Promise((go) => setImmediate(go));
    const began = clock.monoMs();
    await broker.close();
    expect(clock.monoMs() - began, `closed after ${turns} turns`).toBeLessThan(3_000);
  }
});

test("a key file that is not there is told, waited for, and used once it is", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-key-"));
  const { tls, url } = mosquitto.target;
  const lines: string[] = [];
  const told = pino({ level: "error" }, { write: (line: string) => lines.push(line) });
  const key = path.join(folder, "hub.key");
  const broker = connectHub({
    ...{ target: { url, tls: { ...tls!, key } }, takesData: true, clock, log: told, ...handlers },
  });
  await until("the complaint", () => lines.some((line) => line.includes("hub.key")));
  copyFileSync(tls!.key, key);
  await until("the connection", () => broker.connected);
  expect(lines).toHaveLength(1);
  await broker.close();
  rmSync(folder, { recursive: true });
});
