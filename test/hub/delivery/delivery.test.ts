import { afterEach, describe, expect, test } from "vitest";
import type { DeliveryConfig } from "../../../hub/config/delivery-config.ts";
import { localTime, parseLocal } from "../../../hub/delivery/local-time.ts";
import { DeliveryRig, MINUTE, NOON, PEOPLE } from "./rig.ts";

const rigs: DeliveryRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});
function open(config: DeliveryConfig = PEOPLE, startMs = NOON): DeliveryRig {
  const rig = new DeliveryRig(config, startMs);
  rigs.push(rig);
  return rig;
}
const DOWN = { kind: "refused", why: "number unknown" } as const;
const TRYING = { kind: "failed", why: "connection refused" } as const;

describe("the ladder", () => {
  test("asks Anna at once, Bo after 10 min, Chi after 30 min, then Chi every 15 min", async () => {
    const rig = open();
    rig.raise("leak");
    await rig.clock.advance(61 * MINUTE);
    expect(rig.sent).toEqual([
      "0 anna-sms P1 leak",
      "0 anna-mail P1 leak",
      "10 bo-sms NOT ACKNOWLEDGED: P1 leak",
      "10 bo-mail NOT ACKNOWLEDGED: P1 leak",
      "30 chi-mail NOT ACKNOWLEDGED: P1 leak",
      "45 chi-mail STILL NOT ACKNOWLEDGED: P1 leak",
      "60 chi-mail STILL NOT ACKNOWLEDGED: P1 leak",
    ]);
    expect(rig.messages[2]?.message.text).toContain("Asked:       Anna, 23 Nov 2026, 12:00:00");
  });

  test("ends when somebody acknowledges, and each row says who", async () => {
    const rig = open();
    rig.raise("leak");
    await rig.clock.advance(12 * MINUTE);
    rig.ack("leak", "Bo");
    await rig.clock.advance(120 * MINUTE);
    expect(rig.sent).toHaveLength(4);
    expect(
      rig.outbox.list({ limit: 9 }).map(({ state, acknowledged }) => [state, acknowledged?.by]),
    ).toEqual(Array.from({ length: 4 }, () => ["acknowledged", "Bo"]));
  });

  test("an acknowledgement before a message went out gives it up, and its end is not told", async () => {
    const rig = open();
    rig.answers.set("anna-sms", TRYING);
    rig.raise("leak", { to: ["anna"] });
    rig.ack("leak");
    rig.clear("leak");
    await rig.clock.advance(30 * MINUTE);
    expect(rig.sent).toEqual([]);
    expect(rig.rows()).toEqual(["raised anna-sms superseded", "raised anna-mail superseded"]);
  });

  test("goes to the next step at once when no way of a person works", async () => {
    const rig = open();
    rig.answers.set("anna-sms", DOWN);
    rig.answers.set("anna-mail", DOWN);
    rig.raise("leak");
    await rig.clock.advance(1_000);
    expect(rig.sent).toEqual([
      "0 bo-sms NOT ACKNOWLEDGED: P1 leak",
      "0 bo-mail NOT ACKNOWLEDGED: P1 leak",
    ]);
  });

  test("waits while one way of a person works", async () => {
    const rig = open();
    rig.answers.set("anna-sms", DOWN);
    rig.raise("leak");
    await rig.clock.advance(9 * MINUTE);
    expect(rig.sent).toEqual(["0 anna-mail P1 leak"]);
  });

  test("a server that is away for 35 s counts as no way, and still gets its message later", async () => {
    const rig = open();
    rig.answers.set("anna-sms", TRYING);
    rig.answers.set("anna-mail", TRYING);
    rig.raise("leak");
    await rig.clock.advance(34_000);
    expect(rig.sent).toEqual([]);
    await rig.clock.advance(2_000);
    expect(rig.sent).toHaveLength(2);
    rig.answers.clear();
    await rig.clock.advance(MINUTE);
    expect(rig.sent.slice(2)).toEqual(["1 anna-sms P1 leak", "1 anna-mail P1 leak"]);
  });

  test("says in the ledger when nobody acknowledged to the end", async () => {
    const paging = { ...PEOPLE.paging, repeatMost: 2 };
    const rig = open({ ...PEOPLE, paging });
    rig.raise("leak");
    await rig.clock.advance(200 * MINUTE);
    expect(rig.sent).toHaveLength(7);
    const { items } = rig.ledger.read({ type: "alarm", limit: 9 });
    expect(items.map(({ type, detail }) => [type, detail.asked])).toEqual([
      ["alarm.unanswered", ["Anna", "Bo", "Chi", "Chi", "Chi"]],
    ]);
    expect(rig.call("leak")).toMatchObject({ state: "ended", why: "unanswered" });
  });

  test("goes on after a restart where it stood, and tells nothing twice", async () => {
    const rig = open();
    rig.raise("leak");
    await rig.clock.advance(5 * MINUTE);
    await rig.restart();
    await rig.clock.advance(6 * MINUTE);
    await rig.restart();
    await rig.clock.advance(0);
    expect(rig.sent.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "0 anna-sms",
      "0 anna-mail",
      "10 bo-sms",
      "10 bo-mail",
    ]);
  });

  test("keeps its length when the clock is set back by a day", async () => {
    const rig = open();
    rig.raise("leak");
    await rig.clock.advance(5 * MINUTE);
    rig.clock.stepWall(-24 * 60 * MINUTE);
    await rig.clock.advance(6 * MINUTE);
    expect(rig.sent).toHaveLength(4);
  });

  test("everybody who was told hears of the end, and nobody else", async () => {
    const rig = open();
    rig.raise("leak");
    await rig.clock.advance(12 * MINUTE);
    rig.clear("leak");
    await rig.clock.advance(60 * MINUTE);
    expect(rig.sent.slice(4)).toEqual(
      ["anna-sms", "anna-mail", "bo-sms", "bo-mail"].map((who) => `12 ${who} OVER: P1 leak`),
    );
  });

  test("a latched alarm is asked about until acknowledged, also when its condition is over", async () => {
    const rig = open();
    rig.raise("leak", { latch: true });
    await rig.clock.advance(MINUTE);
    rig.clear("leak");
    await rig.clock.advance(10 * MINUTE);
    expect(rig.sent.at(-1)).toBe("10 bo-mail NOT ACKNOWLEDGED: P1 leak");
    rig.ack("leak");
    await rig.clock.advance(60 * MINUTE);
    expect(rig.sent).toHaveLength(6);
  });

  test("shelving stops it; an alarm that comes back from the shelf begins anew", async () => {
    const rig = open();
    rig.raise("leak");
    await rig.clock.advance(MINUTE);
    const until = rig.clock.nowMs() + 60 * MINUTE;
    rig.order("leak", { do: "shelve", by: "kn", reason: "work", until });
    await rig.clock.advance(30 * MINUTE);
    expect(rig.sent).toHaveLength(2);
    rig.order("leak", { do: "unshelve", by: "kn" });
    await rig.clock.advance(11 * MINUTE);
    expect(rig.sent.slice(2)).toEqual([
      "31 anna-sms STILL ON: P1 leak",
      "31 anna-mail STILL ON: P1 leak",
      "41 bo-sms NOT ACKNOWLEDGED: P1 leak",
      "41 bo-mail NOT ACKNOWLEDGED: P1 leak",
    ]);
  });

  test("a rule may name people and a ladder together; a receiver named twice is told once", async () => {
    const rig = open();
    rig.raise("leak", { to: ["desk", "night", "anna"] });
    await rig.clock.advance(1_000);
    expect(rig.sent).toEqual(["0 desk P1 leak", "0 anna-sms P1 leak", "0 anna-mail P1 leak"]);
  });
});

/** 24 November 2026, 08:00–10:00 in Helsinki, on everything of crac-1. */
const SERVICE: DeliveryConfig["maintenance"][number] = {
  ...{ id: "service", reason: "filter change", rules: [], subjects: ["crac-1*"] },
  series: {
    start: parseLocal("2026-11-24 08:00")!,
    ...{ lastsMs: 120 * MINUTE, recurrence: null, except: [], zone: "Europe/Helsinki" },
    lastDay: localTime(Date.UTC(2026, 10, 24, 6), "Europe/Helsinki").day,
  },
};
const EIGHT = Date.UTC(2026, 10, 24, 6);

describe("maintenance", () => {
  const config = { ...PEOPLE, maintenance: [SERVICE] };

  test("holds pages about what it names until its end, and then tells once what still stands", async () => {
    const rig = open(config, EIGHT);
    rig.raise("crac-1.fan");
    rig.raise("crac-1.filter");
    rig.raise("crac-2.fan");
    await rig.clock.advance(MINUTE);
    expect(rig.sent).toEqual(["0 anna-sms P1 crac-2.fan", "0 anna-mail P1 crac-2.fan"]);
    rig.ack("crac-2.fan");
    rig.clear("crac-1.filter");
    await rig.clock.advance(122 * MINUTE);
    expect(rig.sent.slice(2)).toEqual([
      "120 anna-sms P1 crac-1.fan",
      "120 anna-mail P1 crac-1.fan",
    ]);
    expect(rig.messages.at(-1)?.message.text).toContain("because of maintenance (filter change)");
  });

  test("never holds back an end: who was told before hears of it during the work", async () => {
    const rig = open(config, EIGHT - 5 * MINUTE);
    rig.raise("crac-1.fan", { to: ["desk"] });
    await rig.clock.advance(10 * MINUTE);
    rig.clear("crac-1.fan");
    await rig.clock.advance(1_000);
    expect(rig.sent).toEqual(["0 desk P1 crac-1.fan", "10 desk OVER: P1 crac-1.fan"]);
  });
});

describe("quiet hours", () => {
  const evening = Date.UTC(2026, 10, 23, 20);
  const quiet: DeliveryConfig["quiet"][number] = {
    priorities: [3, 4],
    series: {
      ...{ start: { day: 0, minute: 22 * 60 }, lastsMs: 8 * 60 * MINUTE, byFace: true },
      recurrence: {
        ...{ frequency: "DAILY", interval: 1, byDay: [], byMonthDay: [], until: null, count: null },
      },
      ...{ except: [], zone: "Europe/Helsinki", lastDay: null },
    },
  };

  test("P3 waits for 06:00 and comes as one message; P2 comes at once", async () => {
    const rig = open({ ...PEOPLE, quiet: [quiet] }, evening);
    for (const id of ["a", "b", "c"]) rig.raise(id, { priority: 3, to: ["desk"] });
    rig.raise("d", { priority: 2, to: ["desk"] });
    rig.clear("c");
    await rig.clock.advance(MINUTE);
    rig.ack("d");
    await rig.clock.advance(479 * MINUTE);
    expect(rig.sent).toEqual([
      "0 desk P2 d",
      "480 desk Held back until now: 2 alarms from 1 cause",
    ]);
    expect(rig.messages[1]?.message.text).toContain("P3 b");
  });
});

describe("a flood", () => {
  test("of 30 P2 within 10 min: 10 single pages, the rest by digest; P1 at once; single again below 5", async () => {
    const rig = open();
    for (let n = 1; n <= 30; n += 1) rig.raise(`a${n}`, { priority: 2, to: ["desk"] });
    rig.raise("fire", { priority: 1, to: ["desk"] });
    await rig.clock.advance(6 * MINUTE);
    expect(rig.sent).toHaveLength(12);
    expect(rig.sent).toContain("0 desk P1 fire");
    expect(rig.sent.slice(11)).toEqual(["5 desk Many alarms at once: 20 alarms from 1 cause"]);
    for (let n = 1; n <= 30; n += 1) rig.ack(`a${n}`);
    rig.ack("fire");
    await rig.clock.advance(6 * MINUTE);
    rig.raise("late", { priority: 2, to: ["desk"] });
    await rig.clock.advance(1_000);
    expect(rig.sent.at(-1)).toBe("12 desk P2 late");
  });

  test("the ends of a flood come by digest, too, and survive a restart", async () => {
    const rig = open();
    for (let n = 1; n <= 20; n += 1) rig.raise(`a${n}`, { priority: 2, to: ["desk"] });
    await rig.clock.advance(MINUTE);
    for (let n = 1; n <= 20; n += 1) rig.clear(`a${n}`);
    await rig.restart();
    await rig.clock.advance(6 * MINUTE);
    expect(rig.sent.slice(10)).toEqual([
      "5 desk Many alarms at once: 0 alarms from 0 causes, 20 over",
    ]);
  });
});

describe("an incident", () => {
  const part = (kind: "cause" | "symptom") =>
    ({ incident: "i1", part: kind, lead: "high.utility" }) as const;

  test("of one cause and 40 symptoms is one page, which counts them when it escalates", async () => {
    const rig = open();
    rig.raise("utility", { part: part("cause") });
    for (let n = 1; n <= 40; n += 1) rig.raise(`rack-${n}`, { priority: 2, part: part("symptom") });
    await rig.clock.advance(11 * MINUTE);
    expect(rig.sent).toEqual([
      "0 anna-sms P1 utility",
      "0 anna-mail P1 utility",
      "10 bo-sms NOT ACKNOWLEDGED: P1 utility (and 40 more)",
      "10 bo-mail NOT ACKNOWLEDGED: P1 utility (and 40 more)",
    ]);
  });

  test("whose cause shows a moment after its symptom was told is still one page, one ladder and one end", async () => {
    const rig = open();
    rig.raise("ups", { part: { incident: "i1", part: "alone", lead: "high.ups" } });
    await rig.clock.advance(3_000);
    rig.raise("utility", { priority: 2, part: { ...part("cause"), mayLead: true } });
    await rig.clock.advance(11 * MINUTE);
    rig.clear("ups");
    rig.clear("utility");
    await rig.clock.advance(1);
    expect(rig.sent.filter((line) => line.includes("-sms"))).toEqual([
      "0 anna-sms P1 ups",
      "10 bo-sms NOT ACKNOWLEDGED: P1 utility, ups",
      "11 anna-sms OVER: P1 utility",
      "11 bo-sms OVER: P1 utility",
    ]);
  });

  test("whose cause shows a moment later but is for others tells them at once", async () => {
    const rig = open();
    rig.raise("ups", { part: { incident: "i1", part: "alone", lead: "high.ups" }, to: ["desk"] });
    await rig.clock.advance(3_000);
    rig.raise("utility", { part: part("cause"), to: ["chi-mail"] });
    await rig.clock.advance(1);
    expect(rig.sent).toEqual(["0 desk P1 ups", "0 chi-mail P1 utility (and 1 more)"]);
  });

  test("whose cause shows last takes over the pages of its symptoms", async () => {
    const rig = open();
    rig.raise("rack-1", { part: { incident: "i1", part: "alone", lead: "high.rack-1" } });
    await rig.clock.advance(MINUTE);
    rig.raise("utility", { part: part("cause") });
    await rig.clock.advance(12 * MINUTE);
    expect(rig.sent.filter((line) => line.includes("bo-sms"))).toEqual([
      "11 bo-sms NOT ACKNOWLEDGED: P1 utility (and 1 more)",
    ]);
  });

  test("a symptom more urgent than its cause is paged with it, as urgent as the symptom", async () => {
    const rig = open();
    const leads = { ...part("cause"), mayLead: true };
    rig.raise("utility", { priority: 2, to: ["desk"], part: leads });
    await rig.clock.advance(4_000);
    rig.raise("ups", { priority: 1, to: ["chi-mail"], part: part("symptom") });
    for (const id of ["rack-1", "rack-2"]) rig.raise(id, { to: ["desk"], part: part("symptom") });
    await rig.clock.advance(16 * MINUTE);
    expect(rig.sent).toEqual([
      "0 desk P1 utility, ups",
      "0 chi-mail P1 utility, ups",
      "15 desk STILL NOT ACKNOWLEDGED: P1 utility, ups, rack-1, rack-2",
      "15 chi-mail STILL NOT ACKNOWLEDGED: P1 utility, ups, rack-1, rack-2",
    ]);
    rig.clear("utility");
    await rig.clock.advance(1);
    expect(rig.sent.slice(4)).toEqual(["16 desk OVER: P1 utility", "16 chi-mail OVER: P1 utility"]);
  });

  test("a symptom more urgent than a cause that was told before is paged by itself", async () => {
    const rig = open();
    rig.raise("utility", { priority: 2, to: ["desk"], part: { ...part("cause"), mayLead: true } });
    await rig.clock.advance(11_000);
    rig.raise("rack-1", { priority: 1, to: ["desk"], part: part("symptom") });
    await rig.clock.advance(1_000);
    expect(rig.sent).toEqual(["0 desk P2 utility", "0 desk P1 rack-1"]);
  });

  test("what others may follow from waits 10 s for them; other alarms, critical ones, and a site that says so do not", async () => {
    const leads = { part: { ...part("cause"), mayLead: true }, to: ["desk"] };
    const rig = open();
    rig.raise("other", { priority: 2, to: ["desk"] });
    rig.raise("utility", { ...leads, priority: 2 });
    await rig.clock.advance(9_000);
    expect(rig.sent).toEqual(["0 desk P2 other"]);
    rig.clear("utility");
    await rig.clock.advance(9_000);
    rig.raise("crah", { ...leads, priority: 1 });
    await rig.clock.advance(1);
    expect(rig.sent).toEqual(["0 desk P2 other", "0 desk P1 crah"]);
    const eager = open({ ...PEOPLE, paging: { ...PEOPLE.paging, gatherMs: 0 } });
    eager.raise("utility", { ...leads, priority: 2 });
    await eager.clock.advance(1);
    expect(eager.sent).toEqual(["0 desk P2 utility"]);
  });

  test("a symptom that outlasts its cause by 5 min is paged, one that does not is not", async () => {
    const rig = open();
    rig.raise("utility", { to: ["desk"], part: part("cause") });
    for (const id of ["crac", "rack"])
      rig.raise(id, { priority: 2, to: ["desk"], part: part("symptom") });
    await rig.clock.advance(MINUTE);
    rig.clear("utility");
    await rig.clock.advance(2 * MINUTE);
    rig.clear("rack");
    await rig.clock.advance(4 * MINUTE);
    expect(rig.sent).toEqual(["0 desk P1 utility", "1 desk OVER: P1 utility", "6 desk P2 crac"]);
  });

  test("a symptom of a cause nobody is told of is paged by itself", async () => {
    const rig = open();
    rig.raise("utility", { to: [], part: part("cause") });
    rig.raise("rack-1", { to: ["desk"], part: part("symptom") });
    await rig.clock.advance(1_000);
    expect(rig.sent).toEqual(["0 desk P1 rack-1"]);
  });
});
