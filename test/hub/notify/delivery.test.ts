import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { good } from "../../../contract/reading.ts";
import { createAlarms } from "../../../hub/alarms/alarm-runtime.ts";
import type { Receiver } from "../../../hub/config/hub-config.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { createOutbox } from "../../../hub/notify/outbox.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { birth, INLET, rule, SITE } from "../alarms/small-hub.ts";
import { httpOther, type Other, smtpOther } from "./servers.ts";

const others: Other[] = [];
afterEach(async () => {
  for (const other of others.splice(0)) await other.close();
});

test("a breach reaches a real mail server and a real web server within 2 s, and so does its end", async () => {
  const mail = await smtpOther();
  const web = await httpOther(() => 204);
  others.push(mail, web);
  const clock = systemClock;
  const log = pino({ level: "silent" });
  const db = openHubDb(":memory:");
  const live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
  const ledger = createLedger({ db, clock });
  const server = { host: "127.0.0.1", port: mail.port, secure: false };
  const url = `http://127.0.0.1:${web.port}/hook`;
  const receivers: Receiver[] = [
    { kind: "email", id: "duty", to: ["d@example.net"], from: "p@example.net", server },
    { kind: "webhook", id: "desk", url, secret: "key", allowPrivate: true },
  ];
  const outbox = createOutbox({ db, receivers, clock, log });
  const hot = rule({
    id: "hot",
    condition: { kind: "limit", above: 27, deadband: 0.5 },
    receivers: ["duty", "desk"],
  });
  const alarms = createAlarms({ rules: [hot], live, db, ledger, outbox, clock, log, site: SITE });
  const stop = new AbortController();
  const running = [alarms.run(stop.signal), outbox.run(stop.signal)];
  const read = (value: number) => {
    const point = live.point(INLET.id)!;
    live.reading(point, { point: INLET.id, at: clock.nowMs(), ...good(value) }, 0);
  };
  live.announce(birth());
  live.status("edge-hall", { v: 1, state: "online", session: 1, at: 0 });

  read(31.8);
  await vi.waitFor(
    () => expect([mail.received.length, web.received.length]).toEqual([1, 1]),
    2_000,
  );
  await vi.waitUntil(() => clock.nowMs() > live.point(INLET.id)!.reading!.at, 2_000);
  read(20);
  await vi.waitFor(
    () => expect([mail.received.length, web.received.length]).toEqual([2, 2]),
    2_000,
  );
  await vi.waitFor(() => expect(outbox.counts()).toEqual({ queued: 0, failed: 0 }), 2_000);

  expect(
    outbox.list({ limit: 9 }).map((row) => `${row.change} ${row.receiver} ${row.state}`),
  ).toEqual([
    "cleared desk delivered",
    "cleared duty accepted",
    "raised desk delivered",
    "raised duty accepted",
  ]);
  const events = web.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  expect(events).toMatchObject([
    { change: "raised", text: "P2 A03 inlet top 31.8 °C (limit 27) — Hall A", site: "Demo site" },
    { change: "cleared", alarm: { id: "hot.a03.inlet-top", state: "returned" } },
  ]);
  stop.abort();
  await Promise.all(running);
});
