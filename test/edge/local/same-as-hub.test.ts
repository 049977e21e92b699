import fc from "fast-check";
import { expect, test } from "vitest";
import type { AlarmEvent } from "../../../contract/message.ts";
import { bad, good, type Measurement, uncertain } from "../../../contract/reading.ts";
import { createLocalAlarms } from "../../../edge/local/local-alarms.ts";
import { FakeClock } from "../../fake-clock.ts";
import { INLET, rule, SmallHub, T0 } from "../../hub/alarms/small-hub.ts";
import { silent, TempSpool } from "../spool/temp-spool.ts";

/** What happens to the point or is ordered, and how long it then stays so. */
interface Look {
  what: Measurement | "acknowledge" | "reset";
  seconds: number;
}

const what: fc.Arbitrary<Look["what"]> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 52, max: 56 }).map((half) => good(half / 2)) },
  { weight: 1, arbitrary: fc.constant(bad("no-answer")) },
  { weight: 1, arbitrary: fc.constant(uncertain(40, "frozen")) },
  { weight: 2, arbitrary: fc.constantFrom("acknowledge" as const, "reset" as const) },
);
const looks: fc.Arbitrary<Look[]> = fc.array(
  fc.record({ what, seconds: fc.constantFrom(1, 2, 5, 20, 25) }),
  { minLength: 10, maxLength: 60 },
);
const delay = fc.constantFrom(0, 2_000, 20_000);
const condition = fc.oneof(
  fc.constant({ kind: "limit" as const, above: 27, deadband: 0.5 }),
  fc.constant({ kind: "limit" as const, above: 27.5, below: 26.5, deadband: 0.1 }),
  fc.constant({ kind: "digital" as const, equals: 27 }),
  fc.constant({ kind: "digital" as const, equals: [26, 28] }),
  fc.constant({ kind: "swing" as const, above: 1, windowMs: 60_000 }),
  fc.constant({ kind: "frozen" as const }),
);

test("for the same readings and rule, a node and the hub raise, clear and count alike", async () => {
  let changes = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({ condition, onDelayMs: delay, offDelayMs: delay, latch: fc.boolean() }),
      looks,
      async (text, seen) => {
        const clock = new FakeClock(T0);
        const temp = new TempSpool();
        const spool = temp.open();
        const stop = new AbortController();
        const own = rule({ id: "hot", ...text });
        const hub = new SmallHub([own], clock);
        const fromHub: string[] = [];
        hub.ledger.onAppend(({ type, at, detail }) => {
          if (type.startsWith("alarm.")) fromHub.push(`${at} ${type} ${detail.occurrence}`);
        });
        const fromNode: string[] = [];
        const event = ({ at, what, occurrence }: AlarmEvent) =>
          fromNode.push(`${at} alarm.${what} ${occurrence}`);
        const alarms = createLocalAlarms({
          ...{ rules: [own], points: [INLET], spool, clock, event, log: silent },
          clockState: () => "synced",
          fatal: (error) => {
            throw error;
          },
        });
        hub.announce();
        const running = alarms.run(stop.signal);
        await clock.advance(1);
        for (const { what, seconds } of seen) {
          if (typeof what === "string") {
            hub.alarms.command(`hot.${INLET.id}`, { do: what, by: "anna" });
            alarms.order("hot", INLET.id, { do: what, by: "anna" });
          } else {
            hub.read(what);
            alarms.judge({ point: INLET.id, at: clock.nowMs(), ...what });
          }
          await clock.advance(seconds * 1_000);
        }
        stop.abort();
        await Promise.all([running, hub.stop()]);
        spool.close();
        temp.remove();
        expect(fromNode).toEqual(fromHub);
        changes += fromNode.length;
      },
    ),
    { numRuns: 50 },
  );
  expect(changes).toBeGreaterThan(100);
}, 120_000);
