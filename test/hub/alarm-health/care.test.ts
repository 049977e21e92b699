import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import {
  alarmHealthSchema,
  coverageSchema,
  drillSchema,
  problemSchema,
  rehearsalSchema,
} from "../../../contract/alarm-health.ts";
import { alarmViewSchema } from "../../../contract/api.ts";
import { systemClock } from "../../../contract/clock.ts";
import { runCli } from "../../../hub/cli.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { formatProblem } from "../../../hub/config/source.ts";
import { type Hub, startHub } from "../../../hub/hub.ts";
import { freePort } from "../../system/free-port.ts";
import { until } from "../../system/until.ts";
import { TestNode } from "../test-node.ts";

const TOKEN = "care-test-token-0123456789";
const ALARM = "inlet-high.a01.inlet-top";
const INLET = {
  id: "a01.inlet-top",
  quantity: "temperature",
  label: "A01",
  periodMs: 1_000,
} as const;
let folder: string;
let file: string;
let base: string;
let hub: Hub;
let node: TestNode | undefined;
let chat: Server;
let status = 200;
let heard: { data?: { ackUrl?: string; replyCode?: string } }[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-care-"));
  heard = [];
  status = 200;
  chat = createServer((request, answer) => {
    let body = "";
    request.on("data", (part: Buffer) => {
      body += part.toString();
    });
    request.on("end", () => {
      heard.push(JSON.parse(body));
      answer.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => chat.listen(0, "127.0.0.1", resolve));
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  file = path.join(folder, "site.yaml");
  writeFileSync(path.join(folder, "token"), TOKEN);
  const url = `http://127.0.0.1:${(chat.address() as AddressInfo).port}/`;
  const yaml = `site: { id: t, label: Test, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
http: { host: 127.0.0.1, port: ${port} }
mqtt: { host: 127.0.0.1, port: 0 }
storage: { path: ./data }
tokens: [ { name: ada, role: admin, token: "file:token" } ]
alarms:
  - { id: inlet-high, points: ["*.inlet-*"], above: 27, priority: 2, title: "{label} {value}", receivers: [chat] }
receivers: [ { id: chat, webhook: { url: "${url}", allowPrivate: true } } ]
drill: { day: 1, hour: 10 }
`;
  writeFileSync(file, yaml);
  const result = checkSite(yaml, file);
  if ("problems" in result) throw new Error(result.problems.map(formatProblem).join("\n"));
  hub = await startHub(result.config, { clock: systemClock, log: pino({ level: "silent" }) });
});
afterEach(async () => {
  await node?.close();
  node = undefined;
  await hub.stop();
  chat.closeAllConnections();
  await new Promise((resolve) => chat.close(resolve));
  rmSync(folder, { recursive: true });
});

const ask = (route: string, body?: unknown) =>
  fetch(`${base}/api/v1/${route}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
const read = async <S extends z.ZodType>(schema: S, route: string, body?: unknown) =>
  schema.parse(await (await ask(route, body)).json());

async function drill() {
  const lines: string[] = [];
  const say = (line: string) => lines.push(line);
  const code = await runCli(["-c", file, "drill"], { out: say, err: say, run: async () => 7 });
  return { code, text: lines.join("\n") };
}

test("plenum-hub drill reaches the receiver through the running hub, and the link in its test acknowledges", async () => {
  const { code, text } = await drill();
  expect(text).toContain("100 %  chat (webhook): delivered");
  expect(code).toBe(0);
  const link = JSON.stringify(heard[0]).match(/http:[^"\\]*\/ack\/[\w.-]+/)?.[0] ?? "";
  expect((await fetch(link)).status).toBe(200);
  expect((await fetch(link, { method: "POST" })).status).toBe(200);
  const { items } = await read(z.object({ items: z.array(drillSchema) }), "drills");
  expect(items).toMatchObject([{ by: "ada", steps: [{ state: "acknowledged" }] }]);
  const coverage = await read(coverageSchema, "coverage");
  expect(coverage.receivers).toMatchObject([{ id: "chat", overdue: false, failing: null }]);
  expect(coverage.rulesMatchingNothing).toContain("inlet-high");
});

test("A drill that is refused by the receiver ends with 1 and says why; without a hub it says so", async () => {
  status = 400;
  const { code, text } = await drill();
  expect(text).toMatch(/chat \(webhook\): failed: .*400/);
  expect(text).toContain("1 of 1 failed.");
  expect(code).toBe(1);
  await hub.stop();
  expect((await drill()).text).toContain("the hub does not answer");
});

test("An alarm is counted, noted with what is known, and its rule rehearsed, all by the API", async () => {
  node = await TestNode.connect(hub.mqttPort, "edge-hall");
  await node.announce([INLET], []);
  const from = Date.now() - 5_000;
  await node.live(["a01.inlet-top", Date.now(), 31]);
  const raised = await until("raised", async () => {
    const health = await read(alarmHealthSchema, `alarm-health?from=${from}`);
    return health.topTen.some(({ alarm }) => alarm === ALARM) && health;
  });
  expect(raised.priorities[1]?.count).toBeGreaterThanOrEqual(1);
  const note = { text: "Door seal is worn" };
  const problem = await read(problemSchema, `problems/${ALARM}/note`, note);
  expect(problem).toMatchObject({ times: 1, state: "known", note: { ...note, by: "ada" } });
  const { items } = await read(z.object({ items: z.array(alarmViewSchema) }), "alarms");
  expect(items.find(({ id }) => id === ALARM)?.note?.text).toBe(note.text);
  expect((await ask("problems/no.such/note", note)).status).toBe(404);
  const rule =
    '{ id: inlet-high, points: ["*.inlet-*"], above: 40, priority: 2, title: "{label}", receivers: [chat] }';
  const begun = await read(rehearsalSchema, "rehearsals", { rule, from, to: Date.now() });
  const done = await until("rehearsed", async () => {
    const now = await read(rehearsalSchema, `rehearsals/${begun.id}`);
    return now.state !== "running" && now;
  });
  expect(done).toMatchObject({
    state: "done",
    before: { alarms: 1, pages: 1 },
    after: { alarms: 0 },
  });
  const wrong = await ask("rehearsals", { rule: "{ id: x }", from, to: Date.now() });
  expect(wrong.status).toBe(400);
  expect((await ask("alarm-health?from=5&to=4")).status).toBe(400);
});
