import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AlarmView } from "../../contract/api.ts";
import type { IncidentDetail, IncidentView } from "../../contract/incident.ts";
import { openBrowser } from "./browser.ts";
import { type Mail, type Mailbox, openMailbox, readMail } from "./mailbox.ts";
import { shoot } from "./shoot.ts";
import { Site } from "./site.ts";
import { until } from "./until.ts";

const ASKED_NEXT_AFTER_S = 25;
const WHAT = "Utility A lost, UPS A on battery";
const NAMES = ["anna", "bo", "chi"] as const;

let folder: string;
let mailbox: Mailbox;
let site: Site;
let browser: Browser;

/** Anna has the week; who does not answer is followed by Bo; Chi is off. */
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-night-"));
  mailbox = await openMailbox();
  browser = await openBrowser();
  site = await Site.start({
    dataDir: folder,
    token: "night-test-token-on-loopback-only",
    edit: (document) => {
      const email = (who: string) => ({
        ...{ to: [`${who}@example.net`], from: "plenum@example.net", server: mailbox.smtpUrl },
      });
      document.set(
        "receivers",
        NAMES.map((id) => ({ id: `${id}-mail`, email: email(id) })),
      );
      document.set("people", [
        { id: "anna", name: "Anna", reach: ["anna-mail"] },
        { id: "bo", name: "Bo", reach: ["bo-mail"] },
        { id: "chi", name: "Chi", reach: ["chi-mail"] },
      ]);
      const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
      document.set("rota", [
        { id: "week", people: ["anna", "chi"], start: `${yesterday} 08:00`, turn: 7 },
      ]);
      const steps = [
        { after: "0s", to: ["week"] },
        { after: `${ASKED_NEXT_AFTER_S}s`, to: ["bo"] },
        { after: "10m", to: ["chi"] },
      ];
      document.set("escalations", [{ id: "night", steps }]);
      document.set("paging", { unassigned: ["night"] });
      const rules = document.toJS().alarms as unknown[];
      for (const index of rules.keys()) document.setIn(["alarms", index, "receivers"], ["night"]);
    },
  });
  await site.ready();
});
afterAll(async () => {
  await site?.stop();
  await browser?.close();
  await mailbox?.close();
  rmSync(folder, { recursive: true, force: true });
});

const mails = (): Mail[] => mailbox.mails.map(({ text }) => readMail(text));
const incidents = async (): Promise<IncidentView[]> =>
  (await site.get<{ items: IncidentView[] }>("/api/v1/incidents")).items;

test("utility A is lost while the generator is out: one incident, and one page, to the person on duty", async () => {
  await site.tell("fail", "gen-1");
  await site.tell("lose", "utility-a");
  const page = await until("the page", () => mails()[0], 30_000);
  expect(page.to).toBe("anna@example.net");
  expect(page.subject).toMatch(/^P1 (Utility A lost, )?UPS A on battery/);
  await until("the cause to speak for it", async () => {
    const open = (await incidents()).filter(({ state }) => state === "open");
    return open.length === 1 && open[0]!.title === "Utility A lost";
  });
}, 60_000);

test("the incident says what else hangs on it, what to do, and how long its UPS holds", async () => {
  const raced = await until("the minutes UPS A has left", async () => {
    const [now] = await incidents();
    return now?.race?.ups.find(({ ups }) => ups === "ups-a")?.minutes ?? undefined;
  });
  expect(raced).toBeGreaterThan(1);
  const [{ id }] = (await incidents()) as [IncidentView];
  const detail = await site.get<IncidentDetail>(`/api/v1/incidents/${id}`);
  expect(detail.feeds.map((each) => each.id)).toEqual(expect.arrayContaining(["ups-a", "pdu-a1"]));
  expect(detail.runbook).toContain("network operator");
  const { items } = await site.get<{ items: AlarmView[] }>("/api/v1/alarms");
  expect(new Set(items.map((alarm) => alarm.incident))).toEqual(new Set([id]));
}, 60_000);

test("a hub killed before anybody answered asks the next person when it is time, and nobody twice", async () => {
  const [before] = await incidents();
  await site.programs.hub.kill("SIGKILL");
  site.programs.hub.start();
  await until("both nodes back", async () => (await site.health())?.nodes.online === 2);
  const [after] = await incidents();
  expect([after?.id, after?.symptoms]).toEqual([before?.id, before?.symptoms]);
  await until("the next page", () => mails()[1], 2 * ASKED_NEXT_AFTER_S * 1_000);
  expect(mails().map(({ to }) => to)).toEqual(["anna@example.net", "bo@example.net"]);
  const page = mails()[1]!;
  expect(page.subject).toMatch(/^NOT ACKNOWLEDGED: P1 Utility A lost, UPS A on battery/);
  expect(page.text).toMatch(/Asked: +Anna, /);
  expect(page.text).toContain("network operator");
}, 90_000);

test("one tap in the mail acknowledges the incident in the name of who was asked", async () => {
  const link = /https?:\/\/\S+\/ack\/\S+/.exec(mails()[1]!.text)?.[0];
  const phone = await browser.newPage({ viewport: { width: 390, height: 844 } });
  await phone.goto(link!);
  await shoot(phone, "night-ack");
  await phone.getByRole("button", { name: "I take care of it" }).click();
  await phone.getByText("It is yours now, Bo").waitFor();
  await shoot(phone, "night-acked");
  const { items } = await site.get<{ items: AlarmView[] }>("/api/v1/alarms");
  const lost = items.find(({ rule }) => rule === "utility-lost");
  expect(lost).toMatchObject({ state: "acknowledged", ack: { by: "Bo (link in the message)" } });
}, 60_000);

test("the end is told once to everybody who was asked, and the story reads from the first second to the last", async () => {
  await site.tell("restore", "utility-a");
  await site.tell("repair", "gen-1");
  const ended = () => mails().filter(({ subject }) => subject.startsWith("OVER"));
  await until("both told of the end", () => ended().length >= 2, 90_000);
  const over = await until(
    "the incident is over",
    async () => (await incidents()).find(({ state }) => state !== "open"),
    90_000,
  );
  expect(
    mails()
      .slice(1)
      .map(({ to, subject }) => [to, subject.replace(/ \(and \d+ more\)/, "")]),
  ).toEqual([
    ["bo@example.net", `NOT ACKNOWLEDGED: P1 ${WHAT} — Demo site`],
    ["anna@example.net", "OVER: P1 Utility A lost (limit 180) — Demo site"],
    ["bo@example.net", "OVER: P1 Utility A lost (limit 180) — Demo site"],
  ]);
  const { timeline } = await site.get<IncidentDetail>(`/api/v1/incidents/${over.id}`);
  const story = timeline.map(({ text }) => text);
  const line = (text: string) => story.findIndex((each) => each.startsWith(text));
  const inOrder = [
    "Utility A lost",
    "Anna told (",
    "Nobody answered yet: Bo told (Utility A lost)",
    "Bo (link in the message) acknowledged Utility A lost",
    "Over: Utility A lost, now 2",
    "Nothing of it stands any more",
  ].map(line);
  expect(inOrder).not.toContain(-1);
  expect(inOrder, story.join("\n")).toEqual(inOrder.toSorted((a, b) => a - b));
  expect(story.join("\n")).toMatch(
    /UPS A on battery, which follows from: Utility A lost|It explains what was raised before: UPS A on battery/,
  );
}, 240_000);
