import { expect, test } from "vitest";
import { profileOf, registersFrom, rig } from "./modbus-rig.ts";

const flag = (address: number) =>
  `id: alarm${address}, address: ${address}, type: u16, class: fast, quantity: count, label: Alarm`;
const slow = (count: number) => registersFrom(100, count, ", class: slow");
const oneByOne = "onePerRequest: true, timeoutMs: 400, maxResponseMs: 600";

test("alarm bits go before measurements, measurements before slow values, texts last", async () => {
  const profile = profileOf([
    "id: serial, address: 900, type: string, registers: 2, class: once",
    "id: s, address: 300, type: u16, class: slow, quantity: count, label: S",
    "id: n, address: 200, type: u16, quantity: count, label: N",
    flag(1),
  ]);
  const { clock, link, finish } = rig([{ id: "x", unit: 1, profile, values: [] }]);
  await clock.advance(1_000);
  expect(link.asked.map(({ address }) => address)).toEqual([1, 200, 300, 900]);
  await finish();
});

test("an alarm bit waits for one request at most, however many slow values are due", async () => {
  // 300 requests of 20 ms take three times as long as an alarm bit may wait.
  const profile = profileOf([flag(1), ...slow(300)], { limits: oneByOne });
  const { clock, seen, finish } = rig([{ id: "x", unit: 1, profile, values: [] }]);
  await clock.advance(30_000);
  const times = seen.times("x.alarm1");
  const longest = Math.max(...times.slice(1).map((ms, i) => ms - (times[i] ?? 0)));
  expect(longest).toBeLessThanOrEqual(2_000 + 2 * 20);
  await finish();
});

test("a line that is too full for its alarm bits still brings the slow values", async () => {
  const alarms = Array.from({ length: 120 }, (_, i) => flag(1_000 + i));
  const profile = profileOf([...alarms, ...slow(5)], { limits: oneByOne });
  const { clock, seen, finish } = rig([{ id: "x", unit: 1, profile, values: [] }]);
  await clock.advance(60_000);
  // 120 bits of 20 ms each do not fit into 2 s.
  expect(seen.of("x.alarm1000").length).toBeGreaterThan(15);
  for (let i = 0; i < 5; i += 1) expect(seen.of(`x.p${i}`), `p${i}`).not.toHaveLength(0);
  await finish();
});

test("while one unit's answer is lost and asked for again, another's alarm bits come through", async () => {
  const retrying = profileOf(registersFrom(0, 3), {
    limits: "retries: 2, timeoutMs: 900, maxResponseMs: 900",
  });
  const alarms = profileOf([flag(1)]);
  const { clock, seen, link, finish } = rig([
    { id: "a", unit: 1, profile: retrying, values: [] },
    { id: "b", unit: 2, profile: alarms, values: [] },
  ]);
  await clock.advance(9_000);
  link.dead.add(1);
  const from = clock.monoMs();
  await clock.advance(16_000);
  const times = seen.times("b.alarm1").filter((ms) => ms > from);
  // Three lost tries and the probe, 1.8 s each, would hold a line for 7.2 s if nothing came between them.
  const longest = Math.max(...times.slice(1).map((ms, i) => ms - (times[i] ?? 0)));
  expect(longest).toBeLessThanOrEqual(4_000);
  expect(seen.of("a.p0").at(-1)).toBe("no-answer");
  await finish();
});

test("a unit whose answer was lost is asked nothing else before the retry", async () => {
  const profile = profileOf([flag(1), ...registersFrom(50, 1)]);
  const { clock, link, finish } = rig([{ id: "x", unit: 1, profile, values: [] }]);
  await clock.advance(9_000);
  let lost = 0;
  link.lose = ({ address }) => {
    if (address !== 50 || lost > 0) return undefined;
    lost += 1;
    return "no-answer";
  };
  const from = link.asked.length;
  await clock.advance(8_000);
  const asked = link.asked.slice(from).map(({ address }) => address);
  const first = asked.indexOf(50);
  expect(asked[first + 1]).toBe(50);
  await finish();
});

test("a busy device is given time without holding up the others", async () => {
  const busy = profileOf(registersFrom(0, 1));
  const alarms = profileOf([flag(1)], { classes: "fast: 200ms" });
  const { clock, seen, link, finish } = rig([
    { id: "a", unit: 1, profile: busy, values: [] },
    { id: "b", unit: 2, profile: alarms, values: [] },
  ]);
  link.refuse = ({ unit }) => (unit === 1 ? 6 : undefined);
  await clock.advance(3_000);
  const times = seen.times("b.alarm1");
  const longest = Math.max(...times.slice(1).map((ms, i) => ms - (times[i] ?? 0)));
  expect(longest).toBeLessThanOrEqual(240);
  expect(seen.of("a.p0")).toEqual(["refused"]);
  await finish();
});
