import { expect, test } from "vitest";
import { AlarmHealthReporter } from "../../../hub/alarm-health/alarm-health.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { MAX_NOTES, Problems } from "../../../hub/problems/problems.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";
import { ALARM } from "../http/stand-in.ts";

const HOUR = 3_600_000;
const FROM = Date.UTC(2026, 0, 1);
const NOTE = { text: "Door seal is worn", link: "https://tickets.example.net/7", by: "Anna" };

function desk() {
  const clock = new FakeClock(FROM);
  const db = openHubDb(":memory:");
  const ledger = createLedger({ db, clock });
  const { index, table } = new AlarmHealthReporter({
    db,
    ledger,
    clock,
    alarms: { views: () => [] },
  });
  const open = () => new Problems({ db, table, ledger, clock });
  const come = async (times: number, alarm = ALARM.id) => {
    for (let count = 0; count < times; count += 1) {
      await clock.advance(HOUR);
      const occurrence = clock.nowMs() / HOUR;
      const detail = { alarm, occurrence, title: "A01 inlet", priority: 2, by: "hub" };
      ledger.appendOwn("alarm.raised", clock.nowMs(), detail);
    }
    await index.catchUp();
  };
  return { clock, ledger, problems: open(), open, come };
}

test("Three times in the period make a problem, twice do not, and what was before it does not count", async () => {
  const { problems, come, clock } = desk();
  await come(3);
  await come(2, "hot.b");
  expect(problems.list(FROM, 3)).toEqual([
    {
      ...{ id: ALARM.id, alarm: ALARM.id, title: "A01 inlet", times: 3, note: null, state: "open" },
      ...{ firstAt: FROM + HOUR, lastAt: FROM + 3 * HOUR },
    },
  ]);
  expect(problems.list(clock.nowMs() - 3 * HOUR, 3)).toEqual([]);
});

test("A note shows with the next occurrence, survives a restart and stands in the ledger", async () => {
  const { problems, open, come, ledger } = desk();
  await come(1);
  problems.note(ALARM.id, NOTE);
  const again = open();
  const alarms = again.labelling({ views: () => [ALARM], view: (_id: string) => ALARM });
  const note = { ...NOTE, at: FROM + HOUR };
  expect(alarms.views()[0]?.note).toEqual(note);
  expect(alarms.view(ALARM.id)?.note).toEqual(note);
  expect(again.list(FROM, 3)).toMatchObject([{ times: 1, state: "known", note }]);
  expect(ledger.read({ type: "problem", limit: 9 }).items[0]).toMatchObject({
    type: "problem.noted",
    detail: { alarm: ALARM.id, ...NOTE },
  });
});

test("An empty text removes the note", async () => {
  const { problems, open } = desk();
  problems.note(ALARM.id, NOTE);
  problems.note(ALARM.id, { ...NOTE, text: "" });
  expect(problems.noteOf(ALARM.id)).toBeNull();
  expect(open().noteOf(ALARM.id)).toBeNull();
});

test("A solved problem opens again when its alarm comes again", async () => {
  const { problems, come } = desk();
  await come(3);
  problems.note(ALARM.id, NOTE);
  problems.solve(ALARM.id, "Anna");
  expect(problems.list(FROM, 3)[0]?.state).toBe("solved");
  await come(1);
  expect(problems.list(FROM, 3)[0]?.state).toBe("known");
});

test("The 1,001st note is refused", () => {
  const { problems } = desk();
  for (let count = 0; count < MAX_NOTES; count += 1) problems.note(`a.${count}`, NOTE);
  expect(() => problems.note("a.more", NOTE)).toThrow("1000 notes");
  problems.note("a.1", { ...NOTE, text: "newer" });
});
