import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newCertificateRequest } from "../../../edge/identity/certificate-request.ts";
import { IdentityKeeper } from "../../../edge/identity/keeper.ts";
import { IdentityStore } from "../../../edge/identity/store.ts";
import { type Authority, openAuthority } from "../../../hub/identity/authority.ts";
import { FakeClock } from "../../fake-clock.ts";

const DAY_MS = 86_400_000;
let folder: string;
let clock: FakeClock;
let authority: Authority;
let store: IdentityStore;
let asked: string[];
let renewed: number;
let lines: string[];
let connected: boolean;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-keeper-"));
  clock = new FakeClock();
  authority = await openAuthority(path.join(folder, "hub"), clock.nowMs());
  store = new IdentityStore(path.join(folder, "identity"));
  store.save(await papers("edge-a"));
  asked = [];
  renewed = 0;
  lines = [];
  connected = true;
});
afterEach(() => rmSync(folder, { recursive: true }));

async function papers(node: string) {
  const { key, request } = newCertificateRequest(node);
  const { certificate } = await authority.signNode(node, request, clock.nowMs());
  return { key, cert: certificate, ca: authority.certificate };
}

const keeper = (node = "edge-a") =>
  new IdentityKeeper({
    ...{ node, store, clock },
    ask: async (request) => {
      if (!connected) throw new Error("not connected");
      asked.push(request);
    },
    renewed: () => {
      renewed += 1;
    },
    log: pino({ level: "debug" }, { write: (line: string) => lines.push(line) }),
  });

const answer = async (request: string, node = "edge-a") => ({
  certificate: (await authority.signNode(node, request, clock.nowMs())).certificate,
  trust: authority.certificate,
});

test("nothing is asked before the 60th day; then the answer is kept and used from the next connection", async () => {
  const own = keeper();
  await clock.advance(59 * DAY_MS);
  await own.look();
  expect(asked).toEqual([]);
  await clock.advance(DAY_MS + 1);
  await own.look();
  expect(asked).toHaveLength(1);
  own.take(await answer(asked[0]!));
  expect([renewed, Math.round(own.daysLeft())]).toEqual([1, 90]);
  expect(store.load()).toEqual(own.credentials());
  expect(statSync(store.file).mode & 0o777).toBe(0o600);
});

test("while the hub is away the same request waits, and is sent within 2 s of its return", async () => {
  const own = keeper();
  await clock.advance(61 * DAY_MS);
  connected = false;
  const stop = new AbortController();
  const running = own.run(stop.signal);
  await clock.advance(60_000);
  connected = true;
  await clock.advance(2_000);
  expect(asked).toHaveLength(1);
  stop.abort();
  await running;
});

test("an answer that is for another key, another node, or not asked for changes nothing", async () => {
  const own = keeper();
  const before = own.credentials();
  own.take(await answer(newCertificateRequest("edge-a").request));
  await clock.advance(61 * DAY_MS);
  await own.look();
  own.take(await answer(newCertificateRequest("edge-a").request));
  own.take(await answer(asked[0]!, "edge-b"));
  own.take({ certificate: "hello", trust: "" });
  expect([renewed, own.credentials(), store.load()]).toEqual([0, before, before]);
});

test("a certificate that cannot be kept is not used: the one on disk stays the one in use", async () => {
  const own = keeper();
  await clock.advance(61 * DAY_MS);
  await own.look();
  const before = own.credentials();
  rmSync(path.join(folder, "identity"), { recursive: true });
  writeFileSync(path.join(folder, "identity"), "in the way");
  own.take(await answer(asked[0]!));
  expect([renewed, own.credentials()]).toEqual([0, before]);
});

test("the log says it once at 14 days left, and once more after a restart when it is over", async () => {
  const own = keeper();
  connected = false;
  await clock.advance(77 * DAY_MS);
  await own.look();
  await own.look();
  expect(lines.filter((line) => line.includes("ends soon"))).toHaveLength(1);
  await clock.advance(14 * DAY_MS);
  await keeper().look();
  expect(lines.filter((line) => line.includes("has ended; enrol this node again"))).toHaveLength(1);
});

test.each([
  ["no identity", () => rmSync(store.file), /has not been enrolled/],
  [
    "half a file",
    () => writeFileSync(store.file, "-----BEGIN"),
    /is not whole; enrol the node again/,
  ],
  ["a key that others can read", () => chmodSync(store.file, 0o640), /mode 640\): chmod 600/],
])("with %s the node does not start, and says what to do", (_, spoil, words) => {
  spoil();
  expect(() => keeper()).toThrow(words);
});

test("the identity of another node is refused with both names", () => {
  expect(() => keeper("edge-b")).toThrow(/identity of edge-a, and edge.yaml says node: edge-b/);
});
