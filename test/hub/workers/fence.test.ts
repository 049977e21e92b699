import { pino } from "pino";
import { expect, test } from "vitest";
import { createAlarms } from "../../../hub/alarms/alarm-runtime.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { createOutbox } from "../../../hub/notify/outbox.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { Fenced, raiseFence } from "../../../hub/workers/fence.ts";
import { FakeClock } from "../../fake-clock.ts";
import { birth, INLET, rule, T0 } from "../alarms/small-hub.ts";

const log = pino({ level: "silent" });
const HOT = rule({ id: "hot", condition: { kind: "limit", above: 27, deadband: 0.5 } });

/** A hub's alarms with a token, on a shared database. */
function holder(db: ReturnType<typeof openHubDb>, clock: FakeClock, token: number) {
  const live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
  const ledger = createLedger({ db, clock });
  const outbox = createOutbox({ db, receivers: [], clock, log });
  const fence = raiseFence(db, token);
  const alarms = createAlarms({ rules: [HOT], live, db, ledger, outbox, clock, log, fence });
  const stop = new AbortController();
  const running = alarms.run(stop.signal).catch((error: unknown) => error);
  live.announce(birth());
  const read = (value: number) => {
    const point = live.point(INLET.id)!;
    live.reading(point, { point: INLET.id, at: clock.nowMs(), quality: "good", value }, 0);
  };
  const records = () =>
    ledger
      .read({ type: "alarm", limit: 100, order: "oldest" })
      .items.map(({ type, detail }) => [type, detail.occurrence, detail.fence]);
  return { read, records, view: () => alarms.view("hot.a03.inlet-top"), stop, running };
}

test("a hub that was replaced while it hung writes no alarm any more; its successor goes on from what stands", async () => {
  const clock = new FakeClock(T0);
  const db = openHubDb(":memory:");
  const first = holder(db, clock, 1);
  first.read(30);
  const second = holder(db, clock, 2);
  expect(second.view()?.state, "restored").toBe("active");
  await clock.advance(10);
  expect(() => first.read(20)).toThrow(Fenced);
  await clock.advance(1_000);
  second.read(31);
  await clock.advance(10);
  second.read(20);
  await clock.advance(1_000);
  second.read(30);
  expect(second.records()).toEqual([
    ["alarm.raised", 1, 1],
    ["alarm.cleared", 1, 2],
    ["alarm.raised", 2, 2],
  ]);
  for (const { stop, running } of [first, second]) {
    stop.abort();
    await running;
  }
});

test("nobody begins with an older token than one that has been used, and the same one may begin again", () => {
  const db = openHubDb(":memory:");
  raiseFence(db, 7);
  expect(() => raiseFence(db, 6)).toThrow("alarms are judged by a newer holder (token 7; own 6)");
  expect(raiseFence(db, 7).token).toBe(7);
});
