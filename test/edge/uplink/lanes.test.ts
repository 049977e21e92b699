import { afterEach, beforeEach, expect, test } from "vitest";
import { dataSchema, MAX_PAYLOAD_BYTES, MAX_ROWS } from "../../../contract/message.ts";
import type { Reading } from "../../../contract/reading.ts";
import { parseRow } from "../../../contract/row.ts";
import type { SpoolRow } from "../../../edge/spool/spool.ts";
import type { SqliteSpool } from "../../../edge/spool/sqlite-spool.ts";
import { backOffMs } from "../../../edge/uplink/back-off.ts";
import { DataLane } from "../../../edge/uplink/data-lane.ts";
import { LiveLane } from "../../../edge/uplink/live-lane.ts";
import { wireRow, wireRows } from "../../../edge/uplink/wire.ts";
import { SYNCED, silent, TempSpool } from "../spool/temp-spool.ts";

const NOON = Date.UTC(2026, 5, 1, 12);
let temp: TempSpool;
let spool: SqliteSpool;
beforeEach(() => {
  temp = new TempSpool();
  spool = temp.open();
});
afterEach(() => {
  spool.close();
  temp.remove();
});

/** A connection that only remembers, and confirms nothing until told to. */
class SilentLink {
  readonly sent: string[] = [];
  inFlight = 0;
  publish = (_topic: string, payload: string): Promise<void> => {
    this.sent.push(payload);
    this.inFlight += 1;
    return new Promise(() => undefined);
  };
  messages = () => this.sent.map((text) => dataSchema.parse(JSON.parse(text)));
}

const row = (fields: Partial<SpoolRow>): SpoolRow => ({
  seq: 1,
  kind: "reading",
  at: 1_000,
  monoMs: 10_000,
  synced: false,
  thisBoot: true,
  offsetMs: null,
  afterMs: null,
  payload: '["p.0",1000,20.5]',
  ...fields,
});

test.each([
  ["a row of a set clock goes as it is", row({ synced: true }), '["p.0",1000,20.5]'],
  [
    "one whose boot's offset is known gets its true time",
    row({ offsetMs: NOON }),
    `["p.0",${NOON + 10_000},20.5]`,
  ],
  [
    "so does a doubted one, and keeps its reason",
    row({ offsetMs: NOON, payload: '["p.0",1000,20.5,"frozen"]' }),
    `["p.0",${NOON + 10_000},20.5,"frozen"]`,
  ],
  [
    "one of a boot that never knew the time is in doubt",
    row({ thisBoot: false }),
    '["p.0",1000,20.5,"clock"]',
  ],
  [
    "a bad one of that boot stays bad",
    row({ thisBoot: false, payload: '["p.0",1000,null,"bus"]' }),
    '["p.0",1000,null,"bus"]',
  ],
  [
    "of a boot that never knew the time, none is earlier than the last time known before it",
    row({ thisBoot: false, afterMs: NOON }),
    `["p.0",${NOON + 10_000},20.5,"clock"]`,
  ],
  [
    "but one whose clock was later than that keeps its time",
    row({ thisBoot: false, afterMs: NOON, at: NOON + 3_600_000 }),
    `["p.0",${NOON + 3_600_000},20.5,"clock"]`,
  ],
  [
    "an event that says how sure its time is says that it was corrected, and from what",
    row({
      kind: "event",
      offsetMs: NOON,
      payload: '{"event":{"type":"door","at":1000,"clock":"unsynced"}}',
    }),
    `{"event":{"type":"door","at":${NOON + 10_000},"clock":"corrected","takenAt":1000}}`,
  ],
  [
    "an event gets its true time too",
    row({ kind: "event", offsetMs: NOON, payload: '{"event":{"type":"door","at":1000}}' }),
    `{"event":{"type":"door","at":${NOON + 10_000}}}`,
  ],
])("%s", (_name, given, text) => {
  expect(wireRow(given)).toBe(text);
});

test("the example of the design: 10 s after boot in 2021, set at 100 s to noon, is 11:58:30", () => {
  const offsetMs = NOON - 100_000;
  const taken = row({ at: Date.UTC(2021, 0, 1, 0, 0, 10), monoMs: 10_000, offsetMs });
  expect(JSON.parse(wireRow(taken))[1]).toBe(Date.UTC(2026, 5, 1, 11, 58, 30));
});

test("rows wait in order behind the first whose clock is not set yet", () => {
  const rows = [
    row({ seq: 5, synced: true }),
    { skip: 2 },
    row({ seq: 8 }),
    row({ seq: 9, synced: true }),
  ];
  expect(wireRows({ first: 5, next: 10, rows })).toMatchObject({
    next: 8,
    rows: ['["p.0",1000,20.5]', '{"skip":2}'],
  });
});

test.each([
  ["plain text", "x"],
  ["umlauts", "ü"],
  ["quotes, which JSON doubles", '"'],
  ["control characters, which JSON writes with six", "\u0001"],
])("250 events of the longest detail, all %s, stay below what the hub accepts", (_name, letter) => {
  const event = { type: "node", what: "gap", at: 1, detail: letter.repeat(500) };
  const payload = JSON.stringify({ event });
  const rows = Array.from({ length: 250 }, (_, i) =>
    row({ seq: i + 1, synced: true, kind: "event", payload }),
  );
  const { rows: texts, next } = wireRows({ first: 1, next: 251, rows });
  expect(Buffer.byteLength(texts.join())).toBeLessThan(MAX_PAYLOAD_BYTES - 1_000);
  expect(next).toBe(texts.length + 1);
  expect(texts.length).toBeGreaterThan(50);
});

test("a broker that confirms nothing gets 32 messages and no more", async () => {
  for (let i = 0; i < 40; i += 1) {
    spool.addReading({ point: "p.0", at: i, quality: "good", value: i }, SYNCED);
    spool.commit();
  }
  const link = new SilentLink();
  const lane = new DataLane({ topic: "t", link, spool, clock: temp.clock, log: silent });
  for (let pass = 0; pass < 60; pass += 1) {
    lane.pump();
    await temp.clock.advance(60_000);
  }
  expect(link.sent).toHaveLength(32);
});

test("rows that were thinned away are sent as skips, every row in its place", () => {
  for (let i = 1; i <= 600; i += 1)
    spool.addReading({ point: "p.0", at: i, quality: "good", value: i }, SYNCED);
  spool.commit();
  temp.deleteRows(Array.from({ length: 300 }, (_, i) => i + 101));
  const link = new SilentLink();
  new DataLane({ topic: "t", link, spool, clock: temp.clock, log: silent }).pump();
  const values = new Map<number, number>();
  for (const { first, rows } of link.messages()) {
    let seq = first;
    for (const parsed of rows.map(parseRow)) {
      if (parsed.kind === "skip") seq += parsed.count;
      else if (parsed.kind === "reading" && parsed.reading.quality === "good") {
        values.set(seq, parsed.reading.value);
        seq += 1;
      }
    }
  }
  expect(values.size).toBe(300);
  for (const [seq, value] of values) expect(value).toBe(seq);
});

test("5,000 points reach the wall in messages of at most 1,000, none of them twice", async () => {
  const readings: Reading[] = Array.from({ length: 5_000 }, (_, i) => ({
    point: `p.${i}`,
    at: 1,
    quality: "good",
    value: i,
  }));
  const sent: unknown[][] = [];
  const link = {
    publish: async (_topic: string, payload: string) => {
      expect(Buffer.byteLength(payload)).toBeLessThan(MAX_PAYLOAD_BYTES);
      sent.push(JSON.parse(payload).rows);
    },
  };
  const lane = new LiveLane({ topic: "t", link, clock: temp.clock, log: silent }, readings);
  for (let pass = 0; pass < 10; pass += 1) {
    lane.pump(() => undefined);
    await temp.clock.advance(250);
  }
  expect(sent.map((rows) => rows.length)).toEqual(Array.from({ length: 5 }, () => MAX_ROWS));
  expect(new Set(sent.flat().map((reading) => String(reading))).size).toBe(5_000);
  expect(lane.dueMs).toBeUndefined();
});

test("a second live message waits for its quarter second, or for the first to be written", async () => {
  const written: (() => void)[] = [];
  const link = { publish: () => new Promise<void>((resolve) => written.push(resolve)) };
  const lane = new LiveLane({ topic: "t", link, clock: temp.clock, log: silent }, []);
  const say = (urgent: boolean) => {
    lane.add({ point: "p.0", at: 1, quality: "good", value: 1 }, urgent);
    lane.pump(() => undefined);
    return written.length;
  };
  expect(say(false)).toBe(1);
  expect(say(true)).toBe(1);
  written[0]?.();
  await temp.clock.advance(0);
  expect(say(false)).toBe(2);
  written[1]?.();
  await temp.clock.advance(0);
  expect(say(false)).toBe(2);
  await temp.clock.advance(249);
  expect(say(false)).toBe(2);
  await temp.clock.advance(1);
  expect(say(false)).toBe(3);
});

test("the wait before a new connection is anywhere from 0 to a limit that doubles up to 15 s", () => {
  const longest = [1, 2, 3, 6, 7, 8, 1_000].map((failures) => backOffMs(failures, () => 1));
  expect(longest).toEqual([1_000, 2_000, 4_000, 15_000, 15_000, 15_000, 15_000]);
  expect(backOffMs(5, () => 0)).toBe(0);
});
