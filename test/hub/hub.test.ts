import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type {
  AlarmView,
  DoorView,
  Health,
  History,
  LedgerRecord,
  PointView,
} from "../../contract/api.ts";
import { systemClock } from "../../contract/clock.ts";
import type { WireRow } from "../../contract/row.ts";
import { checkSite } from "../../hub/config/site-check.ts";
import { formatProblem } from "../../hub/config/source.ts";
import { type Hub, startHub } from "../../hub/hub.ts";
import { freePort } from "../system/free-port.ts";
import { until } from "../system/until.ts";
import { startInfluxd } from "./history/influxd.ts";
import { TestNode } from "./test-node.ts";

const TOKEN = "hub-test-token-0123456789";
const POINTS = [
  { id: "a01.inlet-top", quantity: "temperature", label: "A01 inlet", periodMs: 1_000 },
  { id: "door-a1.open", quantity: "flag", label: "Door A1 open", periodMs: 1_000 },
] as const;
const DOORS = [{ id: "door-a1", label: "A1 south" }];
const ALARM_ID = "inlet-high.a01.inlet-top";

let folder: string;
let hub: Hub;
const nodes: TestNode[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-hub-"));
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
  await hub?.stop();
  rmSync(folder, { recursive: true });
});

function siteYaml({ influx = "", rules = "" } = {}): string {
  return `site: { id: t, label: Test, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
http: { host: 127.0.0.1, port: 0 }
mqtt: { host: 127.0.0.1, port: 0 }
storage: { path: ./data${influx} }
tokens: [ { name: ada, role: admin, token: "env:T" } ]
alarms:
  - { id: inlet-high, points: ["*.inlet-*"], above: 27, deadband: 0.5, onDelay: 0s, offDelay: 0s, priority: 2, title: "{label} {value}", receivers: [] }
${rules}receivers: []
`;
}

async function start(yaml = siteYaml()): Promise<void> {
  const file = path.join(folder, "site.yaml");
  const secret = (name: string) => ({ value: name === "env:T" ? TOKEN : `${TOKEN}-${name}` });
  const result = checkSite(yaml, file, secret);
  if ("problems" in result) throw new Error(result.problems.map(formatProblem).join("\n"));
  hub = await startHub(result.config, { clock: systemClock, log: pino({ level: "silent" }) });
}

async function connect(id = "edge-hall"): Promise<TestNode> {
  const node = await TestNode.connect(hub.mqttPort, id);
  nodes.push(node);
  return node;
}

async function api<T>(route: string, method = "GET"): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${hub.httpPort}/api/v1${route}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

test("a receiver that says no raises an alarm for the others, and a wall screen is watched from the start", async () => {
  const heard: string[] = [];
  const desk = createServer((request, response) => {
    request.on("data", (chunk) => heard.push(`${request.url} ${chunk}`));
    response.writeHead(request.url === "/gone" ? 410 : 204).end();
  }).listen(0, "127.0.0.1");
  await once(desk, "listening");
  const at = `http://127.0.0.1:${(desk.address() as AddressInfo).port}`;
  const hook = (id: string) => `{ id: ${id}, webhook: { url: "${at}/${id}", allowPrivate: true } }`;
  await start(
    siteYaml()
      .replace("receivers: [] }", "receivers: [gone] }")
      .replace("receivers: []\n", `receivers: [ ${hook("gone")}, ${hook("desk")} ]\n`)
      .replace("tokens: [", `tokens: [ { name: lobby, role: wall, token: "env:W" },`),
  );
  const node = await connect();
  await node.announce([...POINTS]);
  await node.live(["a01.inlet-top", Date.now(), 31]);
  await until("the alarm of the channel", () =>
    heard.some((line) => line.startsWith("/desk ") && line.includes("Messages to gone do not go")),
  );
  expect((await api<PointView>("/points/hub.channel.desk")).value).toBe(0);
  expect((await api<PointView>("/points/hub.wall.lobby")).value).toBe(0);
  await api("/wall", "POST");
  desk.closeAllConnections();
  desk.close();
});

const alarm = () =>
  until("the alarm", async () => {
    const { items } = await api<{ items: AlarmView[] }>("/alarms");
    return items.find(({ id }) => id === ALARM_ID);
  });
const point = (id: string) => api<PointView>(`/points/${id}`);

test("An alarm raised on a node while the hub was away is one alarm, and its order reaches the node", async () => {
  await start();
  const node = await connect();
  const at = Date.now();
  const raisedAt = at - 600_000;
  const local = {
    rule: "inlet-high",
    subject: "a01.inlet-top",
    occurrence: 3,
    priority: 2,
  } as const;
  await node.announce([...POINTS], DOORS, {
    rules: [{ id: "inlet-high", priority: 2, points: ["*.inlet-*"] }],
    alarms: [{ ...local, raisedAt, acknowledged: false }],
  });
  const raised = {
    type: "alarm",
    what: "raised",
    at: raisedAt,
    value: 31,
    clock: "synced",
  } as const;
  await node.acknowledged(await node.event({ ...local, ...raised }));
  await node.live(["a01.inlet-top", at, 31]);
  expect(await alarm()).toMatchObject({ state: "active", occurrence: 1, raisedAt });
  const { items } = await api<{ items: LedgerRecord[] }>("/doors/log?type=alarm&limit=9");
  expect(items.map(({ type }) => type).sort()).toEqual([
    "alarm.merged",
    "alarm.raised",
    "alarm.raised",
  ]);
  await api(`/alarms/${ALARM_ID}/ack`, "POST");
  const { rule, subject } = local;
  const order = { do: "acknowledge", by: "ada" };
  await until("the order", () => node.commands.length > 0 || undefined);
  expect(node.commands).toEqual([{ cmd: "alarm", rule, subject, order }]);
});

test("A reading goes the whole way: acknowledged, shown with its age, and in the history", async () => {
  await start();
  const node = await connect();
  await node.announce([...POINTS], DOORS);
  const at = Date.now() - 2_000;
  await node.live(["a01.inlet-top", at, 22.5]);
  const last = await node.data(["a01.inlet-top", at - 1_000, 21.5], ["a01.inlet-top", at, 22.5]);
  await node.acknowledged(last);

  const shown = await point("a01.inlet-top");
  expect(shown).toMatchObject({
    value: 22.5,
    quality: "good",
    at,
    stale: false,
    node: "edge-hall",
  });
  expect(shown.ageMs).toBeGreaterThanOrEqual(2_000);
  expect(shown.ageMs).toBeLessThan(12_000);
  const { items } = await api<History>(
    `/points/a01.inlet-top/history?from=${at - 60_000}&to=${at + 60_000}&step=1d`,
  );
  const counts = items.reduce((sum, { count }) => sum + count, 0);
  expect([counts, items[0]?.min, items.at(-1)?.max]).toEqual([2, 21.5, 22.5]);
  expect(await api<Health>("/health")).toMatchObject({
    status: "ok",
    nodes: { online: 1, total: 1 },
    store: { kind: "sqlite", ok: true },
  });
  expect(await api("/nodes")).toMatchObject({ items: [{ id: "edge-hall", stored: 2 }] });
});

test("Without an edge node there is nothing to show, whatever the hub measures of itself", async () => {
  await start();
  const empty = { fresh: 0, total: 0 };
  expect(await api<Health>("/health")).toMatchObject({ nodes: { total: 0 }, points: empty });
  const { items } = await api<{ items: PointView[] }>("/points");
  expect(items.filter(({ node }) => node !== "hub")).toEqual([]);
  expect(await api("/nodes")).toEqual({ items: [], next: null });
  await expect(point("hub-probe.beat")).rejects.toThrow("404");
});

test("A breach raises an alarm; acknowledging it by the API puts the name into the ledger", async () => {
  await start();
  const node = await connect();
  await node.announce([...POINTS]);
  await node.live(["a01.inlet-top", Date.now(), 31.8]);
  expect(await alarm()).toMatchObject({ state: "active", priority: 2, value: 31.8, limit: 27 });
  const after = await api<AlarmView>(`/alarms/${ALARM_ID}/ack`, "POST");
  expect(after).toMatchObject({ state: "acknowledged", ack: { by: "ada" } });
  const { items } = await api<{ items: LedgerRecord[] }>("/doors/log?type=alarm");
  expect(JSON.stringify(items)).toContain('"by":"ada"');
  expect(await api("/doors/log/verify")).toMatchObject({ ok: true });
});

test("An alarm's state survives a restart: same occurrence, still acknowledged, not raised again", async () => {
  await start();
  const node = await connect();
  await node.announce([...POINTS]);
  await node.live(["a01.inlet-top", Date.now(), 31.8]);
  const raised = await alarm();
  await api(`/alarms/${ALARM_ID}/ack`, "POST");
  await hub.stop();
  await start();
  expect(await alarm()).toMatchObject({
    state: "acknowledged",
    occurrence: raised.occurrence,
    raisedAt: raised.raisedAt,
    ack: { by: "ada" },
  });
  const again = await connect();
  await again.announce([...POINTS]);
  await again.live(["a01.inlet-top", Date.now(), 32.5]);
  await until("the new value", async () => (await alarm()).value === 32.5 || undefined);
  expect(await alarm()).toMatchObject({ state: "acknowledged", occurrence: raised.occurrence });
});

test("A door event stands in the ledger and moves the door", async () => {
  await start();
  const node = await connect();
  await node.announce([...POINTS], DOORS);
  const at = Date.now();
  await node.live(["door-a1.open", at, 1]);
  const last = await node.event({
    type: "door",
    door: "door-a1",
    what: "opened",
    at,
    source: 1,
    clock: "synced",
  });
  await node.acknowledged(last);
  const { items } = await api<{ items: LedgerRecord[] }>("/doors/log?door=door-a1");
  expect(items).toMatchObject([{ type: "door.opened", at, node: "edge-hall", label: "A1 south" }]);
  const doors = await api<{ items: DoorView[] }>("/doors");
  expect(doors.items).toMatchObject([{ id: "door-a1", state: "open" }]);
});

test("A browser sees the picture, then the change and the alarm", async () => {
  await start();
  const node = await connect();
  await node.announce([...POINTS]);
  await until("the point", () => point("a01.inlet-top").catch(() => undefined));
  const answer = await fetch(`http://127.0.0.1:${hub.httpPort}/api/v1/stream`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const heard = async (part: string) => {
    while (!text.includes(part)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the stream ended before ${part}`);
      text += value;
    }
  };
  await heard("event: snap");
  await heard("\n\n");
  const at = Date.now();
  await node.live(["a01.inlet-top", at, 29.5]);
  await heard(`"a01.inlet-top":[29.5,${at},"good",null]`);
  await heard("event: alarms");
  expect(text).toContain(`"id":"${ALARM_ID}"`);
  await reader.cancel();
});

test("Garbage is counted and shown; the rest goes on", async () => {
  await start();
  const node = await connect();
  await node.announce([...POINTS]);
  await node.raw("plenum/v1/edge-hall/data", "not json {");
  await node.raw("plenum/v1/edge-hall/live", Buffer.from([0xff, 0x00, 0xfe]));
  const at = Date.now();
  const last = await node.data(
    ["no-such.point", at, 1],
    ["a01.inlet-top", at + 86_400_000, 99],
    ["a01.inlet-top", at, 22],
  );
  await node.acknowledged(last);
  const health = await until("the counters", async () => {
    const now = await api<Health>("/health");
    return now.refused >= 2 && now.quarantined >= 2 ? now : undefined;
  });
  expect(health.store.ok).toBe(true);
  const { items, total } = await api<{ items: { row: string; node: string }[]; total: number }>(
    "/quarantine",
  );
  expect(total).toBe(2);
  expect(items.map(({ row }) => row).join()).toContain("no-such.point");
  const { items: history } = await api<History>("/points/a01.inlet-top/history?step=1h");
  expect(history).toMatchObject([{ count: 1, max: 22 }]);
});

test.each([
  ["SQLite", ""],
  ["InfluxDB", "influx"],
])("Completeness and history by %s say what was stored and what is missing", async (_, kind) => {
  const influxd = kind === "" ? undefined : await startInfluxd();
  try {
    await start(
      siteYaml(influxd ? { influx: `, influx: { url: "${influxd.url}", database: t }` } : {}),
    );
    const node = await connect();
    await node.announce([{ ...POINTS[0], periodMs: 10_000 }]);
    const from = Math.floor(Date.now() / 10_000) * 10_000 - 600_000;
    const sent = Array.from({ length: 54 }, (_, i) => from + i * 10_000).filter(
      (at) => at < from + 200_000 || at >= from + 300_000,
    );
    await node.acknowledged(
      await node.data(...sent.map((at): WireRow => ["a01.inlet-top", at, 20])),
    );
    const found = await api<{ items: unknown[]; nodes: unknown[] }>(
      `/completeness?from=${from}&to=${from + 540_000}&node=edge-hall`,
    );
    const counted = { expected: 54, stored: 44, percent: 81.48 };
    expect(found.items).toMatchObject([
      {
        ...{ point: "a01.inlet-top", node: "edge-hall", ...counted, since: from },
        missing: [{ from: from + 200_000, to: from + 300_000 }],
      },
    ]);
    expect(found.nodes).toEqual([{ node: "edge-hall", points: 1, ...counted }]);
    // Rows are taken as soon as the first database is there; that of the hours may still be being made.
    const asked = `/points/a01.inlet-top/history?from=${from - 86_400_000 * 4}&step=1h`;
    const answered = () => api<History>(asked).catch(() => undefined);
    const { items } = await until("history", answered);
    expect(items.reduce((sum, { count }) => sum + count, 0)).toBe(44);
  } finally {
    await hub.stop();
    await influxd?.stop();
  }
});

test("A node is told that the hub is there, and that it goes", async () => {
  await start();
  const node = await connect();
  await until("online", () => node.hubStates.includes("online") || undefined);
  await hub.stop();
  await until("offline", () => node.hubStates.at(-1) === "offline" || undefined);
});

test("A hub whose MQTT port is taken does not start, and gives its HTTP port back", async () => {
  await start();
  const first = hub;
  const other = siteYaml()
    .replace(
      "http: { host: 127.0.0.1, port: 0 }",
      `http: { host: 127.0.0.1, port: ${await freePort()} }`,
    )
    .replace(
      "mqtt: { host: 127.0.0.1, port: 0 }",
      `mqtt: { host: 127.0.0.1, port: ${hub.mqttPort} }`,
    )
    .replace("./data", "./other");
  await expect(start(other)).rejects.toThrow("EADDRINUSE");
  await first.stop();
  await start(other);
});

test("A node that leaves properly, without its last will, is offline too", async () => {
  await start();
  const node = await connect();
  await node.announce([...POINTS]);
  const online = () => api<Health>("/health").then((health) => health.nodes.online);
  await until("online", async () => (await online()) === 1);
  await node.leave();
  await until("offline", async () => (await online()) === 0);
});

test("The hub's own reading goes by the network through broker, store and alarm engine", async () => {
  await start();
  const { selfCheck } = await until("the first round", async () => {
    const health = await api<Health>("/health");
    return health.selfCheck.ok === null ? undefined : health;
  });
  expect(selfCheck).toMatchObject({ ok: true, stage: null });
  expect((await fetch(`http://127.0.0.1:${hub.httpPort}/healthz`)).status).toBe(200);
  const { items } = await api<{ items: { id: string }[] }>("/nodes");
  expect(items).toEqual([]);
  const probed = await until("its point", async () => {
    const shown = await point("hub.self-check");
    return shown.value === null ? undefined : shown;
  });
  expect(probed).toMatchObject({ node: "hub", value: 0, states: { "0": "good" } });
});

test("With InfluxDB away the hub lives: values and alarms are shown, nothing is acknowledged, and it says so", async () => {
  const port = await freePort();
  const failing = `  - { id: history-failing, points: [hub.history-failing], equals: 1, onDelay: 0s, offDelay: 0s, priority: 2, title: History, receivers: [] }\n`;
  await start(
    siteYaml({
      influx: `, influx: { url: "http://127.0.0.1:${port}", database: t }`,
      rules: failing,
    }),
  );
  const node = await connect();
  await node.announce([...POINTS]);
  await node.live(["a01.inlet-top", Date.now(), 31.8]);
  await node.data(["a01.inlet-top", Date.now(), 31.8]);
  expect(await alarm()).toMatchObject({ state: "active" });
  const health = await until("the trouble", async () => {
    const now = await api<Health>("/health");
    return now.store.ok ? undefined : now;
  });
  expect(health).toMatchObject({ status: "degraded", store: { kind: "influxdb" } });
  await expect(api("/points/a01.inlet-top/history")).rejects.toThrow("503");
  await until("the hub's own alarm", async () => {
    const { items } = await api<{ items: AlarmView[] }>("/alarms");
    return items.find(({ rule }) => rule === "history-failing");
  });
  expect(node.acks).toEqual([]);
});

test("A hub that cannot listen to HTTP does not take data either", async () => {
  const blocker = createTcpServer().listen(0, "127.0.0.1");
  await until("the port", () => blocker.listening || undefined);
  const { port } = blocker.address() as { port: number };
  await start();
  const taken = siteYaml().replace(
    "http: { host: 127.0.0.1, port: 0 }",
    `http: { host: 127.0.0.1, port: ${port} }`,
  );
  await expect(start(taken.replace("./data", "./third"))).rejects.toThrow("EADDRINUSE");
  blocker.close();
});
