import fc from "fast-check";
import { expect, test } from "vitest";
import { profileOf, registersFrom, rig } from "./modbus-rig.ts";

const device = (unit: number, limits: string) => ({
  id: `u${unit}`,
  unit,
  profile: profileOf(registersFrom(0, 4), { limits, classes: "normal: 5s" }),
  values: [],
});

test("whichever units die, and when, they use at most a fifth of the line and the others lose nothing", async () => {
  const scenario = fc.record({
    units: fc.integer({ min: 2, max: 12 }),
    deadShare: fc.double({ min: 0.1, max: 1, noNaN: true }),
    timeoutMs: fc.integer({ min: 100, max: 2_000 }),
    maxResponseMs: fc.integer({ min: 100, max: 3_000 }),
    retries: fc.integer({ min: 0, max: 2 }),
    dieAtMs: fc.integer({ min: 0, max: 20_000 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async (s) => {
      const limits = `timeoutMs: ${s.timeoutMs}, maxResponseMs: ${s.maxResponseMs}, retries: ${s.retries}`;
      const { clock, seen, link, loop, finish } = rig(
        Array.from({ length: s.units }, (_, i) => device(i + 1, limits)),
      );
      await clock.advance(s.dieAtMs);
      const dead = Math.max(1, Math.floor(s.units * s.deadShare));
      for (let unit = 1; unit <= dead; unit += 1) link.dead.add(unit);
      // Finding out costs each dead unit its retries and one probe; from then on the fifth holds.
      const oneUnitMs = (s.retries + 2) * (s.timeoutMs + s.maxResponseMs);
      const isDown = () => (loop.health().units ?? []).filter(({ up }) => !up).length >= dead;
      for (let second = 0; !isDown() && second < 2_000; second += 1) await clock.advance(1_000);
      link.busyMs.clear();
      const windowMs = Math.max(200_000, 20 * oneUnitMs);
      const from = clock.monoMs();
      await clock.advance(windowMs);
      const deadMs = [...link.busyMs].filter(([unit]) => unit <= dead);
      const used = deadMs.reduce((sum, [, ms]) => sum + ms, 0);
      expect(used).toBeLessThanOrEqual(0.2 * windowMs + oneUnitMs);
      for (let unit = dead + 1; unit <= s.units; unit += 1) {
        const polls = seen.times(`u${unit}.p0`).filter((ms) => ms > from).length;
        expect(polls, `unit ${unit}`).toBeGreaterThanOrEqual(0.6 * (windowMs / 5_000));
      }
      await finish();
    }),
    { numRuns: 12 },
  );
});

test("when one of many dead units is back, the others are tried at once", async () => {
  const units = Array.from({ length: 6 }, (_, i) =>
    device(i + 1, "timeoutMs: 300, maxResponseMs: 300"),
  );
  const { clock, link, loop, finish } = rig(units);
  for (const { unit } of units) link.dead.add(unit);
  await clock.advance(1_200_000);
  link.dead.clear();
  const up = () => loop.health().units?.filter((unit) => unit.up).length ?? 0;
  const secondsUntil = async (count: number) => {
    let seconds = 0;
    for (; up() < count && seconds < 600; seconds += 1) await clock.advance(1_000);
    return seconds;
  };
  expect(await secondsUntil(1)).toBeLessThanOrEqual(305);
  // They were tried at different times, each once in 300 s.
  expect(await secondsUntil(6)).toBeLessThanOrEqual(6);
  await finish();
});
