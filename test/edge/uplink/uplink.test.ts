import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  birthSchema,
  type DataMessage,
  type NodeStatus,
  type PointInfo,
  type StandingAlarm,
  statusSchema,
} from "../../../contract/message.ts";
import type { Reading } from "../../../contract/reading.ts";
import { HUB_STATUS_TOPIC } from "../../../contract/topic.ts";
import type { Spool } from "../../../edge/spool/spool.ts";
import { openStore } from "../../../edge/spool/store.ts";
import { dialMqtt } from "../../../edge/uplink/link.ts";
import { createUplink, type Uplink } from "../../../edge/uplink/uplink.ts";
import { until } from "../../system/until.ts";
import { SYNCED, silent, TempSpool } from "../spool/temp-spool.ts";
import { HubStub } from "./hub-stub.ts";

const NODE = "edge-1";
let temp: TempSpool;
let spool: Spool;
let hub: HubStub;
let stop: AbortController;
let newest: Reading[];
let standing: StandingAlarm[];
let orders: string[];
let points: PointInfo[];
/** Called whenever the birth is composed. */
let onBirth: () => void;
let done: Promise<void>;

beforeEach(async () => {
  temp = new TempSpool();
  spool = temp.open();
  hub = await new HubStub(NODE).start();
  stop = new AbortController();
  newest = [];
  standing = [];
  orders = [];
  points = [];
  onBirth = () => {};
});
afterEach(async () => {
  stop.abort();
  await Promise.all([done, temp.clock.advance(5_000)]);
  await hub.stop();
  spool.close();
  temp.remove();
});

function start(): Uplink {
  const uplink = createUplink({
    node: NODE,
    url: `mqtt://127.0.0.1:${hub.port}`,
    dial: dialMqtt,
    spool,
    newest: () => newest,
    birth: () => {
      const said = [...points];
      onBirth();
      return {
        v: 1,
        node: NODE,
        label: "Edge 1",
        software: "test",
        bootId: "boot-1",
        epoch: spool.epoch,
        at: temp.clock.nowMs(),
        points: said,
        doors: [],
      };
    },
    clockState: () => "synced",
    health: () => ({ "disk-free-bytes": 1 }),
    durable: true,
    alarms: {
      standing: () => standing,
      order: (rule, subject, order) => orders.push(`${order.do} ${rule}.${subject}`),
    },
    clock: temp.clock,
    random: () => 0.5,
    log: silent,
  });
  done = uplink.run(stop.signal);
  return uplink;
}

function commit(count: number): void {
  for (let i = 0; i < count; i += 1)
    spool.addReading({ point: "p.0", at: spool.last + i + 1, quality: "good", value: i }, SYNCED);
  spool.commit();
}

const seqs = () => [...hub.stored.keys()].sort((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const statuses = () => hub.of("status").map(({ payload }) => payload as NodeStatus);
const connects = () => statuses().filter(({ state }) => state === "online");

test("says who it is (retained), that it is online, then the newest values, then everything in the spool", async () => {
  commit(3);
  newest = [{ point: "p.0", at: 9, quality: "bad", reason: "no-answer" }];
  start();
  await until("data", () => hub.of("data").length > 0);
  expect(hub.clients[0]).toMatchObject({ id: NODE, clean: true });
  expect(hub.received.map(({ lane }) => lane)).toEqual(["birth", "live", "status", "data"]);
  const [birth, live, status, data] = hub.received;
  expect(birth).toMatchObject({ retain: true, qos: 1 });
  expect(birthSchema.parse(birth?.payload).epoch).toBe(spool.epoch);
  expect(status).toMatchObject({ retain: true, qos: 1 });
  expect(statusSchema.parse(status?.payload)).toMatchObject({ state: "online", backlog: 3 });
  expect(live).toMatchObject({
    qos: 0,
    retain: false,
    payload: { rows: [["p.0", 9, null, "no-answer"]] },
  });
  expect(data).toMatchObject({ qos: 1, retain: false, payload: { floor: 1, first: 1 } });
});

test("a point that becomes known while the birth is under way is announced by a second one", async () => {
  const late: PointInfo = { id: "p.late", quantity: "flag", label: "Late", periodMs: 1_000 };
  onBirth = () => {
    onBirth = () => {};
    points = [late];
    uplink.announce();
  };
  const uplink = start();
  await until("the second birth", () => hub.of("birth").length > 1);
  const announced = hub.of("birth").map(({ payload }) => birthSchema.parse(payload).points.length);
  expect(announced).toEqual([0, 1]);
});

test("deletes rows only when the hub says they are stored, not when the broker has them", async () => {
  hub.acks = "never";
  commit(5);
  start();
  await until("all rows received", () => seqs().length === 5);
  spool.commit();
  expect([spool.backlog, spool.floor]).toEqual([5, 1]);
  hub.ack(spool.epoch, 3);
  await until("the acknowledgement", () => spool.floor === 4);
  spool.commit();
  expect(spool.batch(0, 10)?.rows).toHaveLength(2);
});

test("an acknowledgement of another epoch, of rows never sent, or of nonsense deletes nothing", async () => {
  hub.acks = "never";
  commit(5);
  start();
  await until("all rows received", () => seqs().length === 5);
  hub.ack("0000-another", 5);
  hub.ack(spool.epoch, 6);
  hub.publish("ack", "{not json");
  hub.publish("ack", { epoch: spool.epoch, upto: -1 });
  hub.ack(spool.epoch, 1);
  await until("the only right one", () => spool.floor === 2);
  expect(spool.backlog).toBe(4);
});

test("sends again from the lowest row after 3 s, then 6 s, then 12 s without an acknowledgement", async () => {
  hub.acks = "never";
  commit(2);
  start();
  const firsts = () => hub.of("data").map(({ payload }) => (payload as DataMessage).first);
  await until("first time", () => firsts().length === 1);
  for (const [waitMs, times] of [
    [2_900, 1],
    [200, 2],
    [5_800, 2],
    [300, 3],
    [11_000, 3],
    [1_500, 4],
  ] as const) {
    await temp.clock.advance(waitMs);
    await until(`${times} times`, () => firsts().length >= times);
    expect(firsts()).toEqual(Array.from({ length: times }, () => 1));
  }
  hub.ack(spool.epoch, 2);
  await until("the acknowledgement", () => spool.backlog === 0);
});

test("has at most 2,000 rows under way, in messages of at most 250", async () => {
  hub.acks = "never";
  commit(5_000);
  start();
  await until("the window", () => seqs().length >= 2_000);
  hub.ack(spool.epoch, 1);
  await until("one more message", () => seqs().length > 2_000);
  expect(seqs()).toHaveLength(2_250);
  const sizes = hub.of("data").map(({ payload }) => (payload as DataMessage).rows.length);
  expect(Math.max(...sizes)).toBe(250);
  hub.ack(spool.epoch, 2_250);
  hub.acks = "always";
  await until("everything", () => spool.backlog === 0);
  expect(seqs()).toEqual(upTo(5_000));
});

test("loses nothing over cut connections and a hub that restarts, and counts its sessions upward", async () => {
  start();
  for (let round = 1; round <= 4; round += 1) {
    commit(300);
    await until("connected", () => connects().length >= round);
    if (round === 3) {
      const { port } = hub;
      await hub.stop();
      await hub.start(port);
    } else hub.cut();
    commit(300);
    await until("connected again", async () => {
      await temp.clock.advance(1_000);
      return connects().length > round || undefined;
    });
  }
  await until("everything stored", async () => {
    await temp.clock.advance(1_000);
    return spool.backlog === 0 || undefined;
  });
  expect(seqs()).toEqual(upTo(2_400));
  const sessions = [...new Set(connects().map(({ session }) => session))];
  expect(sessions.length).toBeGreaterThanOrEqual(5);
  expect(sessions).toEqual([...sessions].sort((a, b) => a - b));
});

test("a cut connection leaves the will: offline, with the number of that session", async () => {
  start();
  await until("online", () => connects().length === 1);
  const { session } = connects()[0] ?? {};
  hub.cut();
  const offline = await until("the will", () =>
    statuses().find(({ state }) => state === "offline"),
  );
  expect(offline.session).toBe(session);
});

test("a committed event reaches the hub without waiting for any timer", async () => {
  const uplink = start();
  await until("online", () => connects().length === 1);
  const began = performance.now();
  spool.addEvent(
    { type: "door", door: "door-a1", what: "opened", at: 1, source: 1, clock: "synced" },
    SYNCED,
  );
  uplink.rows();
  await until("the event", () => hub.stored.get(1));
  expect(performance.now() - began).toBeLessThan(200);
  expect(hub.stored.get(1)).toMatchObject({ event: { what: "opened" } });
});

test("live values go at most four times a second, a door's at once, and only the newest of each point", async () => {
  const uplink = start();
  await until("online", () => connects().length === 1);
  const live = () => hub.of("live").map(({ payload }) => (payload as { rows: unknown[] }).rows);
  const say = (point: string, value: number, urgent = false) =>
    uplink.live({ point, at: value, quality: "good", value }, urgent);
  say("p.0", 1);
  await until("the first", () => live().length === 1);
  say("p.0", 2);
  say("p.0", 3);
  say("p.1", 4);
  await temp.clock.advance(240);
  expect(live()).toHaveLength(1);
  await temp.clock.advance(20);
  await until("the second", () => live().length === 2);
  say("door-a1.open", 1, true);
  await until("the door", () => live().length === 3);
  expect(live()).toEqual([
    [["p.0", 1, 1]],
    [
      ["p.0", 3, 3],
      ["p.1", 4, 4],
    ],
    [["door-a1.open", 1, 1]],
  ]);
});

test("tells its backlog and health every 10 s", async () => {
  start();
  await until("online", () => connects().length === 1);
  await temp.clock.advance(30_500);
  await until("4 statuses", () => connects().length === 4);
  expect(connects()[3]).toMatchObject({ health: { "disk-free-bytes": 1 }, clock: "synced" });
});

test.each([
  ["asks for a replay", () => hub.publish("cmd", { cmd: "replay" })],
  [
    "comes back behind a broker that stayed",
    () => {
      const status = { v: 1, state: "online", software: "hub", at: 1 };
      hub.publishTo(HUB_STATUS_TOPIC, JSON.stringify(status));
    },
  ],
])("says everything again when the hub %s", async (_name, ask) => {
  hub.acks = "never";
  commit(2);
  newest = [{ point: "p.0", at: 9, quality: "good", value: 1 }];
  start();
  await until("data", () => hub.of("data").length === 1);
  ask();
  await temp.clock.advance(300);
  await until("all again", () => hub.of("live").length === 2);
  await until("data again", () => hub.of("data").length === 2);
  expect(hub.of("birth")).toHaveLength(2);
});

test("a clean stop says offline, and stays connected until it is received", async () => {
  start();
  await until("online", () => connects().length === 1);
  stop.abort();
  await done;
  expect(statuses().at(-1)).toMatchObject({ state: "offline" });
});

test("a hub that is not there is tried again later and later, and a stop ends the waiting", async () => {
  await hub.stop();
  const uplink = start();
  await temp.clock.advance(1);
  await until("a session number", () => spool.recall("session"));
  expect(uplink.connected()).toBe(false);
  stop.abort();
  await done;
  await hub.start();
});

test("a stop does not wait for a hub that takes the connection and says nothing", async () => {
  const mute = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(mute, "listening");
  hub.port = (mute.address() as AddressInfo).port;
  const reached = once(mute, "connection");
  start();
  const [socket] = (await reached) as [Socket];
  stop.abort();
  const began = performance.now();
  await done;
  expect(performance.now() - began).toBeLessThan(2_000);
  socket.destroy();
  mute.close();
});

test("alarms that stand are in the status, and a change is told at once", async () => {
  const uplink = start();
  await until("online", () => hub.of("status").length === 1);
  const alarm = { rule: "hot", subject: "a03.inlet-top", occurrence: 3, priority: 1 as const };
  standing = [{ ...alarm, raisedAt: 5, acknowledged: false }];
  uplink.status();
  await until("told", () => hub.of("status").length === 2);
  const status = statusSchema.parse(hub.of("status")[1]?.payload);
  expect(status).toMatchObject({ durable: true, alarms: standing });
});

test("an operator's order reaches the alarm it is for; one that is not understood changes nothing", async () => {
  start();
  await until("online", () => hub.of("status").length > 0);
  const order = { do: "acknowledge", by: "anna" };
  hub.publish("cmd", {
    cmd: "alarm",
    rule: "hot",
    subject: "a03.inlet-top",
    order: { do: "drop" },
  });
  hub.publish("cmd", { cmd: "alarm", rule: "hot", subject: "a03.inlet-top", order });
  await until("order", () => orders.length > 0);
  expect(orders).toEqual(["acknowledge hot.a03.inlet-top"]);
});

test("when an old spool is empty the hub is told of the next one before its rows come", async () => {
  commit(5);
  spool.close();
  const db = new Sqlite(temp.path);
  db.pragma("user_version = 9");
  db.close();
  const store = openStore({
    ...{ path: temp.path, quotaBytes: 1e9, bootId: "boot-1", clock: temp.clock, log: silent },
    ...{ taken: SYNCED, memoryOnly: false },
  });
  spool = store.spool;
  const old = spool.epoch;
  commit(3);
  hub.stored.clear();
  start();
  await until("all", () => spool.backlog === 0);
  const order = hub.received.flatMap(({ lane, payload }) =>
    lane === "birth" || lane === "data" ? [`${lane} ${(payload as { epoch: string }).epoch}`] : [],
  );
  expect([...new Set(order)]).toEqual([
    `birth ${old}`,
    `data ${old}`,
    `birth ${spool.epoch}`,
    `data ${spool.epoch}`,
  ]);
});
