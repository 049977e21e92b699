import { afterEach, expect, test } from "vitest";
import { plainDelivery } from "../../../hub/config/delivery-config.ts";
import { incidentReport } from "../../../hub/incidents/incident-report.ts";
import { IncidentRoom } from "../../../hub/incidents/incident-room.ts";
import { MAX_CLOSED, MAX_ENTRIES } from "../../../hub/incidents/incident-store.ts";
import { transact } from "../../../hub/state/transaction.ts";
import { Desk } from "./desk.ts";

const CRAH = "stopped.crah-1.running";
const HOT = "hot.a01.inlet-top";
const HOT_FAR = "hot.a06.inlet-top";
const UTILITY = "lost.utility-a.voltage-l1";
const UPS = "is.ups-a.on-battery";

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function start(desk: Desk): void {
  const stop = new AbortController();
  stops.push(stop);
  void desk.incidents.run(stop.signal);
}

test("each alarm hears what it is: alone, a cause, a symptom of its lead", async () => {
  const desk = new Desk();
  expect(desk.raise(CRAH)).toEqual({
    ...{ incident: "inc-1", part: "alone", lead: CRAH, mayLead: true },
  });
  await desk.clock.advance(60_000);
  expect(desk.raise(HOT)).toEqual({
    incident: "inc-1",
    part: "symptom",
    lead: CRAH,
    mayLead: false,
  });
  expect(desk.ack(CRAH)).toEqual({ incident: "inc-1", part: "cause", lead: CRAH, mayLead: true });
  expect(desk.raise("is.leak.rope")).toEqual({
    ...{ incident: "inc-2", part: "alone", lead: "is.leak.rope", mayLead: false },
  });
});

test("an alarm raised while it is shelved belongs to no incident until it is heard", () => {
  const desk = new Desk();
  const shelved = { until: desk.clock.nowMs() + 60_000, by: "kim", reason: "work" };
  expect(desk.raise(CRAH, { shelved })).toEqual({ incident: "", part: "alone", lead: CRAH });
  expect(desk.groups()).toEqual([]);
  expect(desk.change(CRAH, "unshelved", { shelved: null })).toMatchObject({ incident: "inc-1" });
});

test("delivery is told of alarms that a later cause takes over, not of more urgent ones", () => {
  const desk = new Desk();
  desk.raise("lost.pdu-a.voltage-l1");
  desk.raise(UPS);
  desk.raise(UTILITY);
  expect(desk.groups()).toEqual([`${UTILITY}: ${UPS} lost.pdu-a.voltage-l1`]);
  expect(desk.regrouped.filter((line) => line.includes(UTILITY))).toEqual([
    `lost.pdu-a.voltage-l1 symptom of ${UTILITY}`,
  ]);
});

test("an incident is over when nothing stands, and closed 10 min after that once acknowledged", async () => {
  const desk = new Desk();
  start(desk);
  desk.raise(CRAH);
  desk.raise(HOT);
  await desk.clock.advance(60_000);
  desk.ack(CRAH);
  desk.clear(CRAH);
  expect(desk.incidents.find("inc-1")?.overAt).toBeNull();
  desk.clear(HOT);
  expect(desk.incidents.find("inc-1")?.overAt).toBe(desk.clock.nowMs());
  await desk.clock.advance(20 * 60_000);
  expect(desk.incidents.find("inc-1")?.closedAt).toBeNull();
  desk.ack(HOT);
  await desk.clock.advance(10_000);
  expect(desk.incidents.find("inc-1")?.closedAt).not.toBeNull();
  expect(desk.groups()).toEqual([]);
  desk.raise(HOT);
  expect(desk.groups()).toEqual([HOT]);
});

test("the story tells what happened in words without a point's name", async () => {
  const desk = new Desk();
  start(desk);
  desk.raise(UTILITY, { title: "Utility A lost", place: "Utility A" });
  desk.raise(UPS, { title: "UPS A on battery", place: "UPS A" });
  desk.raise(HOT, { title: "Inlet 31.8 °C", place: "A01", limit: 27 });
  desk.incidents.heard({
    ...{ at: desk.clock.nowMs(), alarm: UTILITY, occurrence: 1, kind: "told" },
    text: "Kim Niemi told",
  });
  desk.ack(UTILITY, "kim");
  desk.change(HOT, "cleared", { state: "returned", value: 26.42, unit: "°C" });
  expect(desk.story("inc-1")).toEqual([
    "raised: Utility A lost",
    "joined: UPS A on battery, which follows from: Utility A lost",
    "joined: Inlet 31.8 °C (A01), which follows from: Utility A lost",
    "told: Kim Niemi told (Utility A lost)",
    "acknowledged: kim acknowledged Utility A lost",
    "cleared: Over: A01, now 26.4 °C",
  ]);
});

test("what a person put together or took apart stays so over a restart and against later causes", () => {
  const desk = new Desk();
  desk.raise("is.leak.rope");
  desk.raise(CRAH);
  desk.raise(HOT);
  desk.raise(HOT_FAR);
  desk.incidents.merge("inc-1", "inc-2", "kim");
  expect(desk.groups()).toEqual([`${CRAH}: ${HOT} ${HOT_FAR} is.leak.rope`]);
  desk.incidents.split("inc-2", HOT, "kim");
  const again = desk.again();
  expect(again.groups()).toEqual([`${CRAH}: ${HOT_FAR} is.leak.rope`, HOT]);
  again.raise(UTILITY);
  expect(again.groups().sort()).toEqual(
    [HOT, `${UTILITY}: ${HOT_FAR} is.leak.rope ${CRAH}`].sort(),
  );
  const types = desk.ledger.read({ limit: 100, order: "oldest" }).items.map(({ type }) => type);
  expect(types.filter((type) => type.startsWith("incident."))).toEqual([
    ...["incident.merged", "incident.split"],
  ]);
});

test("taking out the lead leaves the most urgent alarm that stands to speak", () => {
  const desk = new Desk();
  desk.raise(CRAH);
  desk.raise(HOT);
  desk.raise("critical.a01.inlet-top");
  desk.incidents.split("inc-1", CRAH, "kim");
  expect(desk.groups()).toEqual([`critical.a01.inlet-top: ${HOT}`, CRAH]);
});

test("orders that make no sense say why and change nothing", () => {
  const desk = new Desk();
  desk.raise(CRAH);
  const { incidents } = desk;
  expect(() => incidents.merge("inc-1", "inc-1", "kim")).toThrow("into itself");
  expect(() => incidents.merge("inc-1", "inc-9", "kim")).toThrow("No incident is called inc-9.");
  expect(() => incidents.split("inc-1", CRAH, "kim")).toThrow("all there is");
  expect(() => incidents.split("inc-1", HOT, "kim")).toThrow("not part of");
  expect(() => incidents.note("../etc", "x", "kim")).toThrow("No incident is called ../etc.");
  expect(desk.groups()).toEqual([CRAH]);
});

test("a transaction that fails leaves no trace, in memory either", () => {
  const desk = new Desk();
  desk.raise(CRAH);
  const fail = () =>
    transact(desk.db, () => {
      const view = { ...desk.view(HOT), state: "active" as const, raisedAt: desk.clock.nowMs() };
      desk.incidents.take(desk.transition(view, "raised"));
      throw new Error("the disk is full");
    });
  expect(fail).toThrow("the disk is full");
  desk.incidents.forget();
  expect(desk.groups()).toEqual([CRAH]);
  desk.raise(HOT);
  expect(desk.groups()).toEqual([`${CRAH}: ${HOT}`]);
});

test(`a story keeps ${MAX_ENTRIES} entries: its beginning and its end`, () => {
  const desk = new Desk();
  desk.raise(CRAH);
  for (let i = 0; i < MAX_ENTRIES + 50; i += 1) desk.incidents.note("inc-1", `note ${i}`, "kim");
  const story = desk.story("inc-1");
  expect(story).toHaveLength(MAX_ENTRIES);
  expect(story[0]).toBe(`raised: ${CRAH}`);
  expect(story.at(-1)).toBe(`note: note ${MAX_ENTRIES + 49}`);
});

test(`of closed incidents ${MAX_CLOSED} are kept`, () => {
  const desk = new Desk();
  const { store } = desk.incidents;
  transact(desk.db, () => {
    for (let i = 0; i < MAX_CLOSED + 3; i += 1)
      store.save({ ...store.add(CRAH, i), closedAt: desk.clock.nowMs() });
    store.prune(desk.clock.nowMs());
  });
  expect(store.find("inc-3")).toBeUndefined();
  expect(store.find("inc-4")).toBeDefined();
});

test("the report says what happened in site time, and a hostile name stays text", async () => {
  const desk = new Desk();
  desk.raise(UTILITY, { title: "Utility <b>A</b>\n# lost" });
  desk.raise(UPS, { title: "UPS A on battery", runbook: "Call." });
  const room = new IncidentRoom({
    ...{ db: desk.db, site: (await import("./desk.ts")).HALL, rules: [], ledger: desk.ledger },
    ...{ clock: desk.clock, log: (await import("pino")).pino({ level: "silent" }) },
    live: {
      point: () => undefined,
      points: () => [],
      isStale: () => true,
      onChange: () => () => {},
    },
    delivery: { regroup: () => {}, onEvent: () => () => {} },
    alarms: () => ({ view: desk.view, views: () => [], command: () => undefined }),
  });
  const detail = room.detail("inc-1");
  expect(detail?.feeds.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["ups-a", "pdu-a", "crah-1", "a01", "hall-a"]),
  );
  expect(detail?.feeds.map(({ id }) => id)).not.toContain("ups-b");
  const text = incidentReport(detail!, plainSite());
  expect(text).toContain("# Utility \\<b\\>A\\</b\\> \\# lost\n");
  expect(text).toContain("- 1 Jan 2026, 02:00:00 GMT+2 (Europe/Helsinki): UPS A on battery");
  expect(room.labelled(desk.view(UPS))).toMatchObject({ incident: "inc-1", part: "symptom" });
});

const plainSite = () => ({ label: "Demo", timezone: plainDelivery("Europe/Helsinki").timezone });
