import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { checkSite } from "../../../hub/config/site-check.ts";
import type { Outcome, OutgoingMessage } from "../../../hub/notify/channel.ts";
import { Heartbeat } from "../../../hub/probe/heartbeat.ts";
import { FakeClock } from "../../fake-clock.ts";
import { until } from "../../system/until.ts";
import { silent } from "../http/stand-in.ts";

const target = (url: string, everyMs: number) => ({
  url,
  everyMs,
  secret: null,
  allowPrivate: true,
});

function beating() {
  const clock = new FakeClock();
  const sent: [url: string, message: OutgoingMessage][] = [];
  const outcome: { now: Outcome } = { now: { kind: "delivered" } };
  const heartbeat = new Heartbeat({
    ...{ site: "t", clock, log: silent },
    targets: [
      target("https://one.example/ping/key", 60_000),
      target("https://two.example/", 300_000),
    ],
    channelFor: ({ url }) => ({
      kind: "webhook",
      send: async (message) => {
        sent.push([new URL(url).host, message]);
        return outcome.now;
      },
    }),
  });
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i += 1) {
      heartbeat.beat();
      await clock.advance(30_000);
    }
  };
  return { clock, sent, outcome, heartbeat, rounds };
}

test("Each target gets its beats at its own interval, only after good rounds", async () => {
  const { clock, sent, rounds } = beating();
  await rounds(20);
  const of = (host: string) => sent.filter(([to]) => to === host);
  expect(of("one.example")).toHaveLength(10);
  expect(of("two.example")).toHaveLength(2);
  expect(of("one.example")[3]?.[1].data).toMatchObject({
    heartbeat: "t",
    count: 4,
    everyMs: 60_000,
  });
  await clock.advance(600_000);
  expect(sent).toHaveLength(12);
});

test("A target that refuses is named without its path, and overdue after three intervals", async () => {
  const { outcome, heartbeat, rounds } = beating();
  await rounds(1);
  outcome.now = { kind: "failed", why: "connect ECONNREFUSED" };
  await rounds(5);
  expect(heartbeat.views()[0]).toMatchObject({ error: "connect ECONNREFUSED", overdue: false });
  await rounds(3);
  expect(heartbeat.views()).toMatchObject([
    { host: "one.example", overdue: true },
    { host: "two.example", overdue: false },
  ]);
  expect(JSON.stringify(heartbeat.views())).not.toContain("key");
  expect(heartbeat.overdue()).toBe(1);
  outcome.now = { kind: "delivered" };
  await rounds(2);
  expect(heartbeat.views()[0]).toMatchObject({ error: null, overdue: false });
});

test("A beat is an HTTP POST that says whose it is", async () => {
  const bodies: string[] = [];
  const server = createServer((request, answer) => {
    request.on("data", (chunk: Buffer) => bodies.push(`${request.method} ${chunk}`));
    request.on("end", () => answer.end());
  }).listen(0, "127.0.0.1");
  await until("listening", () => server.listening || undefined);
  const { port } = server.address() as AddressInfo;
  const heartbeat = new Heartbeat({
    ...{ site: "hall", clock: new FakeClock(), log: silent },
    targets: [target(`http://127.0.0.1:${port}/beat`, 60_000)],
  });
  heartbeat.beat();
  await until("accepted", () => heartbeat.views()[0]?.acceptedAt ?? undefined);
  server.close();
  expect(bodies[0]).toMatch(/^POST .*"heartbeat":"hall"/);
});

const site = (heartbeat: string) =>
  checkSite(
    "site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }\n" +
      `storage: { path: ./d }\nheartbeat: ${heartbeat}\n`,
    "/tmp/site.yaml",
    () => ({ value: "https://hc.example/ping/0123" }),
  );

test("heartbeat takes addresses or a reference to one, 60 s unless said", () => {
  const result = site('[ { url: "https://a.example/x" }, { url: "env:PING", every: 5m } ]');
  expect(result).toMatchObject({
    config: {
      heartbeat: [
        { url: "https://a.example/x", everyMs: 60_000, secret: null, allowPrivate: false },
        { url: "https://hc.example/ping/0123", everyMs: 300_000 },
      ],
    },
  });
});

test.each([
  ['[ { url: "http://a.example/" } ]', /heartbeat\[0\]\.url: is not encrypted/],
  ['[ { url: "https://127.0.0.1/" } ]', /heartbeat\[0\]\.url: .*allowPrivate/],
  ['[ { url: "a.example" } ]', /heartbeat\[0\]\.url: allowed: an address/],
  ['[ { url: "https://a.example/", every: 5s } ]', /heartbeat\[0\]\.every/],
  ["here", /heartbeat: needs a list/],
])("heartbeat: %s is refused", (text, why) => {
  const result = site(text);
  if (!("problems" in result)) throw new Error("taken");
  expect(result.problems.map((one) => `${one.path}: ${one.text}`).join("\n")).toMatch(why);
});
