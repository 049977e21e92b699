import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { History, NodeView, PointView } from "../../../contract/api.ts";
import { systemClock } from "../../../contract/clock.ts";
import { type Hub, startHub } from "../../../hub/hub.ts";
import { until } from "../../system/until.ts";
import { parseExposition } from "../http/exposition.ts";
import { foreignExample, passwordOf } from "./example.ts";

const TOKEN = "foreign-hub-test-token";
let folder: string;
let hub: Hub;
let clients: MqttClient[];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-foreign-"));
  clients = [];
  await start();
});
afterEach(async () => {
  for (const client of clients) await client.endAsync(true);
  await hub.stop();
  rmSync(folder, { recursive: true });
});

async function start(changes: object = {}): Promise<void> {
  const config = foreignExample();
  const at = { host: "127.0.0.1", port: 0 };
  hub = await startHub(
    {
      ...config,
      http: { ...config.http, ...at },
      mqtt: { ...config.mqtt, ...at },
      storage: { path: path.join(folder, "data"), influx: null },
      tokens: [{ name: "ada", role: "admin", token: TOKEN }],
      ...changes,
    },
    { clock: systemClock, log: pino({ level: "silent" }) },
  );
}

async function join(username: string, variable: string): Promise<MqttClient> {
  const url = `mqtt://127.0.0.1:${hub.mqttPort}`;
  const login = { username, password: passwordOf(variable) };
  const client = await connectAsync(url, { reconnectPeriod: 0, ...login }, false);
  clients.push(client);
  return client;
}

async function get(route: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${hub.httpPort}${route}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
}
const api = async <T>(route: string) => (await (await get(`/api/v1${route}`)).json()) as T;

test("a plug's reading is on the wall, in the history, in its node's counts, on /metrics and at Home Assistant", async () => {
  const plug = await join("shelly-plug", "SHELLY_PASSWORD");
  await plug.publishAsync("shellies/shellyplug-s-4A3F21/relay/0/power", "45.27", { qos: 1 });
  await plug.publishAsync("shellies/shellyplug-s-4A3F21/relay/0/power", "garbage", { qos: 1 });
  const point = await until("the reading", async () => {
    const view = await api<PointView>("/points/a01.power");
    return view.quality === "good" ? view : undefined;
  });
  expect(point).toMatchObject({ node: "shelly-plug", value: 45.27, unit: "W", label: "A01 power" });
  const node = await until("the stored row", async () => {
    const { items } = await api<{ items: NodeView[] }>("/nodes");
    return items.find(({ id, stored }) => id === "shelly-plug" && stored === 1);
  });
  expect(node).toMatchObject({ online: true, refused: 1, points: 3 });
  const { items } = await api<History>(`/points/a01.power/history?from=${Date.now() - 60_000}`);
  expect(items).toMatchObject([{ mean: 45.27, count: 1 }]);

  const metrics = parseExposition(await (await get("/metrics")).text());
  const labels = { point: "a01.power", place: "a01", node: "shelly-plug", unit: "W" };
  expect(metrics.get("plenum_point_power")?.samples).toMatchObject([{ labels, value: 45.27 }]);

  const assistant = await join("home-assistant", "HOME_ASSISTANT_PASSWORD");
  const heard = new Map<string, string>();
  assistant.on("message", (topic, payload) => heard.set(topic, payload.toString()));
  await assistant.subscribeAsync(["homeassistant/#", "plenum/v1/hub/status"], { qos: 1 });
  const base = "homeassistant/sensor/plenum_branch-office/a01_dpower";
  await until("the state", () => heard.get(`${base}/state`)?.includes("45.27") || undefined);
  expect(JSON.parse(heard.get(`${base}/config`) ?? "")).toMatchObject({
    ...{ name: "A01 power", device_class: "power", unit_of_measurement: "W" },
  });
  expect(JSON.parse(heard.get("plenum/v1/hub/status") ?? "")).toMatchObject({ state: "online" });
});

test("500 points reach Home Assistant at once, configuration and state, none lost", async () => {
  const plugs = await join("tasmota", "TASMOTA_PASSWORD");
  for (let i = 0; i < 500; i += 1)
    await plugs.publishAsync(`tele/plug${i}/SENSOR`, `{"ENERGY":{"Power":${i}}}`, { qos: 1 });
  const assistant = await join("home-assistant", "HOME_ASSISTANT_PASSWORD");
  const heard = new Map<string, string>();
  assistant.on("message", (topic, payload) => heard.set(topic, payload.toString()));
  await assistant.subscribeAsync("homeassistant/#", { qos: 1 });
  await until("all of them", () => {
    const values = [...heard].filter(([topic]) => /plug\d+_dload\/state$/.test(topic));
    return values.filter(([, text]) => text.includes('"online"')).length === 500 || undefined;
  });
  const configs = [...heard.keys()].filter((topic) => /plug\d+_dload\/config$/.test(topic));
  expect(configs).toHaveLength(500);
});

test("Home Assistant that comes after the option was turned off hears each entity taken back", async () => {
  await hub.stop();
  await start({ homeAssistant: null });
  const assistant = await join("home-assistant", "HOME_ASSISTANT_PASSWORD");
  const empty: string[] = [];
  assistant.on("message", (topic, payload) => {
    if (payload.length === 0) empty.push(topic);
  });
  await assistant.subscribeAsync("homeassistant/#", { qos: 1 });
  await until("the removals", () => empty.length >= 12 || undefined);
  expect(empty).toContain("homeassistant/sensor/plenum_branch-office/a01_dpower/config");
});
