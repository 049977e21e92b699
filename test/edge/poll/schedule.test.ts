import { expect, test } from "vitest";
import { Schedule } from "../../../edge/poll/schedule.ts";
import { FakeClock } from "../../fake-clock.ts";

/** Runs a schedule whose work takes `workMs`, for `forMs`; gives `item@time`. */
async function run(
  items: { item: string; everyMs: number }[],
  workMs: (item: string) => number,
  forMs: number,
): Promise<string[]> {
  const clock = new FakeClock();
  const stop = new AbortController();
  const begun: string[] = [];
  const loop = async () => {
    const schedule = new Schedule(clock, items);
    for (;;) {
      const slot = await schedule.next(stop.signal);
      if (!slot) return;
      begun.push(`${slot.item}@${clock.monoMs()}`);
      await clock.sleep(workMs(slot.item));
    }
  };
  const done = loop();
  await clock.advance(forMs);
  stop.abort();
  await clock.advance(10_000);
  await done;
  return begun;
}

test("keeps to its rate although the work takes time", async () => {
  const begun = await run([{ item: "a", everyMs: 1_000 }], () => 300, 3_500);
  expect(begun).toEqual(["a@0", "a@1000", "a@2000", "a@3000"]);
});

test("skips the slots that were missed, and stays on the beat", async () => {
  let first = true;
  const slowOnce = () => {
    const ms = first ? 2_500 : 10;
    first = false;
    return ms;
  };
  const begun = await run([{ item: "a", everyMs: 1_000 }], slowOnce, 4_500);
  expect(begun).toEqual(["a@0", "a@2500", "a@3000", "a@4000"]);
});

test("lets the fast item go first when several are due", async () => {
  const items = [
    { item: "slow", everyMs: 10_000 },
    { item: "fast", everyMs: 1_000 },
  ];
  expect((await run(items, () => 100, 900)).slice(0, 2)).toEqual(["fast@0", "slow@100"]);
});

test("an overloaded bus still gives the slow item its turn", async () => {
  const items = [
    { item: "fast", everyMs: 1_000 },
    { item: "slow", everyMs: 5_000 },
  ];
  const begun = await run(items, () => 1_500, 30_000);
  expect(begun.filter((slot) => slot.startsWith("slow")).length).toBeGreaterThanOrEqual(3);
});

test("with nothing to read it ends at once", async () => {
  expect(await run([], () => 0, 10)).toEqual([]);
});
