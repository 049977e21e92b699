import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { StandIn, tokenOf } from "./stand-in.ts";

let hub: StandIn;
beforeEach(async () => {
  hub = await new StandIn().start();
});
afterEach(() => hub.stop());

const HOUR_MS = 3_600_000;

async function signIn(token: string): Promise<string> {
  const answer = await hub.json("POST", "/api/v1/session", { token });
  expect(answer.status).toBe(200);
  return cookieOf(answer);
}

function cookieOf(answer: Response): string {
  const [cookie] = answer.headers.getSetCookie();
  return cookie?.split(";")[0] ?? "";
}

const points = (cookie: string) => hub.fetch("/api/v1/points", { headers: { cookie } });

test("Signing in sets a 256-bit HttpOnly, SameSite=Strict cookie for the whole site", async () => {
  const answer = await hub.json("POST", "/api/v1/session", { token: tokenOf("operator") });
  const [cookie = ""] = answer.headers.getSetCookie();
  expect(await answer.json()).toEqual({
    name: "operator-person",
    role: "operator",
    via: "session",
  });
  expect(cookie).toMatch(/^plenum=[\w-]{43};/);
  for (const part of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"])
    expect(cookie).toContain(part);
  expect(cookie).not.toContain("Secure");
  expect(cookie).not.toContain(tokenOf("operator"));
});

test("Two sign-ins never share a session, and a cookie brought along is not taken over", async () => {
  const planted = `plenum=${"A".repeat(43)}`;
  const answer = await hub.fetch("/api/v1/session", {
    method: "POST",
    headers: { "content-type": "application/json", cookie: planted },
    body: JSON.stringify({ token: tokenOf("viewer") }),
  });
  const first = cookieOf(answer);
  expect(first).not.toBe(planted);
  expect(await signIn(tokenOf("viewer"))).not.toBe(first);
  expect((await points(planted)).status).toBe(401);
});

test("hub.db holds only hashes of sessions", async () => {
  const cookie = await signIn(tokenOf("viewer"));
  const rows = JSON.stringify(hub.db.prepare("SELECT * FROM http_session").all());
  expect(rows).not.toContain(cookie.slice("plenum=".length));
  expect(rows).not.toContain(tokenOf("viewer"));
});

test("A session survives a restart of the hub", async () => {
  const cookie = await signIn(tokenOf("wall"));
  await hub.restart();
  expect((await points(cookie)).status).toBe(200);
});

test("A session ends at sign-out and cannot be used again", async () => {
  const cookie = await signIn(tokenOf("viewer"));
  const headers = { cookie, origin: hub.url };
  expect((await hub.fetch("/api/v1/session", { method: "DELETE", headers })).status).toBe(200);
  expect((await points(cookie)).status).toBe(401);
});

test("A person's session ends after 8 h", async () => {
  const cookie = await signIn(tokenOf("admin"));
  await hub.clock.advance(8 * HOUR_MS - 1);
  expect((await points(cookie)).status).toBe(200);
  await hub.clock.advance(1);
  expect((await points(cookie)).status).toBe(401);
});

test("A wall's session is renewed daily and lives past 400 days", async () => {
  const cookie = await signIn(tokenOf("wall"));
  expect((await points(cookie)).headers.getSetCookie()).toEqual([]);
  for (let days = 0; days < 450; days += 30) {
    await hub.clock.advance(30 * 24 * HOUR_MS);
    const answer = await points(cookie);
    expect(answer.status).toBe(200);
    expect(cookieOf(answer)).toBe(cookie);
  }
});

test.each([
  ["the token is removed", () => hub.tokens.filter(({ role }) => role !== "operator")],
  [
    "the role is changed",
    () => hub.tokens.map((t) => (t.role === "operator" ? { ...t, role: "viewer" as const } : t)),
  ],
  [
    "the secret is changed",
    () => hub.tokens.map((t) => (t.role === "operator" ? { ...t, token: "another-secret" } : t)),
  ],
])("A session ends when %s in site.yaml", async (_, tokens) => {
  const cookie = await signIn(tokenOf("operator"));
  hub.tokens = tokens();
  await hub.restart();
  expect((await points(cookie)).status).toBe(401);
});

test.each([
  ["another site's Origin", { origin: "http://evil.example" }, 403],
  ["an opaque Origin", { origin: "null" }, 403],
  ["another port of the same host", { origin: "http://127.0.0.1:1" }, 403],
  ["a cross-site fetch", { "sec-fetch-site": "cross-site" }, 403],
  ["a same-site fetch", { "sec-fetch-site": "same-site" }, 403],
  ["no word about the page", {}, 403],
  ["a same-origin fetch", { "sec-fetch-site": "same-origin" }, 200],
])("A change by cookie with %s answers as it must", async (_, extra, status) => {
  const cookie = await signIn(tokenOf("operator"));
  const [alarm] = hub.alarms;
  const answer = await hub.fetch(`/api/v1/alarms/${alarm?.id}/ack`, {
    method: "POST",
    headers: { cookie, ...extra } as Record<string, string>,
  });
  expect(answer.status).toBe(status);
  expect(hub.orders.length).toBe(status === 200 ? 1 : 0);
});

test("Signing in from another site's page is refused", async () => {
  const answer = await hub.fetch("/api/v1/session", {
    method: "POST",
    headers: { "content-type": "application/json", origin: "http://evil.example" },
    body: JSON.stringify({ token: tokenOf("admin") }),
  });
  expect(answer.status).toBe(403);
  expect(answer.headers.getSetCookie()).toEqual([]);
});

test.each(["Bearer wrong", "Basic YTpi", "Bearer", `Bearer ${"x".repeat(600)}`])(
  "The credential %s answers 401 and says how to sign in",
  async (authorization) => {
    const answer = await hub.fetch("/api/v1/points", { headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  },
);

test("1,000 wrong tokens are slowed, cost the ledger one record, and shut nobody out", async () => {
  const counts = { 401: 0, 429: 0 } as Record<number, number>;
  for (let i = 0; i < 1_000; i += 1) {
    const answer = await hub.json("POST", "/api/v1/session", { token: `guess-${i}` });
    counts[answer.status] = (counts[answer.status] ?? 0) + 1;
    await answer.text();
  }
  expect(counts).toEqual({ 401: 10, 429: 990 });
  expect(hub.ledger.read({ type: "person.refused", limit: 1_000 }).items.length).toBe(1);
  await signIn(tokenOf("operator"));
  await hub.clock.advance(60_000);
  expect((await hub.json("POST", "/api/v1/session", { token: "guess" })).status).toBe(401);
});

test("Signing in and out stand in the ledger with the name", async () => {
  const cookie = await signIn(tokenOf("auditor"));
  const headers = { cookie, origin: hub.url };
  await hub.fetch("/api/v1/session", { method: "DELETE", headers });
  const types = hub.ledger.read({ type: "person", limit: 10 }).items;
  expect(types.map(({ type, detail }) => [type, detail.by])).toEqual([
    ["person.signed-out", "auditor-person"],
    ["person.signed-in", "auditor-person"],
  ]);
});

test("With a full disk nobody signs in unrecorded, and refusals stay refusals", async () => {
  hub.ledger.appendOwn = () => {
    throw new Database.SqliteError("database or disk is full", "SQLITE_FULL");
  };
  const answer = await hub.json("POST", "/api/v1/session", { token: tokenOf("operator") });
  expect(answer.status).toBe(503);
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect((await hub.json("POST", "/api/v1/session", { token: "guess" })).status).toBe(401);
  expect((await hub.fetch("/api/v1/quarantine", { as: "wall" })).status).toBe(403);
  expect((await hub.fetch("/api/v1/points", { as: "wall" })).status).toBe(200);
});
