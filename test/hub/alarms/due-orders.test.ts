import { afterEach, expect, test } from "vitest";
import type { Command } from "../../../contract/alarm/engine.ts";
import type { AlarmEvent, LocalRuleInfo, StandingAlarm } from "../../../contract/message.ts";
import { DueOrders, MAX_DUE } from "../../../hub/alarms/due-orders.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { birth, HIGH, INLET, type SmallHub, SmallHubs, T0 } from "./small-hub.ts";

const NODE = "edge-hall";
const ID = `inlet-high.${INLET.id}`;
const LOCAL: LocalRuleInfo = { id: "inlet-high", priority: 2, points: ["*.inlet-*"] };
const hubs = new SmallHubs();
afterEach(hubs.stop);

/** A hub whose alarm stands, and on the node as its occurrence 4. */
function standing(rules = [HIGH]): SmallHub {
  const hub = hubs.open(rules);
  hub.live.announce({ ...birth(), rules: [LOCAL] });
  status(hub, 1, there());
  return hub;
}

const there = (more: Partial<StandingAlarm> = {}): StandingAlarm => ({
  ...{ rule: "inlet-high", subject: INLET.id, occurrence: 4, raisedAt: T0, priority: 2 },
  ...{ acknowledged: false, ...more },
});

function status(hub: SmallHub, session: number, ...alarms: StandingAlarm[]): void {
  hub.live.status(NODE, { v: 1, state: "online", session, at: hub.clock.nowMs(), alarms });
}

function says(hub: SmallHub, what: AlarmEvent["what"], by?: string): void {
  const node = hub.live.node(NODE)!;
  const event: AlarmEvent = {
    ...{ type: "alarm", rule: "inlet-high", subject: INLET.id, occurrence: 4, what },
    ...{ at: hub.clock.nowMs(), priority: 2, value: 30, clock: "synced", ...(by && { by }) },
  };
  hub.alarms.nodeEvents(node, "e1", [event]);
}

const orders = (hub: SmallHub) => hub.orders.splice(0).map(({ order }) => order.do);
const shelve = (hub: SmallHub, ms = 3_600_000): Command => ({
  ...{ do: "shelve", by: "kn", reason: "filter", until: hub.clock.nowMs() + ms },
});

test.each<[string, (hub: SmallHub) => Command[], string[]]>([
  ["shelved", (hub) => [shelve(hub)], ["shelve"]],
  [
    "shelved and taken off the shelf",
    (hub) => [shelve(hub), { do: "unshelve", by: "kn" }],
    ["unshelve"],
  ],
  [
    "taken out of service",
    () => [{ do: "out-of-service", by: "kn", reason: "x" }],
    ["out-of-service"],
  ],
  [
    "acknowledged and shelved",
    (hub) => [{ do: "acknowledge", by: "kn" }, shelve(hub)],
    ["acknowledge", "acknowledge", "shelve"],
  ],
])("%s while the node is away: it hears of it when it returns", async (_, given, wanted) => {
  const hub = standing();
  hub.live.gone(NODE);
  for (const order of given(hub)) hub.alarms.command(ID, order);
  orders(hub);
  await hub.clock.advance(60_000);
  status(hub, 2, there());
  expect(orders(hub)).toEqual(wanted);
});

test("Acknowledged and reset while the node is away: both reach it, in that order", async () => {
  const hub = standing([{ ...HIGH, latch: true, offDelayMs: 0 }]);
  hub.live.gone(NODE);
  await hub.hold(20, 4);
  hub.alarms.command(ID, { do: "acknowledge", by: "kn" });
  hub.alarms.command(ID, { do: "reset", by: "kn" });
  expect(hub.view().state).toBe("normal");
  orders(hub);
  status(hub, 2, there());
  expect(orders(hub)).toEqual(["acknowledge", "reset"]);
});

test("What the node confirms is not sent again, also not after a restart of the hub", async () => {
  const first = standing();
  first.alarms.command(ID, shelve(first));
  says(first, "shelved", "kn");
  expect(orders(first)).toEqual(["shelve"]);
  status(first, 2, there());
  expect(orders(first)).toEqual([]);
  const hub = await hubs.reopen(first);
  status(hub, 3, there());
  expect(orders(hub)).toEqual([]);
});

test("What was not confirmed is sent once in each connection, also after a restart of the hub", async () => {
  const first = standing();
  first.live.gone(NODE);
  first.alarms.command(ID, { do: "out-of-service", by: "kn", reason: "x" });
  const hub = await hubs.reopen(first);
  for (let again = 0; again < 3; again += 1) {
    status(hub, 2, there());
    await hub.clock.advance(10_000);
  }
  expect(orders(hub)).toEqual(["out-of-service"]);
  status(hub, 3, there());
  expect(orders(hub)).toEqual(["out-of-service"]);
});

test.each<[string, (hub: SmallHub) => Promise<void> | void]>([
  ["the shelf time is over", (hub) => hub.clock.advance(70_000)],
  ["it was taken back", (hub) => void hub.alarms.command(ID, { do: "unshelve", by: "kn" })],
])("An order is not repeated when %s", async (_, passes) => {
  const hub = standing();
  hub.live.gone(NODE);
  hub.alarms.command(ID, shelve(hub, 60_000));
  await passes(hub);
  orders(hub);
  status(hub, 2, there());
  expect(orders(hub)).not.toContain("shelve");
});

test("An acknowledgement never reaches a later occurrence that nobody has seen", async () => {
  const hub = standing();
  hub.live.gone(NODE);
  hub.alarms.command(ID, { do: "acknowledge", by: "kn" });
  await hub.hold(20, 70);
  orders(hub);
  status(hub, 2, there({ occurrence: 5, raisedAt: hub.clock.nowMs() - 1_000 }));
  expect(orders(hub)).toEqual([]);
  expect(hub.view()).toMatchObject({ state: "active", ack: null });
});

test("Acknowledged at the node: the hub takes it over, and no order goes back", () => {
  const hub = standing();
  says(hub, "acknowledged", "panel");
  expect(hub.view()).toMatchObject({ state: "acknowledged", ack: { by: "panel" } });
  expect(orders(hub)).toEqual([]);
  says(hub, "acknowledged", "panel");
  expect(hub.records().filter((record) => record.startsWith("acknowledged"))).toHaveLength(1);
});

test("Acknowledged at the node before the hub heard of the alarm at all: it comes acknowledged", () => {
  const hub = hubs.open();
  hub.live.announce({ ...birth(), rules: [LOCAL] });
  status(hub, 1, there({ acknowledged: true }));
  expect(hub.view()).toMatchObject({ state: "acknowledged", ack: { by: NODE } });
  expect(orders(hub)).toEqual([]);
});

test("The node's echo of the hub's own order does not silence an alarm that sounds again", async () => {
  const hub = standing([{ ...HIGH, reAlarmMs: 60_000 }]);
  hub.alarms.command(ID, { do: "acknowledge", by: "kn" });
  await hub.hold(31, 70);
  expect(hub.view()).toMatchObject({ state: "active", ack: null });
  says(hub, "acknowledged", "kn");
  expect(hub.view()).toMatchObject({ state: "active", ack: null });
});

test("2,000 orders are remembered; of more, the oldest is no longer repeated", () => {
  const db = openHubDb(":memory:");
  const due = new DueOrders(db);
  for (let i = 0; i <= MAX_DUE; i += 1)
    due.note({
      ...{ node: "n", rule: "r", subject: `p${i}`, occurrence: 1, at: i },
      order: { do: "acknowledge", by: "kn" },
    });
  expect(due.of("n", MAX_DUE)).toHaveLength(2_000);
  expect(new DueOrders(db).of("n", MAX_DUE)[0]?.subject).toBe("p1");
});

test("A node that has been away for more than a week is told nothing of then", () => {
  const due = new DueOrders(openHubDb(":memory:"));
  const order: Command = { do: "unshelve", by: "kn" };
  due.note({ node: "n", rule: "r", subject: "p", occurrence: 1, at: T0, order });
  expect(due.of("n", T0 + 7 * 86_400_000)).toHaveLength(1);
  expect(due.of("n", T0 + 7 * 86_400_000 + 1)).toEqual([]);
});
