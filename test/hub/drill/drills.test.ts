import { afterEach, expect, test } from "vitest";
import { type DeliveryConfig, plainDelivery } from "../../../hub/config/delivery-config.ts";
import type { DrillTimes, Receiver } from "../../../hub/config/hub-config.ts";
import { AckLinks } from "../../../hub/delivery/ack-link.ts";
import { AddressBook } from "../../../hub/delivery/address-book.ts";
import { DRILL_OVERDUE_MS, DRILL_TAKES_MS, Drills } from "../../../hub/drill/drills.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import type { Outcome, OutgoingMessage } from "../../../hub/notify/channel.ts";
import { createOutbox } from "../../../hub/notify/outbox.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";
import { silent } from "../http/stand-in.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 12:00 in Helsinki on 1 January. */
const NOON = Date.UTC(2026, 0, 1, 10);
const RECEIVERS: Receiver[] = [
  { kind: "webhook", id: "chat", url: "https://example.net", secret: null, allowPrivate: false },
  { kind: "relay", id: "beacon", node: "edge-hall", output: "lamp" },
];
const LADDER = {
  id: "duty",
  steps: [
    { afterMs: 0, to: ["chat"] },
    { afterMs: 600_000, to: ["beacon", "chat"] },
    { afterMs: 1_800_000, to: ["nobody"] },
  ],
};
let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

/** Drills over a real outbox, with channels that answer as the test says. */
function desk(escalations: DeliveryConfig["escalations"] = [], times?: DrillTimes, startMs = NOON) {
  const clock = new FakeClock(startMs);
  const db = openHubDb(":memory:");
  const sent: (OutgoingMessage & { to: string })[] = [];
  const outcome = new Map<string, Outcome>();
  const channelFor = ({ id: to, kind }: Receiver) => ({
    kind,
    send: async (message: OutgoingMessage) => {
      sent.push({ ...message, to });
      return outcome.get(to) ?? ({ kind: "delivered" } as const);
    },
  });
  const outbox = createOutbox({ db, receivers: RECEIVERS, clock, log: silent, channelFor });
  const ladders = { ...plainDelivery(), escalations };
  const groups = [{ id: "nobody", members: [] }];
  const ledger = createLedger({ db, clock });
  const drills = new Drills({
    ...{ db, outbox, receivers: RECEIVERS, ladders, ledger, clock, log: silent, times },
    delivery: { book: new AddressBook({ ...ladders, groups }), links: new AckLinks(db) },
    site: { label: "Hall", timezone: "Europe/Helsinki" },
    ackBase: "https://hub.example.net",
  });
  const end = new AbortController();
  const running = [outbox.run(end.signal), drills.run(end.signal)];
  stop = async () => {
    end.abort();
    await Promise.all(running);
  };
  const verdict = () => drills.gauges()[0]?.read();
  return { clock, db, drills, sent, outcome, ledger, verdict };
}

test("A drill sends every receiver one test that says so, with its steps, and ends when both went through", async () => {
  const { clock, drills, sent, ledger } = desk([LADDER]);
  const { id } = drills.start("Anna");
  await clock.advance(10);
  const [chat] = sent.filter(({ to }) => to === "chat");
  expect(chat?.subject).toContain("TEST, no alarm");
  expect(chat?.text).toContain("Nothing is wrong");
  expect(chat?.text).toContain("duty, step 1");
  expect(drills.get(id)).toMatchObject({
    by: "Anna",
    doneAt: NOON + 10,
    steps: [
      {
        receiver: "chat",
        kind: "webhook",
        state: "delivered",
        asked: ["duty, step 1", "duty, step 2"],
      },
      { receiver: "beacon", kind: "relay", state: "delivered", asked: ["duty, step 2"] },
      { receiver: "duty, step 3", state: "failed", why: "nobody is behind this step at this hour" },
    ],
  });
  const records = ledger.read({ type: "drill", limit: 10, order: "oldest" }).items;
  expect(records.map(({ type }) => type)).toEqual(["drill.started", "drill.done"]);
  expect(records[1]?.detail).toMatchObject({ tried: 3, failed: ["duty, step 3"] });
});

test("A beacon that the test switched on is switched off again; a chat is not told twice", async () => {
  const { clock, drills, sent } = desk();
  drills.start("Anna");
  await clock.advance(10);
  const changes = (to: string) =>
    sent.filter((one) => one.to === to).map(({ data }) => data.change);
  expect(changes("beacon")).toEqual(["drill", "cleared"]);
  expect(changes("chat")).toEqual(["drill"]);
});

test("A receiver that refuses is failed with why, the verdict is 1, and a later good drill makes it 0", async () => {
  const { clock, drills, outcome, verdict } = desk();
  expect(drills.gauges()).toEqual([]);
  outcome.set("chat", { kind: "refused", why: "no such channel" });
  const { id } = drills.start("Anna");
  await clock.advance(10);
  expect(drills.get(id)?.steps[0]).toMatchObject({ state: "failed", why: "no such channel" });
  expect(verdict()).toBe(1);
  outcome.clear();
  await clock.advance(1_000);
  drills.start("Anna");
  await clock.advance(10);
  drills.list(1);
  expect(verdict()).toBe(0);
});

test("What has not gone out within 30 min has failed, with the reason of the newest attempt", async () => {
  const { clock, drills, outcome } = desk();
  outcome.set("chat", { kind: "failed", why: "no route" });
  const { id } = drills.start("Anna");
  await clock.advance(60_000);
  expect(drills.get(id)).toMatchObject({ doneAt: null });
  expect(() => drills.start("Ben")).toThrow("under way");
  await clock.advance(DRILL_TAKES_MS);
  const drill = drills.get(id);
  expect(drill?.steps[0]).toMatchObject({
    state: "failed",
    why: "it did not go out within 30 min: no route",
  });
  expect(drill?.doneAt).not.toBeNull();
});

test("A test is acknowledged once, by name; also as an alarm from the link in its message", async () => {
  const { clock, drills } = desk();
  const { id } = drills.start("Anna");
  await clock.advance(10);
  expect(drills.acknowledge(id, "chat", "Ben")).toBe(true);
  expect(drills.acknowledge(id, "chat", "Ann")).toBe(false);
  expect(drills.acknowledge(id, "nobody", "Ann")).toBe(false);
  expect(drills.get(id)?.steps[0]).toMatchObject({ state: "acknowledged", by: "Ben" });
  expect(drills.asAlarm(`${id}.1`)).toMatchObject({ state: "active", ack: null, occurrence: 1 });
  expect(drills.calls().map(({ told }) => told)).toEqual([["beacon"]]);
  drills.acknowledgeAlarm(`${id}.1`, "Cleo (link in the message)");
  expect(drills.asAlarm(`${id}.1`)?.ack?.by).toBe("Cleo (link in the message)");
  expect(drills.asAlarm(`${id}.7`)).toBeUndefined();
  expect(drills.asAlarm("inlet-high.a01")).toBeUndefined();
});

test("By itself it happens at 10:00 on the second day of each month in the site's zone, once", async () => {
  const { clock, drills } = desk([], { day: 2, hour: 10 });
  await clock.advance(19 * HOUR);
  expect(drills.list(9)).toHaveLength(0);
  // 10:00 in Helsinki is 8:00 UTC.
  await clock.advance(3 * HOUR + 60_000);
  expect(drills.list(9)).toMatchObject([{ by: "schedule" }]);
  expect(new Date(drills.list(1)[0]?.startedAt ?? 0).toISOString()).toMatch(/^2026-01-02T08:00:0/);
});

test("A hub that was away on the day drills on the next, at the hour, and not at night", async () => {
  const { clock, drills } = desk([], { day: 2, hour: 10 });
  clock.stepWall(DAY + 4 * HOUR);
  await clock.advance(15 * HOUR);
  expect(drills.list(9)).toHaveLength(0);
  await clock.advance(4 * HOUR);
  expect(drills.list(9)).toHaveLength(1);
  await clock.advance(2 * DAY);
  expect(drills.list(9)).toHaveLength(1);
});

test("A hub set up after this month's day waits for the next month", async () => {
  const { clock, drills } = desk([], { day: 1, hour: 10 }, NOON + 3 * DAY);
  await clock.advance(2 * DAY);
  expect(drills.list(9)).toHaveLength(0);
});

test("35 days without a good drill are overdue where drills are set up; elsewhere nothing is said", async () => {
  const set = desk([], { day: 28, hour: 10 });
  expect(set.verdict()).toBe(0);
  set.clock.stepWall(DRILL_OVERDUE_MS + 1);
  expect(set.verdict()).toBe(2);
  await stop?.();
  expect(desk().verdict()).toBeUndefined();
});
