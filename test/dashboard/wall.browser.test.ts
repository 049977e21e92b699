import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { FIXTURE_TOKEN, type FixtureHub, startFixtureHub } from "./fixture-hub.ts";
import { POWER_INCIDENT } from "./fixture-incidents.ts";
import { fixtureSnapshot } from "./fixture-world.ts";

const CHROMIUM_ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
let webDir: string;
let browser: Browser;
let hub: FixtureHub;
let page: Page;
let requested: string[];
let complaints: string[];

beforeAll(async () => {
  webDir = mkdtempSync(join(tmpdir(), "plenum-web-"));
  const configFile = fileURLToPath(new URL("../../dashboard/vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "error", build: { outDir: webDir, emptyOutDir: true } });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: CHROMIUM_ARGS,
  });
});
afterAll(async () => {
  await browser?.close();
  rmSync(webDir, { recursive: true, force: true });
});
beforeEach(async () => {
  hub = await startFixtureHub({ webDir });
  requested = [];
  complaints = [];
});
afterEach(async () => {
  await page?.context().close();
  await hub.close();
});

/** A signed-in page; the page's own clock can be moved. */
async function open(path = "/", size = { width: 1920, height: 1080 }): Promise<Page> {
  const context = await browser.newContext({ viewport: size });
  page = await context.newPage();
  page.on("request", (request) => requested.push(request.url()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.clock.install();
  await page.goto(`${hub.url}${path}#token=${FIXTURE_TOKEN}`);
  await page.waitForSelector(path === "/" ? "[data-rack]" : "h1", { state: "attached" });
  await page.evaluate(() => document.fonts.ready);
  return page;
}

const text = (selector: string) => page.locator(selector).first().innerText();
const rack = (id: string) => page.locator(`[data-rack=${id}]`);

/** Whatever needs scrolling, or is cut off without an ellipsis, on the wall. */
function misfits(): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const root = document.documentElement;
    if (root.scrollWidth > innerWidth || root.scrollHeight > innerHeight)
      found.push(`page ${root.scrollWidth}×${root.scrollHeight}`);
    for (const element of document.querySelectorAll("main, header, section, section div")) {
      const { overflow, textOverflow } = getComputedStyle(element);
      // What is not clipped here is judged at the frame around it.
      if (overflow === "visible" || textOverflow === "ellipsis") continue;
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element;
      if (scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1)
        found.push(`${element.className}: ${scrollWidth}×${scrollHeight}`);
    }
    for (const drawing of document.querySelectorAll(".drawing svg")) {
      const frame = drawing.getBoundingClientRect();
      for (const word of drawing.querySelectorAll("text")) {
        const box = word.getBoundingClientRect();
        const isOut =
          box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 2;
        if (isOut) found.push(`drawn outside: ${word.textContent}`);
      }
    }
    return found;
  });
}

const SIZES = [
  [1920, 1080],
  [3840, 2160],
  [2560, 1440],
  [1366, 768],
  [1080, 1920],
  [768, 1024],
] as const;
test.each(SIZES)(
  "the wall fits %i×%i in every state, without a scrollbar",
  async (width, height) => {
    await open("/", { width, height });
    for (const scenario of [
      "normal",
      "alarm",
      "incident",
      "stale",
      "flood",
      "hostile",
      "large",
    ] as const) {
      hub.play(scenario);
      const first = fixtureSnapshot(scenario, 0).alarms[0];
      await page.waitForSelector(first ? `[data-alarm="${first.id}"]` : ".calm");
      expect(await misfits(), scenario).toEqual([]);
    }
    expect(complaints).toEqual([]);
  },
);

test("an alarm shows in the sentence, on its rack, in the key figures and in the list", async () => {
  await open();
  expect(await text("[data-sentence] .head")).toBe("Normal");
  hub.play("alarm");
  await page.waitForSelector("[data-alarm]");
  expect(await text("[data-sentence]")).toMatch(/2 critical · 4 high/);
  expect(await text(".big h2")).toBe("UPS A on battery");
  expect(await text("[data-kpi=hottest]")).toMatch(/B07 top[\s\S]*32\.6/);
  expect(await text("[data-kpi=cooling]")).toMatch(/no redundancy[\s\S]*2/);
  expect(await rack("b07").textContent()).toContain("33");
  expect(await page.locator("[data-cooling=crah-2]").textContent()).toContain("STOPPED");
  expect(await page.locator("[data-power=ups-a]").textContent()).toContain("BATTERY · 11 min");
  expect(await page.locator("[data-wire=dead]").count()).toBeGreaterThan(0);
  expect(await page.locator("[data-door=door-a1]").textContent()).toMatch(/A1 south open 3:1\d/);
});

test("an incident is one row that says what it hides; its P1 symptom stands below", async () => {
  await open();
  hub.play("incident");
  await page.waitForSelector("[data-incident]");
  expect(await text(".big h2")).toBe("Utility A lost");
  const card = await text(".big");
  expect(card).toMatch(/racks reach 32 °C in 5–9 min/i);
  expect(card).toContain("UPS A 11 min left · heat first");
  expect(card).toMatch(/and 6 more: B05, B02, B01, A04, A03, CRAH-2[\s\S]*6 not ack/);
  expect(await text(".row h4")).toBe("UPS A on battery");
  expect(await page.locator("[data-alarm]").count()).toBe(3);
});

test("the incident page on a phone tells the story and takes a note", async () => {
  hub.play("incident");
  await open(`/incidents/${POWER_INCIDENT}`, { width: 360, height: 640 });
  await page.waitForSelector(".timeline");
  expect(await text(".race-words")).toContain("UPS A 11 min left");
  expect(await text(".timeline li")).toMatch(/\d\d:\d\d:\d\d\s+Kaisa Nieminen: Generator started/);
  expect(await page.locator(".members li").count()).toBe(8);
  await page.fill("#note", "Grid operator called");
  await page.click(".note button");
  await page.click(".incident-main .main-button");
  await expect.poll(() => hub.orders).toHaveLength(2);
  const path = `/api/v1/incidents/${POWER_INCIDENT}`;
  expect(hub.orders).toEqual([`POST ${path}/note`, `POST ${path}/ack`]);
  const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(scrollWidth).toBeLessThanOrEqual(360);
  expect(complaints).toEqual([]);
});

test("40 alarms: every P1 is on the screen, the rest is counted", async () => {
  await open();
  hub.play("flood");
  await page.waitForSelector("[data-alarm]");
  expect(await page.locator("[data-alarm].p1").count()).toBe(10);
  const shown = await page.locator("[data-alarm]").count();
  expect(await text(".more")).toContain(`+${40 - shown} more`);
});

test("an unplugged sensor's tile says no reading with its age, never a number as if it were now", async () => {
  await open();
  const now = Date.now();
  expect(await rack("a03").getAttribute("data-state")).toBe("known");
  hub.send("points", { "a03.inlet-top": [null, now, "bad", "no-answer"] });
  await page.waitForSelector("[data-rack=a03][data-state=missing]");
  const words = await rack("a03").locator("text").allTextContents();
  expect(words).toContain("no reading");
  expect(words.some((word) => /^top \d+ s$/.test(word))).toBe(true);
  expect(await rack("a03").locator(".hatched").count()).toBe(1);
  hub.send("points", {
    "a03.inlet-mid": [null, now, "bad", "no-answer"],
    "a03.inlet-bottom": [null, now, "bad", "no-answer"],
  });
  await expect
    .poll(async () => (await rack("a03").locator("text").allTextContents()).join(" "))
    .toMatch(/^A03 no reading \d+ s$/);
});

test("values that stop coming turn stale on the page's own clock while the hub is alive", async () => {
  await open();
  for (let seconds = 0; seconds < 32; seconds += 8) {
    hub.advance(8_000);
    hub.beat();
    await page.clock.runFor(8_000);
  }
  await page.waitForSelector("[data-rack=a03][data-state=stale]");
  expect(await page.locator(".bn").count()).toBe(0);
  expect(await rack("a03").locator(".hatched").count()).toBe(1);
  expect(await text("[data-kpi=hottest]")).toContain("–");
});

test("a screen of the role wall says every minute that it paints, another page never", async () => {
  const minutes = async (count: number) => {
    for (let s = 0; s < 60 * count; s += 10) {
      hub.advance(10_000);
      hub.beat();
      await page.clock.runFor(10_000);
    }
  };
  await open();
  await minutes(2);
  expect(hub.painted).toEqual([]);
  await page.context().close();
  await hub.close();
  hub = await startFixtureHub({ webDir, role: "wall" });
  await open();
  await minutes(2);
  await expect.poll(() => hub.painted.length).toBe(2);
  expect(complaints).toEqual([]);
});

test("a silent hub is announced, everything but the alarms is greyed, and it comes back by itself", async () => {
  await open();
  hub.play("alarm");
  await page.waitForSelector("[data-alarm]");
  const listed = await page.locator("[data-alarm]").count();
  hub.silence();
  await page.clock.runFor(14_000);
  expect(await page.locator(".bn").count()).toBe(0);
  await page.clock.runFor(23_000);
  await page.waitForSelector(".bn");
  expect(await text(".bn")).toMatch(/No data from the hub for 0:3\d/);
  expect(await text(".bn")).toMatch(/Values shown are from \d\d:\d\d:\d\d · reconnecting, try \d+/);
  expect(await text(".al .cap")).toMatch(/Alarms as of \d\d:\d\d:\d\d/);
  expect(await text(".big h2")).toBe("UPS A on battery");
  const filterOf = (selector: string) =>
    page.locator(selector).evaluate((element) => getComputedStyle(element).filter);
  expect(await filterOf(".fp")).toContain("saturate(0)");
  expect(await filterOf(".al")).toBe("none");
  expect(await misfits()).toEqual([]);
  const bar = page.locator(".beat i");
  const before = await bar.getAttribute("style");
  await page.clock.runFor(3_000);
  expect(await bar.getAttribute("style")).toBe(before);
  hub.resume();
  await page.waitForSelector(".bn", { state: "detached" });
  expect(await page.locator("[data-alarm]").count()).toBe(listed);
  await page.waitForSelector("[data-rack=a01][data-state=known]");
});

test("a label with markup is text, and nothing is asked of another host", async () => {
  await open();
  hub.play("hostile");
  await page.waitForSelector("[data-alarm]");
  expect(await text(".big h2")).toContain("<img src=x");
  expect(await page.locator("main img").count()).toBe(0);
  expect(await page.title()).toBe("Plenum");
  expect(requested.filter((url) => !url.startsWith(hub.url))).toEqual([]);
  expect(complaints).toEqual([]);
});

test("the token is gone from the address at once, and a wrong one shows the sign-in field", async () => {
  await open();
  expect(page.url()).toBe(`${hub.url}/`);
  const stranger = await browser.newContext();
  const other = await stranger.newPage();
  await other.goto(`${hub.url}/#token=wrong`);
  await other.waitForSelector("#token");
  expect(other.url()).toBe(`${hub.url}/`);
  expect(await other.locator("[role=alert]").innerText()).toBe("This token is not known here.");
  await other.fill("#token", FIXTURE_TOKEN);
  await other.click("button");
  await other.waitForSelector("[data-rack]", { state: "attached" });
  await stranger.close();
});

const UPS = '[data-alarm="on-battery.ups-a.on-battery"]';

test("an acknowledgement shows only after the hub confirmed it", async () => {
  hub.play("alarm");
  await open("/alarms", { width: 390, height: 844 });
  await page.waitForSelector(UPS);
  hub.failNext(503);
  await page.click(`${UPS} .main-button`);
  await page.waitForSelector(`${UPS} .problem`);
  expect(await text(`${UPS} .state`)).toContain("not acknowledged");
  await page.click(`${UPS} .main-button`);
  await page.waitForSelector(`${UPS} .main-button`, { state: "detached" });
  expect(await text(`${UPS} .state`)).toContain("acknowledged by demo");
  expect(hub.orders).toHaveLength(2);
  const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(scrollWidth).toBeLessThanOrEqual(390);
});

test("shelving needs a reason", async () => {
  hub.play("alarm");
  await open("/alarms", { width: 390, height: 844 });
  await page.waitForSelector(UPS);
  await page.click(`${UPS} button:has-text("Shelve")`);
  await page.click(`${UPS} .shelve .main-button`);
  expect(hub.orders).toEqual([]);
  await page.fill(`${UPS} .shelve input`, "Battery test until noon");
  await page.click(`${UPS} .shelve .main-button`);
  await page.waitForSelector(`.aside${UPS}`);
  expect(hub.orders).toEqual(["POST /api/v1/alarms/on-battery.ups-a.on-battery/shelve"]);
});

test("the door log names record, both times and the chain's state", async () => {
  await open("/doors", { width: 1440, height: 900 });
  await page.waitForSelector("[data-record]");
  expect(await text(".chain")).toMatch(/Chain verified\s+records 1 to 18,204, none missing/);
  expect(await text("[data-record='18204']")).toMatch(
    /18,204\s+\d{4}-\d\d-\d\d .*Z\s+A1 south\s+Opened/,
  );
});

/** Colour of the chart that many parts of its width from the left, and part of its height from the top. */
function chartPixel(x: number, y: number): Promise<number[]> {
  return page.evaluate(
    ([x = 0, y = 0]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(".chart canvas");
      const plot = document.querySelector(".chart .u-over")?.getBoundingClientRect();
      const context = canvas?.getContext("2d");
      if (!canvas || !plot || !context) return [];
      const frame = canvas.getBoundingClientRect();
      const scale = canvas.width / frame.width;
      const left = (plot.left - frame.left + plot.width * x) * scale;
      const top = (plot.top - frame.top + plot.height * y) * scale;
      return [...context.getImageData(left, top, 1, 1).data];
    },
    [x, y],
  );
}

test("a hole in the chart is a grey band with the words no data, and in words in the table", async () => {
  await open("/rack/a05", { width: 1440, height: 900 });
  await page.waitForSelector(".chart-words td");
  if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT });
  // The fixture's day lacks the buckets 40 to 46 of 96 and was thinned from 12 to 19.
  const [sound, hole, thinned] = [
    await chartPixel(0.25, 0.03),
    await chartPixel(43.5 / 96, 0.03),
    await chartPixel(16 / 96, 0.03),
  ];
  expect(hole).not.toEqual(sound);
  expect(thinned).not.toEqual(sound);
  expect(thinned).not.toEqual(hole);
  expect(await text(".chart-words tbody tr td:last-child")).toMatch(/\d\d:\d\d–.*\d\d:\d\d/);
  expect(complaints).toEqual([]);
});

test("the rack page draws its chart and lets go of it", async () => {
  await open("/rack/a05", { width: 1440, height: 900 });
  await page.waitForSelector(".chart canvas");
  expect(await page.locator(".chart canvas").count()).toBe(1);
  await page.click("button:has-text('6 h')");
  await page.waitForSelector(".chart canvas");
  expect(await page.locator(".chart canvas").count()).toBe(1);
  expect(complaints).toEqual([]);
});
