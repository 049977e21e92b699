import fc from "fast-check";
import { expect, test } from "vitest";
import { Bans } from "../../../hub/broker/bans.ts";
import { BYTES_PER_S, ByteBudget } from "../../../hub/broker/byte-budget.ts";
import { Retained } from "../../../hub/broker/retained.ts";
import { MAX_WAITING, MAX_WAITING_PER_ADDRESS, Turnstile } from "../../../hub/broker/turnstile.ts";
import { HOLD_OFF_MS, TwinWatch } from "../../../hub/broker/twin-watch.ts";
import { FakeClock } from "../../fake-clock.ts";

test("30 connections go through the turnstile at once and 30 each second after", async () => {
  const clock = new FakeClock();
  const inside: number[] = [];
  const turnstile = new Turnstile<number>(clock, (one) => inside.push(one));
  for (let i = 0; i < 100; i += 1) turnstile.enter("10.0.0.1", i);
  await clock.advance(0);
  expect(inside).toHaveLength(30);
  await clock.advance(1_000);
  expect(inside.length).toBeGreaterThanOrEqual(58);
  expect(inside.length).toBeLessThanOrEqual(61);
  await clock.advance(2_000);
  expect(inside).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test("a flood from one address fills only its own queue, and another address has the next turn", async () => {
  const clock = new FakeClock();
  const inside: string[] = [];
  const turnstile = new Turnstile<string>(clock, (one) => inside.push(one));
  const admitted = Array.from({ length: 1_000 }, () => turnstile.enter("10.0.0.66", "flood"));
  expect(admitted.filter(Boolean).length).toBeLessThanOrEqual(MAX_WAITING_PER_ADDRESS + 30);
  expect(turnstile.enter("10.0.0.1", "honest")).toBe(true);
  await clock.advance(100);
  expect(inside).toContain("honest");
});

test("no more than 400 wait in all", () => {
  const turnstile = new Turnstile<number>(new FakeClock(), () => undefined);
  const waiting = Array.from({ length: 1_000 }, (_, i) => turnstile.enter(`10.0.0.${i}`, i));
  expect(waiting.filter(Boolean).length).toBeLessThanOrEqual(MAX_WAITING + 30);
});

test("three takeovers in a minute are a bad network, the fourth is a twin, held off for 5 minutes", () => {
  const twins = new TwinWatch();
  expect([0, 10_000, 20_000].map((at) => twins.takeover("a", 500, at))).toEqual([
    false,
    false,
    false,
  ]);
  expect(twins.isHeld("a", 20_000)).toBe(false);
  expect(twins.takeover("a", 500, 30_000)).toBe(true);
  expect([twins.isHeld("a", 30_000 + HOLD_OFF_MS - 1), twins.isHeld("b", 30_000)]).toEqual([
    true,
    false,
  ]);
  expect(twins.isHeld("a", 30_000 + HOLD_OFF_MS)).toBe(false);
});

test("four takeovers over more than a minute, or of connections silent for 8 s, are no twins", () => {
  const slow = new TwinWatch();
  expect([0, 25_000, 50_000, 75_000].map((at) => slow.takeover("a", 0, at))).not.toContain(true);
  const dead = new TwinWatch();
  expect([0, 1, 2, 3, 4].map((at) => dead.takeover("a", 8_000, at))).not.toContain(true);
});

test("a ban lasts 1 s, doubles with each breach up to 5 min, and is forgiven after 5 quiet minutes", () => {
  const bans = new Bans();
  bans.add("a", 0);
  expect([bans.holds("a", 999), bans.holds("a", 1_000), bans.holds("b", 0)]).toEqual([
    true,
    false,
    false,
  ]);
  bans.add("a", 1_000);
  expect([bans.holds("a", 2_999), bans.holds("a", 3_000)]).toEqual([true, false]);
  for (let i = 0; i < 20; i += 1) bans.add("a", 3_000);
  expect([bans.holds("a", 302_999), bans.holds("a", 303_000)]).toEqual([true, false]);
  bans.add("a", 700_000);
  expect(bans.holds("a", 701_000)).toBe(false);
});

test("a connection may burst 32 MB and then goes on at 8 MB/s", () => {
  const budget = new ByteBudget(0);
  expect(budget.take(4 * BYTES_PER_S, 0)).toBe(0);
  expect(budget.take(BYTES_PER_S, 0)).toBe(1_000);
  expect(budget.take(BYTES_PER_S / 2, 1_500)).toBe(0);
});

test("only birth and status of known nodes are kept, at most 64 KiB each", () => {
  const retained = new Retained((node) => node === "known");
  expect(retained.keeps("known", "birth", 65_536)).toBe(true);
  expect(retained.keeps("known", "birth", 65_537)).toBe(false);
  expect(retained.keeps("known", "status", 10)).toBe(true);
  for (const lane of ["live", "data"] as const)
    expect(retained.keeps("known", lane, 10)).toBe(false);
  expect(retained.keeps("stranger", "birth", 10)).toBe(false);
});

test("whatever is published, what is kept never adds up to more than 16 MiB", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 499 }), fc.integer({ min: 1, max: 65_536 })), {
        maxLength: 600,
      }),
      (messages) => {
        const retained = new Retained(() => true);
        const kept = new Map<number, number>();
        for (const [node, bytes] of messages)
          if (retained.keeps(`n${node}`, "birth", bytes)) kept.set(node, bytes);
        expect([...kept.values()].reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(16 * 1_048_576);
      },
    ),
    { numRuns: 50 },
  );
});
