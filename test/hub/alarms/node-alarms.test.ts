import { afterEach, describe, expect, test } from "vitest";
import {
  type AlarmEvent,
  type LocalRuleInfo,
  orderSchema,
  type StandingAlarm,
} from "../../../contract/message.ts";
import { NOT_DURABLE } from "../../../hub/own-rules.ts";
import { birth, INLET, type SmallHub, SmallHubs, subjects, T0 } from "./small-hub.ts";

const NODE = "edge-hall";
const ID = `inlet-high.${INLET.id}`;
const HOT: LocalRuleInfo = { id: "hot", priority: 1, title: "{place} too hot", points: ["*"] };
const LOCAL_HIGH: LocalRuleInfo = { id: "inlet-high", priority: 2, points: ["*.inlet-*"] };
const hubs = new SmallHubs();
afterEach(hubs.stop);

function announce(hub: SmallHub, rules = [LOCAL_HIGH, HOT]): void {
  hub.live.announce({ ...birth(), rules });
}

function stands(rule: string, occurrence: number, raisedAt: number): StandingAlarm {
  const what = { rule, subject: INLET.id, occurrence, raisedAt };
  return { ...what, priority: 2, acknowledged: false };
}

function status(hub: SmallHub, ...alarms: StandingAlarm[]): void {
  hub.live.status(NODE, { v: 1, state: "online", session: 1, at: hub.clock.nowMs(), alarms });
}

type Happened = [rule: string, occurrence: number, what: AlarmEvent["what"], at: number];

function events(hub: SmallHub, firstSeq: number, ...happened: Happened[]): void {
  const node = hub.live.node(NODE);
  if (!node) throw new Error("the node was not announced");
  const list = happened.map(([rule, occurrence, what, at]): AlarmEvent => {
    const common = { type: "alarm", subject: INLET.id, priority: 2, value: 30 } as const;
    return { ...common, rule, occurrence, what, at, clock: "synced" };
  });
  const receivedAt = hub.clock.nowMs();
  const inputs = list.map((event, index) => ({
    ...{ node: NODE, epoch: "e1", seq: firstSeq + index, receivedAt, event },
  }));
  hub.ledger.append(inputs);
  hub.alarms.nodeEvents(node, "e1", list);
}

/** The hub's own records about alarms; those of nodes are kept under their spool's epoch. */
const own = (hub: SmallHub): string[] =>
  hub.ledger
    .read({ type: "alarm", limit: 1_000, order: "oldest" })
    .items.filter(({ detail }) => detail.alarm !== undefined)
    .map(({ type, detail }) => `${type.slice("alarm.".length)} ${detail.alarm}`);

describe("the hub returns while an alarm stands on its node", () => {
  test("it is raised at once, with the time the node raised it, told once and merged once", async () => {
    const hub = hubs.open();
    announce(hub);
    await hub.clock.advance(600_000);
    const raisedAt = T0 + 100_000;
    status(hub, stands("inlet-high", 4, raisedAt));
    expect(hub.view()).toMatchObject({ state: "active", occurrence: 1, raisedAt });
    for (let again = 0; again < 2; again += 1) {
      events(hub, 1, ["inlet-high", 4, "raised", raisedAt]);
      status(hub, stands("inlet-high", 4, raisedAt));
      await hub.hold(30, 70);
    }
    expect(own(hub)).toEqual([`raised ${ID}`, `merged ${ID}`]);
    expect(hub.ledger.read({ type: "alarm.merged", limit: 1 }).items[0]?.detail).toMatchObject({
      ...{ node: NODE, nodeEpoch: "e1", nodeOccurrence: 4, occurrence: 1, raisedAt },
    });
    expect(hub.sent).toHaveLength(1);
  });

  test("what was merged before a restart of the hub is not raised by a replay after it", async () => {
    const first = hubs.open();
    announce(first);
    status(first, stands("inlet-high", 4, T0));
    await first.hold(25, 70);
    first.alarms.command(ID, { do: "acknowledge", by: "kn" });
    expect(first.view().state).toBe("normal");
    const hub = await hubs.reopen(first);
    status(hub, stands("inlet-high", 4, T0));
    events(hub, 1, ["inlet-high", 4, "raised", T0]);
    expect(hub.view()).toMatchObject({ state: "normal", occurrence: 1 });
    expect(own(hub).filter((record) => record.startsWith("merged"))).toHaveLength(1);
  });

  test("an alarm that stood before at the hub and stands still is the same one", async () => {
    const first = hubs.open();
    announce(first);
    await first.hold(30, 62);
    const hub = await hubs.reopen(first);
    await hub.clock.advance(600_000);
    status(hub, stands("inlet-high", 1, T0 + 59_000));
    events(hub, 1, ["inlet-high", 1, "raised", T0 + 59_000]);
    expect(hub.view()).toMatchObject({ state: "active", occurrence: 1 });
    expect(own(hub)).toEqual([`raised ${ID}`, `merged ${ID}`]);
    expect(hub.sent).toEqual([]);
  });

  test("whoever acknowledged the occurrence before has not seen the next one", async () => {
    const hub = hubs.open();
    announce(hub);
    status(hub, stands("inlet-high", 1, T0));
    await hub.clock.advance(1);
    hub.alarms.command(ID, { do: "acknowledge", by: "kn" });
    await hub.clock.advance(600_000);
    status(hub, stands("inlet-high", 2, T0 + 500_000));
    expect(hub.view()).toMatchObject({ state: "active", occurrence: 1, ack: null });
    expect(subjects(hub)).toHaveLength(1);
    await hub.clock.advance(1);
    expect(subjects(hub)[1]).toMatch(/^STILL ON/);
  });
});

describe("the hub was there all along", () => {
  test("both raise: one occurrence, one message, whichever came first", async () => {
    const hub = hubs.open();
    announce(hub);
    await hub.hold(30, 62);
    status(hub, stands("inlet-high", 1, T0 + 60_500));
    events(hub, 1, ["inlet-high", 1, "raised", T0 + 60_500]);
    await hub.hold(25, 62);
    status(hub);
    events(hub, 2, ["inlet-high", 1, "cleared", hub.clock.nowMs()]);
    await hub.clock.advance(1_000);
    status(hub, stands("inlet-high", 2, hub.clock.nowMs()));
    await hub.hold(30, 70);
    expect(hub.view()).toMatchObject({ state: "active", occurrence: 2 });
    expect(own(hub)).toEqual(
      ["raised", "merged", "cleared", "raised", "merged"].map((type) => `${type} ${ID}`),
    );
    expect(hub.sent).toHaveLength(3);
  });

  test("an event that comes before any status that could hold it raises the alarm", async () => {
    const hub = hubs.open();
    announce(hub);
    status(hub);
    await hub.clock.advance(5_000);
    events(hub, 1, ["inlet-high", 1, "raised", hub.clock.nowMs()]);
    expect(hub.view()).toMatchObject({ state: "active", occurrence: 1 });
  });
});

test("on a full disk they are raised all the same, and merged once when there is room", async () => {
  const hub = hubs.open();
  const points = Array.from({ length: 60 }, (_, n) => ({ ...INLET, id: `r${n}.inlet-top` }));
  hub.live.announce({ ...birth(points), rules: [LOCAL_HIGH] });
  const standing = points.map(({ id }) => ({ ...stands("inlet-high", 1, T0), subject: id }));
  hub.db.pragma(`max_page_count = ${hub.db.pragma("page_count", { simple: true })}`);
  status(hub, ...standing);
  status(hub, ...standing);
  expect(hub.heard).toHaveLength(60);
  expect(own(hub)).toEqual([]);
  hub.db.pragma("max_page_count = 1000000");
  await hub.clock.advance(2_000);
  status(hub, ...standing);
  expect(own(hub).filter((record) => record.startsWith("raised"))).toHaveLength(60);
  expect(own(hub).filter((record) => record.startsWith("merged"))).toHaveLength(60);
  expect(hub.sent).toHaveLength(60);
});

describe("what may mislead", () => {
  test("a status heard before the node's spool was renewed says nothing of the new one", () => {
    const hub = hubs.open();
    announce(hub);
    status(hub, stands("inlet-high", 1, T0));
    hub.live.announce({ ...birth(), epoch: "e2", rules: [LOCAL_HIGH] });
    expect(own(hub)).toEqual([`raised ${ID}`, `merged ${ID}`]);
  });

  test("a last will raises nothing", () => {
    const hub = hubs.open();
    announce(hub);
    const alarms = [stands("inlet-high", 1, T0)];
    hub.live.status(NODE, { v: 1, state: "offline", session: 1, at: T0, alarms });
    expect(hub.alarms.views()).toEqual([]);
  });

  test("a node that clears a moment later than the hub does not raise the same thing again", async () => {
    const hub = hubs.open();
    announce(hub);
    await hub.hold(30, 62);
    await hub.hold(25, 62);
    expect(hub.view().state).toBe("returned");
    status(hub, stands("inlet-high", 1, T0 + 61_000));
    expect(hub.view()).toMatchObject({ state: "returned", occurrence: 1 });
  });

  test("an end in the same message makes it past, even before a status is heard", () => {
    const hub = hubs.open();
    announce(hub);
    events(hub, 1, ["inlet-high", 1, "raised", T0 - 9_000], ["inlet-high", 1, "cleared", T0]);
    expect(own(hub)).toEqual([`unheard ${ID}`]);
  });
});

describe("raised and over while the hub was away", () => {
  test.each([
    ["a minute", 60_000],
    ["ten minutes", 600_000],
  ])("%s later: on record, no siren, once", async (_name, backMs) => {
    const hub = hubs.open();
    announce(hub);
    await hub.clock.advance(backMs);
    status(hub);
    for (let again = 0; again < 2; again += 1) {
      events(
        hub,
        1,
        ["inlet-high", 7, "raised", T0 + 10_000],
        ["inlet-high", 7, "cleared", T0 + 20_000],
        ["inlet-high", 8, "raised", T0 + 30_000],
      );
      events(hub, 4, ["inlet-high", 8, "cleared", T0 + 40_000]);
    }
    await hub.clock.advance(5_000);
    expect(hub.heard).toEqual([]);
    expect(hub.sent).toEqual([]);
    expect(own(hub)).toEqual([`unheard ${ID}`, `unheard ${ID}`]);
    const nodes = hub.ledger.read({ type: "alarm", limit: 99 }).items;
    expect(nodes.filter(({ detail }) => detail.alarm === undefined)).toHaveLength(4);
    const again = await hubs.reopen(hub);
    events(again, 1, ["inlet-high", 7, "raised", T0 + 10_000]);
    expect(own(again)).toHaveLength(2);
  });

  test("an earlier occurrence in the backlog of one that stands does not ring", async () => {
    const hub = hubs.open();
    announce(hub);
    await hub.clock.advance(30_000);
    status(hub, stands("inlet-high", 2, T0 + 20_000));
    events(
      hub,
      1,
      ["inlet-high", 1, "raised", T0 + 1_000],
      ["inlet-high", 1, "cleared", T0 + 2_000],
      ["inlet-high", 2, "raised", T0 + 20_000],
    );
    await hub.clock.advance(1);
    expect(own(hub)).toEqual([`raised ${ID}`, `merged ${ID}`, `unheard ${ID}`]);
    expect(hub.sent).toHaveLength(1);
  });
});

describe("a rule that only the node has", () => {
  const hot = `hot.${INLET.id}`;

  test("raises in its words, tells everybody, survives a restart, and ends with the node's", async () => {
    const first = hubs.open();
    announce(first);
    status(first, stands("hot", 1, T0));
    expect(first.view(hot)).toMatchObject({ title: "A03 too hot", priority: 1, state: "active" });
    await first.hold(20, 10);
    expect(first.sent).toHaveLength(2);
    const hub = await hubs.reopen(first);
    expect(hub.view(hot).state).toBe("active");
    status(hub, stands("hot", 1, T0));
    hub.live.gone(NODE);
    hub.live.announce(birth([], "edge-plant"));
    const common = { v: 1, state: "online", session: 1, at: T0 } as const;
    hub.live.status("edge-plant", { ...common, alarms: [] });
    await hub.clock.advance(60_000);
    expect(hub.view(hot).state).toBe("active");
    status(hub);
    expect(hub.view(hot).state).toBe("returned");
    await hub.clock.advance(1);
    expect(own(hub)).toEqual([`raised ${hot}`, `merged ${hot}`, `cleared ${hot}`]);
    expect(hub.sent).toHaveLength(2);
  });

  test("that latches there waits here for its reset, which reaches the node", async () => {
    const hub = hubs.open();
    announce(hub);
    status(hub, stands("hot", 1, T0));
    await hub.clock.advance(5_000);
    status(hub, stands("hot", 1, T0));
    events(hub, 1, ["hot", 1, "raised", T0], ["hot", 1, "cleared", T0 + 4_000]);
    expect(hub.view(hot).state).toBe("latched");
    hub.alarms.command(hot, { do: "acknowledge", by: "kn" });
    hub.alarms.command(hot, { do: "reset", by: "kn" });
    expect(hub.view(hot).state).toBe("normal");
    expect(hub.orders.map(({ order }) => order.do)).toEqual(["acknowledge", "reset"]);
  });

  test("that no node announces any more is withdrawn at the next start", async () => {
    const first = hubs.open();
    announce(first);
    status(first, stands("hot", 1, T0));
    announce(first, []);
    const hub = await hubs.reopen(first);
    expect(hub.alarms.views()).toEqual([]);
    expect(own(hub).at(-1)).toBe(`withdrawn ${hot}`);
  });

  test("and that it never announced, or on another's point, raises nothing", () => {
    const hub = hubs.open();
    announce(hub);
    hub.live.announce({ ...birth([], "edge-plant"), rules: [HOT] });
    const alarms = [stands("hot", 1, T0)];
    const common = { v: 1, state: "online", session: 1, at: T0 } as const;
    hub.live.status("edge-plant", { ...common, alarms });
    status(hub, stands("unknown", 1, T0));
    expect(hub.alarms.views()).toEqual([]);
  });
});

describe("orders", () => {
  test("go on to the node that judges the alarm too, and to no other", async () => {
    const hub = hubs.open();
    announce(hub, [LOCAL_HIGH]);
    await hub.hold(30, 62);
    const order = { do: "shelve", by: "kn", reason: "noise", until: T0 + 900_000 } as const;
    hub.alarms.command(ID, order);
    expect(hub.orders).toEqual([{ node: NODE, rule: "inlet-high", subject: INLET.id, order }]);
    announce(hub, []);
    hub.alarms.command(ID, { do: "acknowledge", by: "kn" });
    expect(hub.orders).toHaveLength(1);
  });

  test("are cut to the length a node takes", () => {
    const hub = hubs.open();
    announce(hub);
    hub.read(20);
    const reason = "long ".repeat(40);
    hub.alarms.command(ID, { do: "out-of-service", by: "kn", reason });
    const [sent] = hub.orders;
    expect(orderSchema.safeParse(sent?.order)).toMatchObject({ success: true });
    expect(hub.view().outOfService?.reason).toBe(reason);
  });

  test("an acknowledgement the node has missed is repeated until its status shows it", () => {
    const hub = hubs.open();
    announce(hub);
    status(hub, stands("inlet-high", 1, T0));
    hub.alarms.command(ID, { do: "acknowledge", by: "kn" });
    status(hub, stands("inlet-high", 1, T0));
    status(hub, { ...stands("inlet-high", 1, T0), acknowledged: true });
    expect(hub.orders.map(({ order }) => order)).toEqual([
      { do: "acknowledge", by: "kn" },
      { do: "acknowledge", by: "kn" },
    ]);
  });
});

test("a node that keeps its readings in memory only is an alarm until its disk takes them again", async () => {
  const hub = hubs.open([{ ...NOT_DURABLE, receivers: ["duty"] }]);
  const say = (durable?: boolean) => {
    const at = hub.clock.nowMs();
    const rest = durable === undefined ? {} : { durable };
    hub.live.status(NODE, { v: 1, state: "online", session: 1, at, ...rest });
  };
  announce(hub);
  say();
  await hub.clock.advance(60_000);
  expect(hub.alarms.views()).toEqual([]);
  say(false);
  await hub.clock.advance(31_000);
  const id = `not-durable.${NODE}`;
  expect(hub.alarms.views()).toMatchObject([
    {
      id,
      state: "active",
      title: "Hall A sensors keeps its readings in memory only",
      detail: "its disk does not take them",
    },
  ]);
  hub.live.gone(NODE);
  await hub.clock.advance(60_000);
  expect(hub.view(id).state).toBe("active");
  say(true);
  await hub.clock.advance(11_000);
  expect(hub.view(id).state).toBe("returned");
});
