import fc from "fast-check";
import { expect, test } from "vitest";
import type { Priority } from "../../../contract/alarm/rule.ts";
import type { Outcome } from "../../../hub/notify/channel.ts";
import { DeliveryRig, MINUTE, PEOPLE } from "./rig.ts";

const ALARMS = ["a", "b", "c", "d"] as const;
const PRIORITY: Record<string, Priority> = { a: 1, b: 1, c: 2, d: 3 };
const LONGEST_GAP_MS = 20 * MINUTE;

const alarm = fc.constantFrom(...ALARMS);
const outcome = fc.constantFrom<Outcome>(
  { kind: "delivered" },
  { kind: "failed", why: "away" },
  { kind: "refused", why: "wrong number" },
);
const receiver = fc.constantFrom("anna-sms", "anna-mail", "bo-sms", "bo-mail", "chi-mail");

type Move = (rig: DeliveryRig) => void | Promise<void>;
const move: fc.Arbitrary<Move> = fc.oneof(
  alarm.map(
    (id): Move =>
      (rig) =>
        rig.raise(id, { priority: PRIORITY[id]! }),
  ),
  fc.tuple(alarm, fc.constantFrom(...ALARMS)).map(
    ([id, lead]): Move =>
      (rig) =>
        rig.raise(id, {
          priority: PRIORITY[id]!,
          part: { incident: "i", part: id === lead ? "cause" : "symptom", lead: `high.${lead}` },
        }),
  ),
  alarm.map(
    (id): Move =>
      (rig) =>
        rig.clear(id),
  ),
  alarm.map(
    (id): Move =>
      (rig) =>
        rig.ack(id),
  ),
  alarm.map(
    (id): Move =>
      (rig) =>
        void rig.order(id, { do: "shelve", by: "kn", reason: "x", until: rig.clock.nowMs() + 1 }),
  ),
  alarm.map(
    (id): Move =>
      (rig) =>
        void rig.order(id, { do: "unshelve", by: "kn" }),
  ),
  fc.tuple(receiver, outcome).map(
    ([id, how]): Move =>
      (rig) =>
        void rig.answers.set(id, how),
  ),
  fc.integer({ min: 1, max: 40 }).map(
    (minutes): Move =>
      (rig) =>
        rig.clock.advance(minutes * MINUTE),
  ),
  fc.constant<Move>((rig) => rig.restart()),
);

/** What must hold at any instant, of every alarm that calls for somebody. */
function check(rig: DeliveryRig): void {
  const now = rig.clock.nowMs();
  const unanswered = rig.ledger.read({ type: "alarm.unanswered", limit: 1_000 }).items;
  for (const id of ALARMS) {
    const { phase, shelved, count } = rig.state(id);
    if (phase.name !== "active" || phase.ack || shelved) continue;
    const call = rig.call(id);
    expect(call?.occurrence, id).toBe(count);
    if (call?.state === "running") {
      expect(call.nextAt! - now, id).toBeLessThanOrEqual(LONGEST_GAP_MS);
    } else if (call?.state === "folded") {
      const lead = rig.delivery.calls().find((other) => other.alarm === call.lead);
      expect(lead, `${id} is spoken for by ${call.lead}`).toBeDefined();
      expect(lead!.urgency).toBeLessThanOrEqual(call.view.priority);
      expect(lead!.why).not.toBe("withheld");
    } else if (PRIORITY[id]! < 3) {
      expect(call?.why, id).toBe("unanswered");
      const said = unanswered.some(
        ({ detail }) => detail.alarm === `high.${id}` && detail.occurrence === count,
      );
      expect(said, `${id} says so`).toBe(true);
    } else expect(call?.why, id).toBe("told");
  }
  const keys = rig.messages.map(({ message }) => message.key);
  expect(new Set(keys).size, "nothing is sent twice").toBe(keys.length);
}

test("whatever happens, an unanswered alarm has a next step, a lead or an end that is on record, and no message goes out twice", async () => {
  const paging = { ...PEOPLE.paging, repeatMost: 3 };
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 5, maxLength: 40 }), async (moves) => {
      const rig = new DeliveryRig({ ...PEOPLE, paging });
      try {
        for (const each of moves) {
          await each(rig);
          await rig.clock.advance(1);
          check(rig);
        }
        // Nobody is left waiting for the end of what he was told of.
        for (const id of ALARMS) rig.clear(id);
        for (const id of ALARMS) rig.ack(id);
        rig.answers.clear();
        await rig.clock.advance(60 * MINUTE);
        expect(rig.delivery.calls()).toEqual([]);
        expect(rig.outbox.counts().queued).toBe(0);
      } finally {
        await rig.stop();
        rig.db.close();
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
