import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { DoorEvent, SpoolEvent } from "../../../contract/message.ts";
import { canonicalJson, withWholeCharacters } from "../../../hub/ledger/canonical-json.ts";
import { CHAIN_START, chainHash } from "../../../hub/ledger/chain.ts";
import { createLedger, type Ledger, type LedgerInput } from "../../../hub/ledger/ledger.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { transact } from "../../../hub/state/transaction.ts";
import { FakeClock } from "../../fake-clock.ts";

const T0 = Date.UTC(2026, 0, 1);

function doorEvent(
  source: number,
  what: DoorEvent["what"] = "opened",
  door = "door-a1",
): DoorEvent {
  return { type: "door", door, what, at: T0 + source * 1_000, source, clock: "synced" };
}
function input(seq: number, event: SpoolEvent, epoch = "e1"): LedgerInput {
  return { node: "edge-hall", epoch, seq, receivedAt: T0 + 500, event };
}

let db: HubDb;
let ledger: Ledger;
beforeEach(() => {
  db = openHubDb(":memory:");
  const doorLabel = (door: string) => (door === "door-a1" ? "A1 south" : undefined);
  ledger = createLedger({ db, clock: new FakeClock(T0), doorLabel });
});

describe("canonical JSON", () => {
  test("sorts members by UTF-16 code units and writes numbers as RFC 8785 shows", () => {
    const text = canonicalJson({
      "€": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew",
      "1": "One",
      "😀": "Emoji",
      "\u0080": "Control",
      ö: "o umlaut",
    });
    expect(Object.values(JSON.parse(text))).toHaveLength(7);
    expect([...text.matchAll(/:"([^"]*)"/g)].map((match) => match[1])).toEqual([
      "Carriage Return",
      "One",
      "Control",
      "o umlaut",
      "Euro Sign",
      "Emoji",
      "Hebrew",
    ]);
    expect(canonicalJson([Number("333333333.33333329"), 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
      "[333333333.3333333,1e+30,4.5,0.002,1e-27,0]",
    );
    expect(canonicalJson({ b: undefined, a: null })).toBe('{"a":null}');
  });

  test("refuses what JSON cannot say", () => {
    for (const value of [Number.NaN, Infinity, 1n, () => 1, "\ud800", { "\udc00": 1 }])
      expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  test("any JSON value has one spelling, whatever the order of its members", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const whole = withWholeCharacters(value);
        const text = canonicalJson(whole);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(whole)));
      }),
    );
  });
});

test("the chain gives the published hashes of two door records", () => {
  const first = chainHash(CHAIN_START, canonicalJson({ seq: 1, event: "granted", door: "D1" }));
  expect(first.toString("hex")).toBe(
    "9a019278282aadf224c981fc2e7c9a2369ca19fbdb02ab8b07812ee1aa81d39f",
  );
  const second = chainHash(first, canonicalJson({ seq: 2, event: "forced", door: "D1" }));
  expect(second.toString("hex")).toBe(
    "60cbe0999f5ead4bc322832aa015dbc3eb4c1c79a8c9e9d881ea5ddd3e230932",
  );
});

describe("append", () => {
  test("writes a door event with its label, and the same spool row only once", () => {
    ledger.append([input(7, doorEvent(1)), input(7, doorEvent(1))]);
    ledger.append([input(7, doorEvent(1))]);
    const { items, next } = ledger.read({ limit: 10 });
    expect(next).toBeNull();
    expect(items).toMatchObject([
      { seq: 1, type: "door.opened", at: T0 + 1_000, door: "door-a1", label: "A1 south" },
    ]);
    expect(items[0]?.detail).toEqual({
      seq: 1,
      type: "door.opened",
      at: T0 + 1_000,
      receivedAt: T0 + 500,
      node: "edge-hall",
      epoch: "e1",
      sourceSeq: 7,
      door: "door-a1",
      label: "A1 south",
      source: 1,
      clock: "synced",
    });
  });

  const stories: [string, [source: number, epoch: string][], string[]][] = [
    [
      "nothing between 1 and 2",
      [
        [1, "e1"],
        [2, "e1"],
      ],
      [],
    ],
    [
      "3 and 4 never came",
      [
        [2, "e1"],
        [5, "e1"],
      ],
      ["1–1", "3–4"],
    ],
    [
      "a new spool counts from 1 again",
      [
        [1, "e1"],
        [2, "e1"],
        [1, "e2"],
        [2, "e2"],
      ],
      [],
    ],
    [
      "a new spool begins late",
      [
        [1, "e1"],
        [4, "e2"],
      ],
      ["1–3"],
    ],
    [
      "the counter runs backwards",
      [
        [1, "e1"],
        [2, "e1"],
        [1, "e1"],
      ],
      ["3–1"],
    ],
    [
      "a door that counts from 0",
      [
        [0, "e1"],
        [1, "e1"],
      ],
      [],
    ],
  ];
  test.each(stories)("door counter: %s", (_name, events, gaps) => {
    ledger.append(events.map(([source, epoch], index) => input(index, doorEvent(source), epoch)));
    const { items } = ledger.read({ type: "door.gap", limit: 10, order: "oldest" });
    expect(items.map(({ detail }) => `${detail.from}–${detail.to}`)).toEqual(gaps);
    expect(ledger.read({ type: "door", limit: 99 }).items).toHaveLength(
      events.length + gaps.length,
    );
  });

  test("keeps a node's event with half a character in its text, and tells listeners", () => {
    const heard: string[] = [];
    const stop = ledger.onAppend((record) => heard.push(record.type));
    const detail = "broken \ud800 text";
    ledger.append([input(1, { type: "node", what: "spool-corrupt", at: T0, detail })]);
    stop();
    ledger.appendOwn("hub.started", T0, {});
    expect(heard).toEqual(["node.spool-corrupt"]);
    expect(ledger.read({ limit: 9, type: "node" }).items[0]?.detail.detail).toBe("broken � text");
    expect(ledger.verify()).toMatchObject({ ok: true, count: 2 });
  });

  test("a record of a transaction that fails is neither kept nor told", () => {
    const heard: number[] = [];
    ledger.onAppend((record) => heard.push(record.seq));
    ledger.appendOwn("hub.started", T0, {});
    const failing = () =>
      transact(db, () => {
        ledger.appendOwn("alarm.raised", T0, { alarm: "x" });
        throw new Error("disk full");
      });
    expect(failing).toThrow("disk full");
    ledger.appendOwn("hub.stopped", T0, {});
    expect(heard).toEqual([1, 2]);
    expect(ledger.read({ limit: 9 }).items.map((item) => item.type)).toEqual([
      "hub.stopped",
      "hub.started",
    ]);
    expect(ledger.verify()).toMatchObject({ ok: true, count: 2 });
  });
});

describe("nothing is changed afterwards", () => {
  const attempts: [string, string][] = [
    ["update", "UPDATE ledger SET at = 0 WHERE seq = 1"],
    ["delete", "DELETE FROM ledger"],
    ["replace by number", "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 1"],
    [
      "replace by spool row",
      `INSERT OR REPLACE INTO ledger SELECT 3, type, at, received_at, node, epoch, source_seq, door,
       label, record, hash FROM ledger WHERE seq = 1`,
    ],
    [
      "number left out",
      `INSERT INTO ledger SELECT 9, type, at, received_at, node, epoch, 99, door, label, record, hash
       FROM ledger WHERE seq = 1`,
    ],
  ];
  test.each(attempts)("the database refuses: %s", (_name, sql) => {
    ledger.append([input(1, doorEvent(1)), input(2, doorEvent(2, "closed"))]);
    expect(() => db.exec(sql)).toThrow("the ledger is append-only");
    expect(ledger.verify()).toMatchObject({ ok: true, count: 2 });
  });

  const forgeries: [string, string, number, RegExp][] = [
    [
      "content",
      "UPDATE ledger SET record = replace(record, 'opened', 'closed') WHERE seq = 2",
      2,
      /hash/,
    ],
    ["a column", "UPDATE ledger SET door = 'door-b1' WHERE seq = 3", 3, /column door/],
    [
      "a hash",
      "UPDATE ledger SET hash = replace(hash, substr(hash, 1, 2), 'zz') WHERE seq = 1",
      1,
      /hash/,
    ],
    ["a missing record", "DELETE FROM ledger WHERE seq = 2", 2, /missing/],
    ["white space", "UPDATE ledger SET record = record || ' ' WHERE seq = 4", 4, /hash/],
  ];
  test.each(forgeries)(
    "with the triggers gone, verify finds %s",
    async (_name, sql, brokenAt, why) => {
      ledger.append([1, 2, 3, 4].map((n) => input(n, doorEvent(n))));
      db.exec("DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete");
      db.exec(sql);
      const verdict = { ok: false, brokenAt, why: expect.stringMatching(why) };
      expect(ledger.verify()).toEqual(verdict);
      expect(await ledger.verifyInPages()).toEqual(verdict);
    },
  );

  test("2,500 whole records are found whole, also while others are added", async () => {
    ledger.append(Array.from({ length: 2_500 }, (_, n) => input(n, doorEvent(n + 1))));
    const paged = ledger.verifyInPages();
    ledger.append([input(2_500, doorEvent(2_501))]);
    expect(await paged).toEqual(ledger.verify());
    expect(ledger.verify()).toMatchObject({ ok: true, count: 2_501 });
  });

  test("a record rewritten together with its hash breaks the next one", () => {
    ledger.append([1, 2, 3].map((n) => input(n, doorEvent(n))));
    const first = ledger.read({ limit: 1, order: "oldest" }).items[0]!;
    const record = canonicalJson({ ...first.detail, at: 5 });
    db.exec("DROP TRIGGER ledger_no_update");
    db.prepare("UPDATE ledger SET at = 5, record = ?, hash = ? WHERE seq = 1").run(
      record,
      chainHash(CHAIN_START, record).toString("hex"),
    );
    expect(ledger.verify()).toMatchObject({ ok: false, brokenAt: 2 });
  });
});

describe("read", () => {
  beforeEach(() => {
    const doors = ["door-a1", "door-b1"];
    ledger.append(
      [1, 2, 3, 4, 5].flatMap((n) =>
        doors.map((door, i) => input(n * 2 + i, doorEvent(n, n % 2 ? "opened" : "closed", door))),
      ),
    );
    ledger.appendOwn("alarm.raised", T0 + 9_000, { alarm: "door-open.door-a1.open" });
  });
  const seqs = (query: Omit<Parameters<Ledger["read"]>[0], "limit">) =>
    ledger.read({ limit: 100, ...query }).items.map((item) => item.seq);

  test("filters by door, type, family and time", () => {
    expect(seqs({ door: "door-b1" })).toEqual([10, 8, 6, 4, 2]);
    expect(seqs({ door: "door-a1", type: "door.closed" })).toEqual([7, 3]);
    expect(seqs({ type: "door" })).toHaveLength(10);
    expect(seqs({ type: "alarm" })).toEqual([11]);
    expect(seqs({ type: "doo" })).toEqual([]);
    expect(seqs({ from: T0 + 2_000, to: T0 + 3_000, order: "oldest" })).toEqual([3, 4]);
  });

  test.each(["newest", "oldest"] as const)("pages through everything once, %s first", (order) => {
    const seen: number[] = [];
    let cursor: number | undefined;
    do {
      const page = ledger.read({ order, limit: 3, cursor });
      seen.push(...page.items.map((item) => item.seq));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    const all = Array.from({ length: 11 }, (_, i) => i + 1);
    expect(seen).toEqual(order === "oldest" ? all : all.reverse());
  });

  test.each([0, 1.5, 1_001])("refuses a page of %d", (limit) => {
    expect(() => ledger.read({ limit })).toThrow(RangeError);
  });
});
