import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newCertificateRequest } from "../../../edge/identity/certificate-request.ts";
import { type Authority, openAuthority } from "../../../hub/identity/authority.ts";
import { Enrolment, issueToken } from "../../../hub/identity/enrolment.ts";
import { Register } from "../../../hub/identity/register.ts";
import { IdentityTroubles } from "../../../hub/identity/troubles.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
let folder: string;
let db: HubDb;
let clock: FakeClock;
let register: Register;
let authority: Authority;
let enrolment: Enrolment;
const { request } = newCertificateRequest("edge-a");

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-enrolment-"));
  clock = new FakeClock();
  db = openHubDb(":memory:");
  register = new Register(db);
  authority = await openAuthority(folder, clock.nowMs());
  enrolment = new Enrolment({ authority, register, clock });
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const tokenFor = (node: string) =>
  issueToken(register, { node, keyHash: authority.keyHash, now: clock.nowMs() }).token;
const enrol = (token: string, node = "edge-a") => enrolment.enrol({ token, node, request });

test("a token has 128 random bits and the hash of the hub's key, and hub.db holds neither", () => {
  const token = tokenFor("edge-a");
  const [secret, keyHash] = token.split(".");
  expect(Buffer.from(secret!, "base64url")).toHaveLength(16);
  expect(keyHash).toBe(authority.keyHash);
  const dump = JSON.stringify([
    db.prepare("SELECT hex(hash), * FROM enrol_token").all(),
    db.prepare("SELECT * FROM identity_note").all(),
  ]);
  expect(dump).not.toContain(secret);
});

test("a token is good for 15 minutes, once, for its node only", async () => {
  const token = tokenFor("edge-a");
  await expect(enrol(token, "edge-b")).rejects.toThrow("for another node than edge-b");
  await clock.advance(15 * MINUTE_MS - 1);
  expect((await enrol(token)).node).toBe("edge-a");
  await expect(enrol(token)).rejects.toThrow(
    /was used at .*Make a new one with: plenum-hub enrol edge-a/,
  );
  const late = tokenFor("edge-a");
  await clock.advance(15 * MINUTE_MS);
  await expect(enrol(late)).rejects.toThrow(/this token ended at/);
});

test("of two that use one token at the same moment, one gets a certificate", async () => {
  const token = tokenFor("edge-a");
  const results = await Promise.allSettled([enrol(token), enrol(token), enrol(token)]);
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(register.list()).toHaveLength(1);
});

test("a new token takes the place of the unused one, and a revocation withdraws it", async () => {
  const [first, second] = [tokenFor("edge-a"), tokenFor("edge-a")];
  await expect(enrol(first)).rejects.toThrow("this token is not known");
  register.revoke("edge-a", "test", clock.nowMs());
  await expect(enrol(second)).rejects.toThrow("this token is not known");
});

test("a bad request leaves the token as good as it was", async () => {
  const token = tokenFor("edge-a");
  await expect(enrolment.enrol({ token, node: "edge-a", request: "x" })).rejects.toThrow(
    "the certificate request is not one",
  );
  expect((await enrol(token)).node).toBe("edge-a");
});

test("a node in order has no trouble; at 14 days left, and when it is over, it has", async () => {
  const troubles = new IdentityTroubles(clock);
  const said = () => troubles.states(register.list()).map(({ trouble }) => trouble);
  await enrol(tokenFor("edge-a"));
  expect(said()).toEqual([null]);
  await clock.advance(76 * DAY_MS + 1);
  expect(said()).toEqual(["certificate ends in 13 days and the node has not renewed it"]);
  await clock.advance(14 * DAY_MS);
  expect(said()).toEqual(["certificate has expired; enrol the node again"]);
  register.revoke("edge-a", "gone", clock.nowMs());
  expect(said()).toEqual([]);
});

test("a node gets its next certificate an hour after the last one, not before", async () => {
  await enrol(tokenFor("edge-a"));
  await expect(enrolment.renew("edge-a", request)).rejects.toThrow("less than an hour ago");
  await clock.advance(60 * MINUTE_MS);
  const next = await enrolment.renew("edge-a", request);
  expect(register.find(next.serial)).toMatchObject({ node: "edge-a", how: "renewed" });
});

test("an event is trouble for 15 minutes after it last happened", async () => {
  const troubles = new IdentityTroubles(clock);
  troubles.note("edge-z", "broke the rules");
  await clock.advance(15 * MINUTE_MS - 1);
  expect(troubles.states([])).toEqual([{ node: "edge-z", trouble: "broke the rules" }]);
  await clock.advance(1);
  expect(troubles.states([])).toEqual([]);
});
