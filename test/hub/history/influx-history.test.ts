import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { openInfluxHistory } from "../../../hub/history/influx-history.ts";
import { type StoredReading, StoreError } from "../../../hub/history/store.ts";
import { FakeClock } from "../../fake-clock.ts";
import { type Influxd, startInfluxd } from "./influxd.ts";

const log = pino({ level: "silent" });
const never = new AbortController().signal;
const row = (point: string, at: number, value = 1): StoredReading => ({
  node: "edge-a",
  reading: { point, at, quality: "good", value },
});
const always = { fromMs: 0, toMs: Date.UTC(2100, 0, 1) };

async function refusal(write: Promise<void>): Promise<StoreError> {
  return write.then(
    () => expect.fail("the write was taken"),
    (error) => (error instanceof StoreError ? error : expect.fail(String(error))),
  );
}

describe("against a real influxd", () => {
  let influxd: Influxd;
  const open = (database: string, clock = systemClock) =>
    openInfluxHistory({ url: influxd.url, database, log, clock });
  const tell = async (statement: string) => {
    const body = new URLSearchParams({ q: statement });
    const answer = await fetch(`${influxd.url}/query`, { method: "POST", body });
    expect(await answer.text()).not.toMatch(/error/);
  };

  beforeAll(async () => {
    influxd = await startInfluxd();
  }, 60_000);
  afterAll(() => influxd?.stop());

  test("a missing database is made, and the write asked for again", async () => {
    const store = open("made-late");
    const error = await refusal(store.write([row("a01.t", 1_000)]));
    expect(error).toMatchObject({ kind: "retry", message: expect.stringMatching(/not found/) });
    await store.write([row("a01.t", 1_000)]);
    expect(await store.totals({ point: "a01.t", ...always })).toMatchObject({ rows: 1 });
  });

  test("a row whose field type is taken is found among 100 and named; the others are stored", async () => {
    const store = open("conflict");
    await store.prepare(never);
    const url = `${influxd.url}/write?db=conflict&precision=ms`;
    await fetch(url, { method: "POST", body: "point,node=edge-a reason=7i 1000" });
    const rows = Array.from({ length: 100 }, (_, i) => row("a01.t", i));
    for (const at of [3, 77])
      rows[at] = { node: "edge-a", reading: { point: "a01.t", at, quality: "bad", reason: "bus" } };
    const error = await refusal(store.write(rows));
    expect(error).toMatchObject({ kind: "poison", poison: [3, 77] });
    expect(error.message).toMatch(/field type conflict/);
    expect(await store.totals({ point: "a01.t", ...always })).toMatchObject({ rows: 98 });
  });

  test("rows older than the retention are named, however many they are", async () => {
    await tell('CREATE DATABASE "short" WITH DURATION 1h');
    const store = open("short");
    const now = Date.now();
    const old = now - 86_400_000;
    const error = await refusal(store.write([row("a01.t", old), row("a01.t", now)]));
    expect(error).toMatchObject({ kind: "poison", poison: [0] });
    const all = await refusal(store.write([row("a01.t", old), row("a01.t", old + 1)]));
    expect(all).toMatchObject({ kind: "poison", poison: [0, 1] });
    expect(await store.totals({ point: "a01.t", ...always })).toMatchObject({ rows: 1 });
  });

  test("every row it took is there after kill -9, and the same store writes on after the restart", async () => {
    const store = open("killed");
    await store.prepare(never);
    await store.write(Array.from({ length: 5_000 }, (_, i) => row("a01.t", i)));
    await influxd.kill("SIGKILL");
    const error = await refusal(store.write([row("a01.t", 5_000)]));
    expect(error.kind).toBe("retry");
    await expect(store.totals({ point: "a01.t", ...always })).rejects.toMatchObject({
      kind: "retry",
    });
    await influxd.restart();
    expect(await store.totals({ point: "a01.t", ...always })).toMatchObject({ rows: 5_000 });
    await store.write([row("a01.t", 5_000)]);
    expect(await store.totals({ point: "a01.t", ...always })).toMatchObject({ rows: 5_001 });
  });

  test("a server that is frozen costs 15 s per write and 10 s per query, no more", async () => {
    const clock = new FakeClock();
    const store = open("frozen", clock);
    await store.prepare(never);
    await influxd.kill("SIGSTOP");
    const write = refusal(store.write([row("a01.t", 1)]));
    await clock.advance(15_000);
    expect((await write).message).toMatch(/no answer in 15000 ms/);
    const query = store.totals({ point: "a01.t", ...always });
    const asked = expect(query).rejects.toThrow(/no answer in 10000 ms/);
    await clock.advance(10_000);
    await asked;
    await influxd.kill("SIGCONT");
  });

  test("a write stops waiting when it is told to", async () => {
    const store = open("stopped", new FakeClock());
    await influxd.kill("SIGSTOP");
    const stop = new AbortController();
    const write = refusal(store.write([row("a01.t", 1)], stop.signal));
    stop.abort();
    expect((await write).kind).toBe("retry");
    await influxd.kill("SIGCONT");
  });

  test("preparing tries with growing pauses until the server is there", async () => {
    const clock = new FakeClock();
    const store = open("waited-for", clock);
    await influxd.kill("SIGKILL");
    let ready = false;
    const prepared = store.prepare(never).then(() => {
      ready = true;
    });
    await expect
      .poll(() => clock.advance(100_000).then(() => clock.monoMs()))
      .toBeGreaterThan(200_000);
    expect(ready).toBe(false);
    await influxd.restart();
    await expect.poll(() => clock.advance(30_000).then(() => ready)).toBe(true);
    await prepared;
  });
});

test("user and password are sent with writes and queries; without them nothing is taken", async () => {
  const influxd = await startInfluxd({ auth: true });
  try {
    const body = new URLSearchParams({
      q: "CREATE USER hub WITH PASSWORD 'tea:pot' WITH ALL PRIVILEGES",
    });
    expect((await fetch(`${influxd.url}/query`, { method: "POST", body })).ok).toBe(true);
    const options = { url: influxd.url, database: "plenum", log, clock: systemClock };
    const known = openInfluxHistory({ ...options, username: "hub", password: "tea:pot" });
    await known.prepare(never);
    await known.write([row("a01.t", 1)]);
    expect(await known.totals({ point: "a01.t", ...always })).toMatchObject({ rows: 1 });
    const stranger = openInfluxHistory(options);
    expect(await refusal(stranger.write([row("a01.t", 2)]))).toMatchObject({
      kind: "retry",
      message: expect.stringMatching(/401/),
    });
    await expect(stranger.totals({ point: "a01.t", ...always })).rejects.toThrow(StoreError);
  } finally {
    await influxd.stop();
  }
}, 60_000);

describe("against a server that answers as it likes", () => {
  let server: Server;
  let answer: { status: number; body: string; stall?: boolean };
  let bodies: string[] = [];
  const open = () => {
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    return openInfluxHistory({ url, database: "plenum", log, clock: systemClock });
  };

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      bodies.push(body);
      const tooLarge = answer.status === 413 && body.split("\n").length <= 26;
      response.writeHead(tooLarge ? 204 : answer.status);
      response.end(tooLarge ? "" : answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => server.close());

  test("a full disk is waited out although it answers 400 like a bad row", async () => {
    answer = { status: 400, body: '{"error":"partial write: no space left on device dropped=2"}' };
    const error = await refusal(open().write([row("a01.t", 1), row("a01.t", 2)]));
    expect(error).toMatchObject({ kind: "retry", poison: [] });
  });

  test("a batch that is too large is halved until it fits", async () => {
    answer = { status: 413, body: "Request Entity Too Large" };
    bodies = [];
    await open().write(Array.from({ length: 100 }, (_, i) => row("a01.t", i)));
    expect(bodies.map((body) => body.split("\n").length - 1)).toEqual([
      100, 50, 25, 25, 50, 25, 25,
    ]);
  });
});
