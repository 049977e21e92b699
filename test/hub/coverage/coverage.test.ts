import { expect, test } from "vitest";
import { plainDelivery } from "../../../hub/config/delivery-config.ts";
import type { Receiver, SiteRule } from "../../../hub/config/hub-config.ts";
import { CoverageReporter, PROVEN_FOR_MS } from "../../../hub/coverage/coverage.ts";
import { Proofs } from "../../../hub/coverage/proofs.ts";
import { AddressBook } from "../../../hub/delivery/address-book.ts";
import type { Outcome } from "../../../hub/notify/channel.ts";
import { createOutbox } from "../../../hub/notify/outbox.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";
import { birth, rule, SmallHubs, T0 } from "../alarms/small-hub.ts";
import { silent } from "../http/stand-in.ts";

const RECEIVERS = ["duty", "desk"].map((id): Receiver => {
  const url = "https://example.net";
  return { kind: "webhook", id, url, secret: null, allowPrivate: false };
});
const HOT = rule({
  id: "hot",
  condition: { kind: "limit", above: 27, deadband: 1 },
  points: ["*.inlet-*"],
});
const STALE = rule({ id: "gone", condition: { kind: "stale" }, points: ["a03.*"] });
const SILENT = rule({ id: "node-silent", condition: { kind: "silent" }, nodes: ["edge-hall"] });
const hubs = new SmallHubs();
const info = (id: string) =>
  ({ id, quantity: "temperature", label: `Label of ${id}`, periodMs: 1_000 }) as const;

/** A coverage report over a hall node with three points and whatever rules are given. */
async function coverage(rules: SiteRule[], more: { locals?: string[] } = {}) {
  const hub = hubs.open([]);
  const points = ["a03.inlet-top", "a03.outlet", "pump.flow"].map(info);
  const local = { id: "local-flow", points: more.locals ?? [], priority: 1, title: "x" } as const;
  hub.live.announce({ ...birth([...points]), ...(more.locals && { rules: [local] }) });
  hub.live.announce(birth([info("b01.inlet-top")], "edge-yard"));
  const config = plainDelivery();
  const book = new AddressBook({ ...config, groups: [{ id: "nobody", members: [] }] });
  const proofs = { all: () => new Map() };
  const deps = { rules, live: hub.live, receivers: RECEIVERS, book, proofs, clock: hub.clock };
  const report = new CoverageReporter(deps).report();
  await hubs.stop();
  return report;
}

test("Of 4 points, one has no rule at all and one is only watched for silence", async () => {
  const report = await coverage([HOT, STALE]);
  expect(report.points).toBe(4);
  expect(report.unwatched).toEqual([{ point: "pump.flow", label: "Label of pump.flow" }]);
  expect(report.presenceOnly?.map(({ point }) => point)).toEqual(["a03.outlet"]);
});

test("A rule that only the node knows watches its points, too", async () => {
  const report = await coverage([HOT, STALE], { locals: ["pump.*"] });
  expect(report.unwatched).toEqual([]);
});

test("Rules that match nothing are named, of points and of nodes", async () => {
  const lost = rule({ ...HOT, id: "lost", points: ["c99.*"] });
  const own = rule({ ...HOT, id: "own", points: ["hub.drill"] });
  const away = rule({ ...SILENT, id: "away", nodes: ["edge-roof"] });
  expect((await coverage([HOT, lost, own, SILENT, away])).rulesMatchingNothing).toEqual([
    "lost",
    "away",
  ]);
});

test("A rule whose names lead to nobody has no receiver: none, an empty group, a stranger", async () => {
  const rules = ([[], ["nobody"], ["stranger"], ["duty"], ["nobody", "desk"]] as string[][]).map(
    (receivers, index) => ({ ...HOT, id: `r${index}`, receivers }),
  );
  expect((await coverage(rules)).rulesWithoutReceiver).toEqual(["r0", "r1", "r2"]);
});

test("A node that no rule listens for is named; the hub itself is not", async () => {
  expect((await coverage([HOT, SILENT])).nodesNotWatched).toEqual(["edge-yard"]);
});

test("A receiver is proven by its newest delivery, overdue after 35 days, and failing says why", async () => {
  const clock = new FakeClock(T0);
  const db = openHubDb(":memory:");
  let outcome: Outcome = { kind: "delivered" };
  const send = async () => outcome;
  const channelFor = () => ({ kind: "webhook", send }) as const;
  const outbox = createOutbox({ db, receivers: RECEIVERS, clock, log: silent, channelFor });
  const stop = new AbortController();
  const running = outbox.run(stop.signal);
  const tell = async (key: string) => {
    const about = { alarm: "hot.a1", occurrence: 1, change: "raised", priority: 2 } as const;
    outbox.enqueue({ ...about, key, receivers: ["duty"], subject: "s", text: "t", data: {} });
    await clock.advance(10);
  };
  const proofs = new Proofs(db);
  const hub = hubs.open([], clock);
  const book = new AddressBook(plainDelivery());
  const reporter = new CoverageReporter({
    ...{ rules: [], live: hub.live, receivers: RECEIVERS, book, proofs, clock },
  });
  const duty = () => reporter.report().receivers[0];
  expect(duty()).toEqual({
    id: "duty",
    kind: "webhook",
    provenAt: null,
    overdue: true,
    failing: null,
  });
  await tell("first");
  expect(duty()).toMatchObject({ provenAt: T0, overdue: false, failing: null });
  clock.stepWall(PROVEN_FOR_MS + 60_000);
  expect(duty()).toMatchObject({ provenAt: T0, overdue: true });
  outcome = { kind: "refused", why: "the number is gone" };
  await tell("second");
  expect(duty()).toMatchObject({ provenAt: T0, failing: "the number is gone" });
  db.exec("DELETE FROM outbox");
  expect(duty()).toMatchObject({ provenAt: T0, failing: null });
  expect(reporter.report().receivers[1]).toMatchObject({ id: "desk", provenAt: null });
  stop.abort();
  await running;
  await hubs.stop();
});
