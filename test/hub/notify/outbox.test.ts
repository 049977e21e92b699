import { pino } from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import type { Priority } from "../../../contract/alarm/rule.ts";
import type { Receiver } from "../../../hub/config/hub-config.ts";
import type { Channel, Outcome } from "../../../hub/notify/channel.ts";
import {
  createOutbox,
  GIVE_UP_MS,
  MAX_DONE,
  MAX_QUEUED,
  type Notice,
  type Outbox,
  retryDelayMs,
} from "../../../hub/notify/outbox.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { transact } from "../../../hub/state/transaction.ts";
import { FakeClock } from "../../fake-clock.ts";

const OK: Outcome = { kind: "delivered" };
const DOWN: Outcome = { kind: "failed", why: "connection refused" };

const receiver = (id: string): Receiver => ({
  kind: "webhook",
  id,
  url: "https://example.net/",
  secret: null,
  allowPrivate: false,
});

function notice(alarm: string, change = "raised", extra: Partial<Notice> = {}): Notice {
  return {
    key: `${alarm}/1/${change}/0`,
    alarm,
    occurrence: 1,
    change,
    priority: 2,
    receivers: ["desk"],
    subject: `${alarm} ${change}`,
    text: "",
    data: {},
    ...extra,
  };
}

let db: HubDb;
let clock: FakeClock;
let stop: AbortController;
let running: Promise<void>;
/** Seconds since the start and the key of every attempt, and how the other side answers. */
let attempts: [seconds: number, key: string][];
let answer: (key: string) => Outcome | Promise<Outcome>;

beforeEach(() => {
  db = openHubDb(":memory:");
  clock = new FakeClock(0);
  stop = new AbortController();
  running = Promise.resolve();
  attempts = [];
  answer = () => OK;
});

function open(ids = ["desk"]): Outbox {
  const channel: Channel = {
    kind: "webhook",
    send: async ({ key }) => {
      attempts.push([clock.monoMs() / 1_000, key]);
      return answer(key);
    },
  };
  const log = pino({ level: "silent" });
  const deps = { db, receivers: ids.map(receiver), clock, log, channelFor: () => channel };
  return createOutbox(deps);
}
function start(outbox: Outbox): Outbox {
  running = outbox.run(stop.signal);
  return outbox;
}
async function halt(): Promise<void> {
  stop.abort();
  await running;
  stop = new AbortController();
}
const states = (outbox: Outbox) =>
  outbox
    .list({ limit: 100 })
    .map((row) => `${row.alarm} ${row.change} ${row.receiver} ${row.state} ${row.attempts}`)
    .reverse();

test("a message goes out at once, once, and stays in the list", async () => {
  const outbox = start(open());
  outbox.enqueue(notice("a"));
  outbox.enqueue(notice("a"));
  await clock.advance(3_600_000);
  expect(attempts).toEqual([[0, "a/1/raised/0/desk"]]);
  expect(outbox.list({ limit: 9 })).toEqual([
    {
      id: 1,
      alarm: "a",
      occurrence: 1,
      change: "raised",
      receiver: "desk",
      channel: "webhook",
      state: "delivered",
      attempts: 1,
      createdAt: 0,
      doneAt: 0,
      error: null,
    },
  ]);
  expect(outbox.counts()).toEqual({ queued: 0, failed: 0 });
});

test("pauses grow from 5 s to 15 min", () => {
  expect([1, 2, 3, 4, 7, 8, 9, 5_000].map((n) => retryDelayMs(n) / 1_000)).toEqual([
    5, 10, 20, 40, 320, 640, 900, 900,
  ]);
});

test("a dead receiver is tried with growing pauses under one key, until it is back", async () => {
  const outbox = start(open());
  answer = () => (clock.monoMs() < 30_000 ? DOWN : OK);
  outbox.enqueue(notice("a"));
  await clock.advance(10_000);
  expect(outbox.counts()).toEqual({ queued: 1, failed: 0 });
  expect(outbox.list({ limit: 1 })[0]).toMatchObject({ error: "connection refused", attempts: 2 });
  await clock.advance(60_000);
  expect(attempts.map(([seconds]) => seconds)).toEqual([0, 5, 15, 35]);
  expect(new Set(attempts.map(([, key]) => key)).size).toBe(1);
  expect(states(outbox)).toEqual(["a raised desk delivered 4"]);
  expect(outbox.list({ limit: 1 })[0]?.error).toBeNull();
});

test("a message nobody takes for 24 h is given up, and says why", async () => {
  const outbox = start(open());
  answer = () => DOWN;
  outbox.enqueue(notice("a"));
  await clock.advance(GIVE_UP_MS + 3_600_000);
  expect(outbox.counts()).toEqual({ queued: 0, failed: 1 });
  expect(outbox.list({ limit: 1 })[0]?.error).toBe("given up after 24 h: connection refused");
  const tried = attempts.length;
  await clock.advance(GIVE_UP_MS);
  expect(attempts).toHaveLength(tried);
});

test("a final no is not tried again", async () => {
  const outbox = start(open());
  answer = () => ({ kind: "refused", why: "answered 410" });
  outbox.enqueue(notice("a"));
  await clock.advance(3_600_000);
  expect(attempts).toHaveLength(1);
  expect(outbox.list({ limit: 1 })[0]).toMatchObject({ state: "failed", error: "answered 410" });
});

describe("a receiver", () => {
  test("fails from the fourth failure of a message until one goes out, over a restart", async () => {
    const outbox = start(open(["desk", "duty"]));
    answer = (key) => (key.endsWith("desk") ? DOWN : OK);
    outbox.enqueue(notice("a", "raised", { receivers: ["desk", "duty"] }));
    await clock.advance(30_000);
    expect(outbox.isFailing("desk")).toBe(false);
    await clock.advance(6_000);
    expect([outbox.isFailing("desk"), outbox.isFailing("duty")]).toEqual([true, false]);
    await halt();
    const again = start(open(["desk", "duty"]));
    expect([again.isFailing("desk"), again.isFailing("duty")]).toEqual([true, false]);
    answer = () => OK;
    await clock.advance(60_000);
    expect(again.isFailing("desk")).toBe(false);
  });

  test("fails at once when it says no for good, until it takes another message", async () => {
    const outbox = start(open());
    answer = (key) => (key.startsWith("a/") ? { kind: "refused", why: "answered 410" } : OK);
    outbox.enqueue(notice("a"));
    await clock.advance(1);
    expect(outbox.isFailing("desk")).toBe(true);
    expect(open().isFailing("desk")).toBe(true);
    outbox.enqueue(notice("b"));
    await clock.advance(1);
    expect(outbox.isFailing("desk")).toBe(false);
    expect(open().isFailing("desk")).toBe(false);
  });
});

test("mail for several receivers is one row each; a dead one holds up nobody else", async () => {
  const outbox = start(open(["desk", "duty"]));
  answer = (key) => (key.endsWith("desk") ? DOWN : OK);
  outbox.enqueue(notice("a", "raised", { receivers: ["desk", "duty", "desk"] }));
  outbox.enqueue(notice("b", "raised", { receivers: ["duty"] }));
  await clock.advance(1_000);
  expect(states(outbox)).toEqual([
    "a raised desk queued 1",
    "a raised duty delivered 1",
    "b raised duty delivered 1",
  ]);
});

describe("order", () => {
  test("what is about one alarm stays in order, the rest may pass it", async () => {
    const outbox = start(open());
    answer = (key) => (key.startsWith("a/1/raised") && clock.monoMs() < 4_000 ? DOWN : OK);
    outbox.enqueue(notice("a"));
    await clock.advance(1_000);
    outbox.enqueue(notice("a", "cleared"));
    outbox.enqueue(notice("b"));
    await clock.advance(60_000);
    expect(attempts).toEqual([
      [0, "a/1/raised/0/desk"],
      [1, "b/1/raised/0/desk"],
      [5, "a/1/raised/0/desk"],
      [5, "a/1/cleared/0/desk"],
    ]);
  });

  test("the most urgent goes first", async () => {
    const outbox = open();
    for (const priority of [4, 2, 1, 3] as Priority[])
      outbox.enqueue(notice(`p${priority}`, "raised", { priority }));
    start(outbox);
    await clock.advance(1);
    expect(attempts.map(([, key]) => key.slice(0, 2))).toEqual(["p1", "p2", "p3", "p4"]);
  });
});

describe("crash and restart", () => {
  test("nothing is sent for a transaction that fails", async () => {
    const outbox = start(open());
    expect(() =>
      transact(db, () => {
        outbox.enqueue(notice("a"));
        throw new Error("disk full");
      }),
    ).toThrow("disk full");
    await clock.advance(60_000);
    expect(attempts).toEqual([]);
    expect(outbox.list({ limit: 9 })).toEqual([]);
  });

  test("waiting messages and their pauses survive a restart", async () => {
    answer = () => DOWN;
    const before = start(open());
    before.enqueue(notice("a"));
    await clock.advance(6_000);
    await halt();
    answer = () => OK;
    const after = start(open());
    await clock.advance(8_000);
    expect(attempts.map(([seconds]) => seconds)).toEqual([0, 5]);
    await clock.advance(2_000);
    expect(attempts.map(([seconds]) => seconds)).toEqual([0, 5, 15]);
    expect(states(after)).toEqual(["a raised desk delivered 3"]);
  });

  test("an attempt cut off by a crash is repeated under the same key, after a pause", async () => {
    answer = () => new Promise(() => undefined);
    start(open()).enqueue(notice("a"));
    await clock.advance(1_000);
    answer = () => OK;
    const after = start(open());
    await clock.advance(60_000);
    expect(attempts).toEqual([
      [0, "a/1/raised/0/desk"],
      [5, "a/1/raised/0/desk"],
    ]);
    expect(states(after)).toEqual(["a raised desk delivered 2"]);
  });

  test("messages for a receiver no longer configured are given up, not kept for ever", () => {
    open(["desk", "duty"]).enqueue(notice("a", "raised", { receivers: ["desk", "duty"] }));
    const after = open(["duty"]);
    expect(states(after)).toEqual(["a raised desk failed 0", "a raised duty queued 0"]);
    after.enqueue(notice("b", "raised", { receivers: ["desk"] }));
    expect(after.list({ limit: 1 })[0]).toMatchObject({
      state: "failed",
      error: "no such receiver",
    });
  });

  test("stopping waits for the attempt under way, so that its end is written down", async () => {
    let finish = (_: Outcome) => {};
    answer = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const outbox = start(open());
    outbox.enqueue(notice("a"));
    await clock.advance(1);
    const halted = halt();
    finish(OK);
    await halted;
    expect(states(outbox)).toEqual(["a raised desk delivered 1"]);
  });

  test("a clock set back by a day does not hold a message for a day", async () => {
    answer = () => DOWN;
    const outbox = start(open());
    outbox.enqueue(notice("a"));
    await clock.advance(1_000);
    clock.stepWall(-GIVE_UP_MS);
    answer = () => OK;
    await clock.advance(60_000);
    expect(states(outbox)).toEqual(["a raised desk delivered 2"]);
  });
});

describe("limits", () => {
  test(`beyond ${MAX_QUEUED} waiting, the oldest of the least urgent is given up`, () => {
    const outbox = open();
    transact(db, () => {
      for (let n = 0; n < MAX_QUEUED; n += 1)
        outbox.enqueue(notice(`x${n}`, "raised", { priority: n === 5 || n === 9 ? 4 : 2 }));
    });
    outbox.enqueue(notice("urgent", "raised", { priority: 1 }));
    outbox.enqueue(notice("same", "raised", { priority: 2 }));
    outbox.enqueue(notice("also", "raised", { priority: 2 }));
    outbox.enqueue(notice("note", "raised", { priority: 4 }));
    expect(outbox.counts()).toEqual({ queued: MAX_QUEUED, failed: 4 });
    const rows = outbox.list({ limit: 2_000 });
    const failed = rows.filter((row) => row.state === "failed").map((row) => row.alarm);
    expect(failed.sort()).toEqual(["note", "x0", "x5", "x9"]);
    expect(rows.find((row) => row.alarm === "x5")?.error).toMatch(/given up: 1000 messages/);
  });

  test(`only the newest ${MAX_DONE} finished messages are kept`, async () => {
    const outbox = open();
    const insert =
      db.prepare(`INSERT INTO outbox (key, alarm, occurrence, change, priority, receiver,
      channel, subject, text, data, state, next_at, created_at) VALUES (?, 'old', 1, 'raised', 2,
      'desk', 'webhook', '', '', '{}', 'delivered', 0, 0)`);
    transact(db, () => {
      for (let n = 0; n < MAX_DONE + 50; n += 1) insert.run(`old${n}`);
    });
    start(outbox).enqueue(notice("new"));
    await clock.advance(1);
    expect(outbox.list({ limit: MAX_DONE * 2 })).toHaveLength(MAX_DONE);
    expect(outbox.list({ limit: 1 })[0]?.alarm).toBe("new");
  });
});
