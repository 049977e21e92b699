import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import mqtt from "mqtt";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AlarmView, Health, LedgerRecord, NodeView, PointView } from "../../contract/api.ts";
import { openBrowser } from "./browser.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { Site } from "./site.ts";
import { until } from "./until.ts";

const TOKEN = "path-test-token-on-loopback-only";
const ON_DELAY_MS = 5_000;
const LIMIT_C = 27;

let folder: string;
let mailbox: Mailbox;
let site: Site;
let browser: Browser;
let wall: Page;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-path-"));
  mailbox = await openMailbox();
  site = await Site.start({
    dataDir: folder,
    token: TOKEN,
    edit: (document) => {
      document.set("receivers", [
        {
          id: "on-duty",
          email: { to: ["duty@example.net"], from: "plenum@example.net", server: mailbox.smtpUrl },
        },
        { id: "desk", webhook: { url: mailbox.hookUrl, allowPrivate: true } },
      ]);
      const rules = document.toJS().alarms as { id: string }[];
      const critical = rules.findIndex(({ id }) => id === "inlet-critical");
      document.setIn(["alarms", critical, "above"], LIMIT_C);
      document.setIn(["alarms", critical, "onDelay"], `${ON_DELAY_MS}ms`);
      document.setIn(["alarms", critical, "receivers"], ["on-duty", "desk"]);
    },
  });
  await site.ready();
  browser = await openBrowser();
  wall = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  await wall.goto(`${site.url}/#token=${TOKEN}`);
  await wall.locator("[data-rack=b05][data-state=known]").waitFor();
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await mailbox?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("the wall of a room at rest says Normal, shows every rack and all points fresh", async () => {
  await wall.locator("[data-sentence]", { hasText: "Normal" }).waitFor();
  expect(await wall.locator("[data-rack][data-state=known]").count()).toBe(16);
  const { fresh, total } = (await site.health())!.points;
  expect(await wall.locator("[data-fresh]").innerText()).toContain(
    `${fresh} of ${total} points fresh`,
  );
});

test("a rack above its limit is on the wall, in the webhook and in the mail within on-delay + 2 s", async () => {
  // Slow enough not to look like a glitch of the sensor. Whichever height passes the limit first
  // speaks for the rack.
  await site.tell("heat", "b05", 8);
  const tooWarmAt = await until("a reading above the limit", async () => {
    const { at, value } = await site.get<PointView>("/api/v1/points/b05.inlet-top");
    return (value ?? 0) > LIMIT_C && performance.now() - (Date.now() - at!);
  });
  const shown = wall
    .locator(`[data-alarm^="inlet-critical.b05."]`)
    .first()
    .waitFor()
    .then(() => performance.now());
  const arrival = (into: { at: number; text: string }[]) =>
    until("the notification", () => into.find(({ text }) => text.includes("B05 inlet "))?.at);
  const [wallAt, hookAt, mailAt] = await Promise.all([
    shown,
    arrival(mailbox.hooks),
    arrival(mailbox.mails),
  ]);
  for (const at of [wallAt, hookAt, mailAt]) {
    expect(at - tooWarmAt).toBeGreaterThan(ON_DELAY_MS - 1_000);
    expect(at - tooWarmAt).toBeLessThan(ON_DELAY_MS + 2_000);
  }
  const mail = mailbox.mails.find(({ text }) => text.includes("B05 inlet "))!.text;
  expect(mail).toMatch(/Subject: .*P1/);
  await site.tell("heat", "b05", 0);
});

test("an acknowledgement by a person is in the alarm and in the ledger", async () => {
  const { items } = await site.get<{ items: AlarmView[] }>("/api/v1/alarms");
  const alarm = items.find(({ rule }) => rule === "inlet-critical")!;
  expect((await site.post(`/api/v1/alarms/${alarm.id}/ack`)).status).toBe(200);
  const log = await site.get<{ items: LedgerRecord[] }>(
    "/api/v1/doors/log?type=alarm.acknowledged",
  );
  expect(log.items[0]?.detail).toMatchObject({ alarm: alarm.id, by: "demo" });
});

test("an opened door is in the ledger and on the wall in less than 1 s", async () => {
  await wall.locator("[data-door=door-a2][data-state=closed]").waitFor();
  const openedAt = performance.now();
  await site.tell("open", "door-a2");
  const [wallMs, ledgerMs] = await Promise.all([
    wall
      .locator("[data-door=door-a2][data-state=open]")
      .waitFor()
      .then(() => performance.now() - openedAt),
    until("the record", async () => {
      const { items } = await site.get<{ items: LedgerRecord[] }>("/api/v1/doors/log?door=door-a2");
      return items[0]?.type === "door.opened" ? performance.now() - openedAt : undefined;
    }),
  ]);
  expect(wallMs).toBeLessThan(1_000);
  expect(ledgerMs).toBeLessThan(1_000);
  await site.tell("close", "door-a2");
  expect(await site.get("/api/v1/doors/log/verify")).toMatchObject({ ok: true });
});

test("an unplugged sensor becomes no reading with its age, never 0 and never its last value", async () => {
  await site.tell("unplug", "a03.inlet-top");
  const tile = wall.locator("[data-rack=a03]");
  await wall.locator("[data-rack=a03][data-state=missing]").waitFor();
  await until("the age to show", async () => /no reading/.test((await tile.textContent()) ?? ""));
  expect(await tile.textContent()).toMatch(/no reading.*\d+ s/s);
  const point = await site.get<PointView>("/api/v1/points/a03.inlet-top");
  expect(point).toMatchObject({ value: null, quality: "bad", reason: "no-answer" });
  await site.tell("plug", "a03.inlet-top");
  await wall.locator("[data-rack=a03][data-state=known]").waitFor();
});

test("a corrupted sensor gives a bad reading, not a number", async () => {
  await site.tell("corrupt", "b02.inlet-top");
  await until("the checksum fault", async () => {
    const { quality, reason } = await site.get<PointView>("/api/v1/points/b02.inlet-top");
    return quality === "bad" && reason === "checksum";
  });
  await site.tell("clean", "b02.inlet-top");
});

test("a hung I2C bus leaves the other buses reading", async () => {
  await site.tell("hang", "i2c-12");
  await until("the hung bus to show", async () => {
    const { quality } = await site.get<PointView>("/api/v1/points/a03.inlet-mid");
    return quality === "bad";
  });
  const before = await site.get<PointView>("/api/v1/points/a01.inlet-top");
  const after = await until(
    "a newer reading of another bus",
    async () => {
      const point = await site.get<PointView>("/api/v1/points/a01.inlet-top");
      return (point.at ?? 0) > (before.at ?? 0) && point;
    },
    3_000,
  );
  expect(after.quality).toBe("good");
  await site.tell("unhang", "i2c-12");
  await until(
    "the bus back",
    async () => (await site.get<PointView>("/api/v1/points/a03.inlet-mid")).quality === "good",
    90_000,
  );
});

test("malformed payloads and unknown points are refused or put aside, counted and shown; the rest goes on", async () => {
  const before = (await site.health())!;
  const client = await mqtt.connectAsync(site.mqttUrl, {
    clientId: "edge-strange",
    reconnectPeriod: 0,
  });
  const birth = {
    v: 1,
    node: "edge-strange",
    label: "Strange",
    software: "x",
    bootId: "b",
    epoch: "e",
    at: Date.now(),
    points: [],
    doors: [],
  };
  const send = (lane: string, payload: string) =>
    client.publishAsync(`plenum/v1/edge-strange/${lane}`, payload, { qos: 1 });
  await send("birth", JSON.stringify(birth));
  for (const payload of ["", "{", "[]", "null", '{"__proto__":{"x":1}}', "[".repeat(50_000)])
    await send("data", payload);
  const rows = [
    ["nowhere.known", Date.now(), 1],
    ["bad\nname", 1, 1],
    [1, 2],
    { event: { type: "fire" } },
  ];
  await send("data", JSON.stringify({ epoch: "e", floor: 1, first: 1, rows }));
  const node = await until("the strange node's counts", async () => {
    const { items } = await site.get<{ items: NodeView[] }>("/api/v1/nodes");
    const found = items.find(({ id }) => id === "edge-strange");
    return found && found.refused >= 6 && found.quarantined >= 4 ? found : undefined;
  });
  expect(node.stored).toBe(0);
  const after = await until("the totals", async () => {
    const health = await site.health();
    return health && health.quarantined >= before.quarantined + 4 ? health : undefined;
  });
  expect(
    (await site.get<{ items: unknown[] }>("/api/v1/quarantine")).items.length,
  ).toBeGreaterThanOrEqual(4);
  await client.endAsync();
  await until("all real points fresh", async () => {
    const { points } = (await site.health()) as Health;
    return points.fresh === points.total;
  });
  expect(after.status).toBeDefined();
});

test("a silent hub is announced on the wall, and the wall recovers by itself", async () => {
  await site.programs.hub.kill("SIGSTOP");
  await wall.getByText("No data from the hub").waitFor({ timeout: 30_000 });
  await site.programs.hub.kill("SIGCONT");
  await wall.getByText("No data from the hub").waitFor({ state: "detached", timeout: 10_000 });
});
