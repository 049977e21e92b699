import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import mqtt from "mqtt";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AlarmView, NotificationView } from "../../contract/api.ts";
import { openBrowser } from "./browser.ts";
import { freePort } from "./free-port.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { shoot } from "./shoot.ts";
import { Site } from "./site.ts";
import { until } from "./until.ts";

const TOKEN = "care-pages-test-token-on-loopback";

let folder: string;
let mailbox: Mailbox;
let site: Site;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-care-"));
  mailbox = await openMailbox();
  const nobody = `http://127.0.0.1:${await freePort()}/`;
  const mail = { from: "plenum@example.net", server: mailbox.smtpUrl };
  site = await Site.start({
    dataDir: folder,
    token: TOKEN,
    edit: (document) => {
      document.set("receivers", [
        { id: "anna-mail", email: { ...mail, to: ["anna@example.net"] } },
        { id: "desk", webhook: { url: nobody, allowPrivate: true } },
      ]);
      document.set("people", [
        { id: "anna", name: "Anna Virtanen", reach: ["anna-mail"] },
        { id: "bo", name: "Bo Ek", reach: ["anna-mail"] },
      ]);
      document.set("rota", [{ id: "week", people: ["anna", "bo"], start: "2026-01-05 08:00" }]);
      document.set("escalations", [{ id: "night", to: ["week", "desk"] }]);
      const rules = document.toJS().alarms as { id: string }[];
      const door = rules.findIndex(({ id }) => id === "door-open");
      for (const key of ["onDelay", "offDelay"]) document.setIn(["alarms", door, key], "0s");
      document.setIn(["alarms", door, "receivers"], ["week", "desk"]);
    },
  });
  await site.ready();
  browser = await openBrowser();
  page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await mailbox?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(address: string): Promise<void> {
  await page.goto(`${site.url}/${address}#token=${TOKEN}`);
  await page.locator("h1").waitFor();
}

/** Whatever sticks out at the side of a phone. */
async function tooWide(name: string): Promise<number> {
  await shoot(page, name);
  await page.emulateMedia({ colorScheme: "dark" });
  await shoot(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 844 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await shoot(page, `${name}-phone`);
  await page.setViewportSize({ width: 1920, height: 1080 });
  return over;
}

test("messages: who is on duty, what reached them and what did not, in words", async () => {
  for (let n = 0; n < 3; n += 1) {
    await site.tell("open", "door-a2");
    await until("the door's alarm", () => doorAlarm(true));
    await site.tell("close", "door-a2");
    await until("its end", () => doorAlarm(false));
  }
  await until("a mail that went", async () => {
    const { items } = await site.get<{ items: NotificationView[] }>("/api/v1/notifications");
    return items.some(({ state, channel }) => state === "accepted" && channel === "email");
  });
  await open("notifications");
  expect(await page.locator("[data-rota=week]").innerText()).toMatch(
    /(Anna Virtanen|Bo Ek)[\s\S]*until \w+ \d+ \w+ 08:00, then (Anna Virtanen|Bo Ek)/,
  );
  const mail = page.locator("[data-state=accepted]", { hasText: "E-mail to anna-mail" }).first();
  await mail.waitFor();
  expect(await mail.innerText()).toContain("accepted by the receiver's server");
  const toDesk = page.locator("[data-state=queued]", { hasText: "Web message to desk" });
  await toDesk.filter({ hasText: /waiting to be sent, \d tr(y|ies) so far/ }).waitFor();
  expect(await tooWide("messages")).toBe(0);
  await page.getByRole("button", { name: "Failed" }).click();
  await page.getByText("None is failed").or(page.locator("[data-state=failed]").first()).waitFor();
});

async function doorAlarm(isOn: boolean): Promise<boolean> {
  const { items } = await site.get<{ items: AlarmView[] }>("/api/v1/alarms");
  const found = items.find(({ id }) => id === "door-open.door-a2.open");
  return (found?.state === "active") === isOn;
}

test("a problem that came three times is listed, and its note shows with the next occurrence", async () => {
  await open("problems");
  const card = page.locator(`[data-problem="door-open.door-a2.open"]`);
  await card.waitFor();
  expect(await card.innerText()).toContain("3×");
  await card.getByRole("button", { name: "Write what is known" }).click();
  await card.getByLabel("What is known").fill("The closer is worn; push the door shut by hand.");
  await card.getByRole("button", { name: "Save" }).click();
  await card.getByText("The closer is worn").first().waitFor();
  expect(await tooWide("problems")).toBe(0);
  await site.tell("open", "door-a2");
  await open("alarms");
  const again = page.locator(`[data-alarm="door-open.door-a2.open"]`);
  await again.getByText("The closer is worn").waitFor();
  await site.tell("close", "door-a2");
});

test("alarm health says how often and which alarm is the worst", async () => {
  await open("alarm-health");
  const worst = page.locator(`[data-top="door-open.door-a2.open"]`);
  await worst.waitFor();
  expect(await worst.innerText()).toMatch(/[345]× · \d+/);
  await page.locator("[data-verdict]").waitFor();
  expect(await tooWide("alarm-health")).toBe(0);
});

test("coverage names who was never reached, and a drill started here says how far it came", async () => {
  await open("coverage");
  const verdict = page.locator("[data-verdict=bad]");
  await verdict.waitFor();
  await page.locator("[data-receiver=desk]").waitFor();
  await page.getByRole("button", { name: "Start a drill" }).click();
  await page.getByRole("button", { name: "Send the test" }).click();
  await until("the test mail", () => mailbox.mails.some(({ text }) => text.includes("TEST")));
  await page.locator("[data-drill] [data-state=accepted]").first().waitFor();
  expect(await page.locator("[data-drill]").innerText()).toMatch(/\d of \d reached/);
  expect(await tooWide("coverage")).toBe(0);
});

test("a rehearsal of a lower limit says what would have come", async () => {
  await open("rehearsal");
  await page.getByLabel("Rule").first().selectOption("door-open");
  await page.getByLabel("Over the last").selectOption("1");
  const text = page.locator("textarea[name=text]");
  const rule = await text.inputValue();
  expect(rule).toContain("equals: 1");
  await text.fill(rule.replace("priority: 3", "priority: 9"));
  await page.getByRole("button", { name: "Rehearse" }).click();
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("alert").innerText()).toContain("priority");
  await text.fill(rule.replace("equals: 1", "equals: 1\nonDelay: 12h"));
  await page.getByRole("button", { name: "Rehearse" }).click();
  await page.getByText("Then, and with this rule").waitFor();
  const result = await page.locator("[data-rehearsal]").innerText();
  expect(result).toMatch(/0 alarms instead of [345], [345] fewer/);
  expect(await tooWide("rehearsal")).toBe(0);
});

test("readings put aside are shown with their reason and can be thrown away with one's own", async () => {
  const client = await mqtt.connectAsync(site.mqttUrl, {
    clientId: "edge-strange",
    reconnectPeriod: 0,
  });
  const about = { v: 1, node: "edge-strange", label: "Strange", software: "x", bootId: "b" };
  const birth = { ...about, epoch: "e", at: Date.now(), points: [], doors: [] };
  const send = (lane: string, what: object) =>
    client.publishAsync(`plenum/v1/edge-strange/${lane}`, JSON.stringify(what), { qos: 1 });
  await send("birth", birth);
  await send("data", { epoch: "e", floor: 1, first: 1, rows: [["nowhere.known", Date.now(), 1]] });
  await until("the row put aside", async () => (await site.health())!.quarantined > 0);
  await client.endAsync();
  await open("put-aside");
  const card = page.locator("[data-why]").first();
  await card.waitFor();
  expect(await tooWide("put-aside")).toBe(0);
  await card.getByRole("button", { name: "Throw away" }).click();
  await card.getByRole("textbox").fill("a test, not a device");
  await card.getByRole("button", { name: "Throw away" }).first().click();
  await page.getByText("None. Every reading that came could be stored.").waitFor();
});
