import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AlarmView, LedgerRecord, NodeView } from "../../contract/api.ts";
import { TlsSite } from "./tls-site.ts";
import { until } from "./until.ts";

const TOKEN = "tls-test-token-for-one-person";
let folder: string;
let site: TlsSite;
let used: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-enrol-"));
  site = await TlsSite.prepare(folder, TOKEN);
  site.hub.start();
  await until("the hub", () => site.get("/healthz").catch(() => undefined));
});
afterAll(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const node = async () =>
  (await site.json<{ items: NodeView[] }>("/api/v1/nodes")).items.find(
    ({ id }) => id === "edge-one",
  );
const records = async (type: string) =>
  (await site.json<{ items: LedgerRecord[] }>(`/api/v1/doors/log?type=${type}`)).items;

test("over TLS the pages are for TLS only, and a session's cookie is __Host- and Secure", async () => {
  const { headers } = await site.get("/healthz");
  expect(headers["strict-transport-security"]).toBe("max-age=15552000");
  const body = JSON.stringify({ token: TOKEN });
  const { headers: signedIn } = await site.get("/api/v1/session", { method: "POST", body });
  expect(String(signedIn["set-cookie"])).toMatch(
    /^__Host-plenum=.*HttpOnly; Secure; SameSite=Strict/,
  );
});

test("a wrong token and a token for another node are refused in plain words", async () => {
  const wrong = await site.enrol(
    `${"A".repeat(22)}.${(await site.tokenFor("edge-one")).split(".")[1]}`,
  );
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("this token is not known")]);
  const other = await site.enrol(await site.tokenFor("edge-two"));
  expect([other.code, other.err]).toEqual([
    1,
    expect.stringContaining("for another node than edge-one"),
  ]);
  const stranger = await site.enrol(`${"A".repeat(22)}.${"B".repeat(43)}`);
  expect([stranger.code, stranger.err]).toEqual([
    1,
    expect.stringContaining("its key is another. Nothing was sent"),
  ]);
  const none = await site.enrol("hello");
  expect([none.code, none.err]).toEqual([1, expect.stringContaining("This is no token")]);
});

test("a node that is not enrolled does not start, and says what to do", async () => {
  const { code, text } = await site.run("edge/main.js", ["--config", site.edgeFile]);
  expect([code, text]).toEqual([1, expect.stringContaining("has not been enrolled")]);
});

test("a node enrols by its token, connects by its certificate, and its readings are stored", async () => {
  used = await site.tokenFor("edge-one");
  const { code, out, err } = await site.enrol(used);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toContain("edge-one is enrolled for 90 days");
  expect(statSync(path.join(folder, "identity", "node.pem")).mode & 0o777).toBe(0o600);
  site.edge.start();
  await until("readings stored", async () => ((await node())?.stored ?? 0) > 0, 30_000);
  expect((await node())?.online).toBe(true);
  expect((await site.hubCommand("nodes")).out).toMatch(/edge-one +good until .* \(89|90 days\)/);
});

test("a used token is refused, with the time it was used and what that may mean", async () => {
  const { code, err } = await site.enrol(used);
  expect(code).toBe(1);
  expect(err).toMatch(/this token was used at .* If that was not you, revoke the node/);
});

test("a revoked node is cut off within 2 s of the command, stays out after the hub's restart, and an alarm names it", async () => {
  const { code } = await site.hubCommand("revoke", "edge-one", "--why", "stolen");
  const began = performance.now();
  expect(code).toBe(0);
  await until("the node off-line", async () => (await node())?.online === false, 5_000);
  expect(performance.now() - began).toBeLessThan(2_000);
  const alarm = await until("the alarm", async () => {
    const { items } = await site.json<{ items: AlarmView[] }>("/api/v1/alarms");
    return items.find(({ rule, state }) => rule === "node-identity" && state === "active");
  });
  expect(alarm.title).toContain("Identity of edge-one: certificate was revoked (stolen)");
  expect((await records("identity.revoked"))[0]?.detail).toMatchObject({
    node: "edge-one",
    why: "stolen",
  });
  await site.hub.kill("SIGTERM");
  site.hub.start();
  await until("the hub", () => site.get("/healthz").catch(() => undefined));
  await until(
    "another refusal",
    () => (site.log("hub").match(/was revoked/g) ?? []).length > 2,
    30_000,
  );
  expect((await node())?.online).toBe(false);
  expect(site.log("edge")).toContain("it may not know this node's certificate");
});

test("the ledger tells the whole story, and no log holds a token or a key", async () => {
  const told = (await records("identity")).map(({ type }) => type).reverse();
  expect(told).toEqual(
    expect.arrayContaining(["identity.token-issued", "identity.enrolled", "identity.revoked"]),
  );
  const refused = JSON.stringify(await records("person.refused"));
  expect(refused).toContain("this token is not known");
  const secrets = [TOKEN, used.split(".")[0]!, ...keyLines()];
  for (const text of [
    site.log("hub"),
    site.log("edge"),
    refused,
    JSON.stringify(await records("identity")),
  ])
    for (const secret of secrets) expect(text).not.toContain(secret);
});

/** A line in the middle of each private key. */
function keyLines(): string[] {
  const files = ["identity/node.pem", "data/identity/ca.pem", "data/identity/server-http.pem"];
  return files.map((file) => {
    const line = /PRIVATE KEY-----\n(.*)\n/.exec(
      readFileSync(path.join(folder, file), "utf8"),
    )?.[1];
    return line!;
  });
}
