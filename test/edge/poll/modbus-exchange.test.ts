import { expect, test } from "vitest";
import { DeviceError, ModbusException } from "../../../edge/bus/port.ts";
import { afterFailure, isSilent, NO_TRIES } from "../../../edge/poll/modbus-exchange.ts";
import { UnitStatistics } from "../../../edge/poll/modbus-statistics.ts";

const exception = (code: number) => new ModbusException(code, `exception ${code}`);
const lost = new DeviceError("no-answer", "no answer");
const damaged = new DeviceError("checksum", "damaged");

test.each([
  ["a function the device does not have is asked once", exception(1), [], "give up"],
  ["a missing register is asked once", exception(2), [], "give up"],
  ["too many registers are asked once", exception(3), [], "give up"],
  ["a device failure is asked twice", exception(4), [500], "give up"],
  ["a device that acknowledges is asked four times", exception(5), [500, 500, 500], "give up"],
  ["a busy device is asked four times", exception(6), [500, 500, 500], "give up"],
  ["a gateway without a path is asked once", exception(10), [], "give up"],
  ["a gateway whose target is silent is asked once", exception(11), [], "give up"],
  ["a lost answer is asked for again at once, twice", lost, [0, 0], "give up"],
  ["a damaged answer is asked for again at once, twice", damaged, [0, 0], "give up"],
  ["a dead line is not asked again", new DeviceError("bus", "gone"), [], "give up"],
] as const)("%s", (_, error, pauses, end) => {
  let tries = NO_TRIES;
  const seen: number[] = [];
  for (;;) {
    const next = afterFailure(error, tries, 2);
    if (next === "give up") break;
    seen.push(next.pauseMs);
    tries = next.tries;
  }
  expect([...seen, end]).toEqual([...pauses, end]);
});

test("only a lost answer and a gateway's exception 11 are silence", () => {
  expect([lost, damaged, exception(11)].map(isSilent)).toEqual([true, true, true]);
  expect([exception(1), exception(2), exception(10)].map(isSilent)).toEqual([false, false, false]);
});

test("statistics: 3 answers, 2 timeouts, 1 damaged, exceptions by code; mean and 99th percentile", () => {
  const statistics = new UnitStatistics();
  expect(statistics.counts()).toMatchObject({ meanMs: null, p99Ms: null, lastGoodAt: null });
  for (const ms of [10, 20, 60]) statistics.good(ms, 1_000 + ms);
  for (const error of [lost, lost, damaged, exception(2), exception(2), exception(6)])
    statistics.failed(error);
  expect(statistics.counts()).toEqual({
    ok: 3,
    timeouts: 2,
    damaged: 1,
    exceptions: { 2: 2, 6: 1 },
    meanMs: 30,
    p99Ms: 60,
    lastGoodAt: 1_060,
  });
});

test("of ten thousand response times the newest 256 are kept", () => {
  const statistics = new UnitStatistics();
  for (let i = 0; i < 10_000; i += 1) statistics.good(i < 9_744 ? 900 : 10, i);
  expect(statistics.counts()).toMatchObject({ ok: 10_000, meanMs: 10, p99Ms: 10 });
});
