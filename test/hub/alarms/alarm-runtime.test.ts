import { afterEach, describe, expect, test } from "vitest";
import { bad } from "../../../contract/reading.ts";
import { HIGH, INLET, NO_READING, rule, SILENT, SmallHubs, subjects, T0 } from "./small-hub.ts";

const ID = "inlet-high.a03.inlet-top";
const hubs = new SmallHubs();
const open = hubs.open;
afterEach(hubs.stop);

test("limit 27, deadband 0.5, 60 s on and off, samples every 10 s: active at 100 s, over at 220 s", async () => {
  const hub = open();
  hub.announce();
  const samples = [
    ...[26.8, 27.1, 27.2, 26.9, 27.3, 27.3, 27.3, 27.3, 27.3, 27.3, 27.4],
    ...[26.8, 26.6, 26.5, 26.4, 26.6, 26.4, 26.4, 26.4, 26.4, 26.4, 26.4, 26.4],
  ];
  const changes: [seconds: number, state: string][] = [];
  let last = "normal";
  for (const [index, value] of samples.entries()) {
    hub.read(value);
    for (let second = 0; second < 10; second += 1) {
      const { state } = hub.view();
      if (state !== last) changes.push([index * 10 + second, state]);
      last = state;
      await hub.clock.advance(1_000);
    }
  }
  expect(changes).toEqual([
    [100, "active"],
    [220, "returned"],
  ]);
  expect(hub.records()).toEqual([`raised ${ID}`, `cleared ${ID}`]);
  expect(subjects(hub)).toEqual([
    "P2 A03 inlet top 27.3 °C (limit 27) — Hall A",
    "OVER: P2 A03 inlet top 26.4 °C (limit 27) — Hall A",
  ]);
});

test("an alarm speaks in words, with place, limit, sensor and what to do", async () => {
  const hub = open();
  hub.announce();
  await hub.hold(31.84, 62);
  expect(hub.alarms.views()).toEqual([
    {
      id: ID,
      rule: "inlet-high",
      subject: "a03.inlet-top",
      place: "A03",
      priority: 2,
      title: "A03 inlet top 31.8 °C",
      detail: "limit 27 °C · sensor A03 inlet top",
      runbook: "Check the cooling unit of this aisle.",
      state: "active",
      occurrence: 1,
      raisedAt: T0 + 60_000,
      clearedAt: null,
      ack: null,
      shelved: null,
      suppressed: false,
      outOfService: null,
      value: 31.84,
      limit: 27,
      unit: "°C",
    },
  ]);
  expect(hub.sent).toHaveLength(1);
  expect(hub.sent[0]?.text).toBe(`A03 inlet top 31.8 °C
limit 27 °C · sensor A03 inlet top

Where:       A03, Hall A, Demo site
Since:       1 Jan 2026, 02:01:00 GMT+2 (Europe/Helsinki)
Priority:    2 (act this hour)
What to do:  Check the cooling unit of this aisle.
Look:        http://127.0.0.1:8080/?alarm=inlet-high.a03.inlet-top
`);
  expect(hub.sent[0]?.data).toMatchObject({ change: "raised", alarm: { id: ID, occurrence: 1 } });
});

test("listeners hear of a change only once state, record and message are on disk", async () => {
  const hub = open([rule({ id: "hot", condition: { kind: "limit", above: 27, deadband: 0 } })]);
  const seen: unknown[] = [];
  hub.alarms.onChange((changed) => {
    const stored = hub.db.prepare("SELECT state FROM alarm WHERE id = ?").pluck().get(changed.id);
    const { phase } = JSON.parse(String(stored)) as { phase: { name: string } };
    const queued = hub.outbox.list({ limit: 9 }).length;
    const listed = hub.alarms.views().length;
    seen.push([hub.db.inTransaction, phase.name, hub.records().length, queued, listed]);
  });
  hub.announce();
  hub.read(30);
  expect(seen).toEqual([[false, "active", 1, 1, 1]]);
  await hub.clock.advance(1);
});

describe("what is not measured", () => {
  test("a sensor that fails neither clears nor raises a limit, and its title shows no value", async () => {
    const hub = open([HIGH, NO_READING]);
    hub.announce();
    await hub.hold(30, 62);
    await hub.hold(bad("checksum"), 120);
    expect(hub.view(ID)).toMatchObject({
      state: "active",
      value: null,
      title: "A03 inlet top no reading",
    });
    expect(hub.view(`no-reading.${INLET.id}`)).toMatchObject({
      state: "active",
      title: "A03 inlet top: no reading",
      detail: "answers arrive damaged · sensor A03 inlet top",
    });
    await hub.hold(25, 2);
    expect(hub.view(`no-reading.${INLET.id}`).state).toBe("returned");
    expect(hub.view(ID).state).toBe("active");
    await hub.hold(25, 60);
    expect(hub.view(ID).state).toBe("returned");
  });

  test("silence of one point alarms after its stale time of 30 s and the delay of 10 s", async () => {
    const hub = open([NO_READING]);
    hub.announce();
    await hub.hold(25, 40);
    await hub.clock.advance(38_000);
    expect(hub.heard).toEqual([]);
    await hub.clock.advance(2_000);
    expect(hub.heard).toEqual([`no-reading.${INLET.id} active`]);
    expect(hub.view().detail).toBe("nothing received since 1 Jan, 02:00:38 · sensor A03 inlet top");
  });

  test("a node that is gone is one alarm, not one per point", async () => {
    const hub = open([NO_READING, SILENT]);
    const points = [1, 2, 3].map((n) => ({ ...INLET, id: `a0${n}.inlet-top` }));
    hub.announce(points);
    for (let n = 0; n < 10; n += 1) {
      for (const { id } of points) hub.read(25, id);
      await hub.clock.advance(2_000);
    }
    hub.connect(false);
    await hub.clock.advance(600_000);
    expect(hub.heard).toEqual(["node-silent.edge-hall active"]);
    expect(hub.view("node-silent.edge-hall")).toMatchObject({
      title: "Hall A sensors silent",
      detail: "not connected since 1 Jan, 02:00:20",
      place: null,
    });
    hub.connect(true);
    await hub.clock.advance(20_000);
    for (const { id } of points) hub.read(25, id);
    await hub.clock.advance(20_000);
    expect(hub.heard).toEqual(["node-silent.edge-hall active", "node-silent.edge-hall returned"]);
  });

  test("after a start nothing is called missing for 15 s, and nobody is told needlessly", async () => {
    const first = open([NO_READING, rule({ ...SILENT, onDelayMs: 0 })]);
    first.announce();
    await first.hold(25, 4);
    await first.stop();
    await first.clock.advance(3_600_000);
    const hub = await hubs.reopen(first);
    await hub.clock.advance(14_000);
    expect(hub.heard).toEqual([]);
    await hub.clock.advance(2_000);
    expect(hub.heard).toEqual(["node-silent.edge-hall active"]);
  });
});

describe("people", () => {
  test("an order is carried out, recorded with its giver, and repeated without effect", async () => {
    const hub = open();
    hub.announce();
    await hub.hold(30, 62);
    const acked = hub.alarms.command(ID, { do: "acknowledge", by: "kn" });
    expect(acked).toMatchObject({ state: "acknowledged", ack: { by: "kn", at: T0 + 62_000 } });
    hub.alarms.command(ID, { do: "acknowledge", by: "another" });
    expect(hub.view().ack?.by).toBe("kn");
    expect(hub.records()).toEqual([`raised ${ID}`, `acknowledged ${ID}`]);
    const { detail } = hub.ledger.read({ type: "alarm.acknowledged", limit: 1 }).items[0]!;
    expect(detail).toMatchObject({ by: "kn", occurrence: 1, title: "A03 inlet top 30.0 °C" });
    expect(
      hub.alarms.command("inlet-high.nowhere", { do: "acknowledge", by: "kn" }),
    ).toBeUndefined();
  });

  test("raised while shelved tells nobody; when the shelf ends, the duty is told for the first time", async () => {
    const hub = open();
    hub.announce();
    hub.read(25);
    const until = T0 + 300_000;
    hub.alarms.command(ID, { do: "shelve", by: "kn", reason: "filter change", until });
    expect(hub.alarms.views()).toMatchObject([{ state: "normal", shelved: { by: "kn", until } }]);
    await hub.hold(30, 298);
    expect(hub.view().state).toBe("active");
    expect(hub.sent).toEqual([]);
    await hub.hold(30, 4);
    expect(subjects(hub)).toEqual(["P2 A03 inlet top 30.0 °C (limit 27) — Hall A"]);
    expect(hub.records()).toEqual([`shelved ${ID}`, `raised ${ID}`, `unshelved ${ID}`]);
    const { detail } = hub.ledger.read({ type: "alarm.shelved", limit: 1 }).items[0]!;
    expect(detail).toMatchObject({ by: "kn", reason: "filter change", until });
  });

  test("an end is told even while shelved, to those who heard of the beginning", async () => {
    const hub = open();
    hub.announce();
    await hub.hold(30, 62);
    const until = T0 + 3_600_000;
    hub.alarms.command(ID, { do: "shelve", by: "kn", reason: "noise", until });
    await hub.hold(25, 62);
    expect(subjects(hub).map((subject) => subject.slice(0, 5))).toEqual(["P2 A0", "OVER:"]);
  });

  test("an acknowledged alarm that lasts is told again", async () => {
    const hub = open([{ ...HIGH, reAlarmMs: 600_000 }]);
    hub.announce();
    await hub.hold(30, 62);
    hub.alarms.command(ID, { do: "acknowledge", by: "kn" });
    await hub.hold(30, 602);
    expect(subjects(hub)[1]).toBe("STILL ON: P2 A03 inlet top 30.0 °C (limit 27) — Hall A");
    expect(hub.view().state).toBe("active");
  });

  test("the record of a door held open can be found by its door", async () => {
    const open1 = rule({ id: "door-open", condition: { kind: "digital", equals: 1 } });
    const hub = open([{ ...open1, title: "{label} open" }]);
    const info = {
      ...INLET,
      id: "door-a1.open",
      quantity: "flag",
      label: "Door A1 south",
    } as const;
    hub.announce([info]);
    hub.read(1, info.id);
    expect(hub.ledger.read({ door: "door-a1", limit: 9 }).items).toMatchObject([
      { type: "alarm.raised", detail: { title: "Door A1 south open" } },
    ]);
    await hub.clock.advance(1);
  });
});

describe("a subject that is gone", () => {
  test("an alarm on a point its node stops offering is withdrawn, and those who heard of it are told", async () => {
    const hub = hubs.open([HIGH, NO_READING]);
    hub.announce();
    await hub.hold(30, 70);
    expect(hub.view()).toMatchObject({ state: "active", occurrence: 1 });
    hub.announce([]);
    await hub.clock.advance(1_000);
    expect(hub.alarms.views()).toEqual([]);
    expect(hub.records().at(-1)).toBe(`withdrawn ${HIGH.id}.${INLET.id}`);
    expect(hub.sent).toHaveLength(2);
    await hub.clock.advance(3_600_000);
    expect(hub.alarms.views()).toEqual([]);
    hub.announce();
    await hub.hold(30, 70);
    expect(hub.view()).toMatchObject({ state: "active", occurrence: 2 });
  });

  test("it stays withdrawn after a restart", async () => {
    const hub = hubs.open([HIGH]);
    hub.announce();
    await hub.hold(30, 70);
    hub.announce([]);
    const again = await hubs.reopen(hub);
    expect(again.alarms.views()).toEqual([]);
    expect(again.records().filter((record) => record.startsWith("withdrawn"))).toHaveLength(1);
  });

  test("a forgotten node ends its silence and the alarms of its points", async () => {
    const hub = hubs.open([HIGH, SILENT]);
    hub.announce();
    await hub.hold(30, 70);
    hub.connect(false);
    await hub.clock.advance(31_000);
    expect(hub.alarms.views()).toHaveLength(2);
    expect(hub.live.forget("edge-hall")).toBe(true);
    expect(hub.alarms.views()).toEqual([]);
    expect(hub.records().filter((record) => record.startsWith("withdrawn"))).toHaveLength(2);
  });
});
