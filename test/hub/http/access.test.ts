import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROLES, type Role } from "../../../hub/http/rights.ts";
import { ALARM, BIRTH, StandIn } from "./stand-in.ts";

const hub = new StandIn();
beforeAll(async () => {
  await hub.start();
  hub.live.announce({ ...BIRTH, node: "edge-old", points: [], doors: [] });
});
afterAll(() => hub.stop());

const all = [...ROLES];
const watchers: Role[] = ["viewer", "operator", "engineer", "admin", "wall"];
const operators: Role[] = ["operator", "engineer", "admin"];
const maintainers: Role[] = ["engineer", "admin"];
const alarm = `/api/v1/alarms/${ALARM.id}`;
const later = () => hub.clock.nowMs() + 60_000;

/** Every route that wants an identity: method, path, who may, and a body where one is needed. */
const ROUTES: [string, string, Role[], (() => unknown)?][] = [
  ["GET", "/api/v1/session", all],
  ["DELETE", "/api/v1/session", all],
  ["GET", "/api/v1/site", all],
  ["GET", "/api/v1/openapi.json", all],
  ["POST", "/api/v1/wall", all],
  ["GET", "/api/v1/points", watchers],
  ["GET", "/api/v1/points/a01.inlet-top", watchers],
  ["GET", "/api/v1/points/a01.inlet-top/history", watchers],
  ["GET", "/api/v1/nodes", watchers],
  ["DELETE", "/api/v1/nodes/edge-old", ["admin"]],
  ["GET", "/api/v1/health", watchers],
  ["GET", "/api/v1/completeness", watchers],
  ["GET", "/api/v1/alarms", watchers],
  ["GET", alarm, watchers],
  ["POST", `${alarm}/ack`, operators],
  ["POST", `${alarm}/reset`, operators],
  ["POST", `${alarm}/unshelve`, operators],
  ["POST", `${alarm}/shelve`, operators, () => ({ reason: "filter change", until: later() })],
  ["POST", `${alarm}/out-of-service`, maintainers, () => ({ reason: "sensor broken" })],
  ["POST", `${alarm}/in-service`, maintainers],
  ["POST", `${alarm}/comment`, operators, () => ({ text: "filter ordered" })],
  ["GET", "/api/v1/doors", all],
  ["GET", "/api/v1/doors/log", ["operator", "engineer", "auditor", "admin"]],
  ["GET", "/api/v1/doors/log/verify", ["operator", "engineer", "auditor", "admin"]],
  ["GET", "/api/v1/notifications", ["viewer", "operator", "engineer", "admin"]],
  ["GET", "/api/v1/quarantine", operators],
  ["POST", "/api/v1/quarantine/release", maintainers, () => ({ node: "edge-hall" })],
  ["POST", "/api/v1/quarantine/drop", maintainers, () => ({ ids: [1], reason: "a test" })],
  ["GET", "/api/v1/stream", watchers],
  ["GET", "/metrics", ["viewer", "operator", "engineer", "admin"]],
];

async function statusOf(method: string, path: string, as?: Role, body?: unknown): Promise<number> {
  const abort = new AbortController();
  const headers = { "content-type": "application/json" };
  const init = { method, headers, signal: abort.signal, ...(as ? { as } : {}) };
  const answer = await hub.fetch(path, body ? { ...init, body: JSON.stringify(body) } : init);
  abort.abort();
  return answer.status;
}

describe.each(ROUTES)("%s %s", (method, path, may, body) => {
  test.each(ROLES)("answers the role %s as its rights say", async (role) => {
    const before = hub.orders.length;
    const status = await statusOf(method, path, role, body?.());
    expect(status).toBe(may.includes(role) ? 200 : 403);
    if (status === 403) expect(hub.orders.length).toBe(before);
  });

  test("answers 401 to a stranger", async () => {
    expect(await statusOf(method, path, undefined, body?.())).toBe(401);
  });
});

test("The table above holds every route of the API description", async () => {
  const answer = await hub.fetch("/api/v1/openapi.json", { as: "admin" });
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const tested = ROUTES.map(([method, path]) => {
    const pattern = path.replace(ALARM.id, "{id}").replace(/a01\.inlet-top|edge-old/, "{id}");
    return `${method} ${pattern}`;
  });
  const undescribed = ["GET /api/v1/openapi.json", "GET /api/v1/stream", "GET /metrics"];
  const wanted = [...described, ...undescribed].filter((route) => route !== "POST /api/v1/session");
  expect(wanted.sort()).toEqual(tested.sort());
});

test("An unknown address below /api answers 401 to a stranger and 404 to a known person", async () => {
  expect(await statusOf("GET", "/api/v1/secret")).toBe(401);
  expect(await statusOf("GET", "/api/v1/secret", "viewer")).toBe(404);
});

test.each([
  "//api/v1/points",
  "/api//v1/points",
  "/api/v1/points/",
  "/%61pi/v1/points",
  "/API/v1/points",
])("The spelling %s gives a stranger no points", async (path) => {
  const answer = await hub.fetch(path);
  expect([401, 404]).toContain(answer.status);
});

test("/healthz says only whether the hub is well", async () => {
  const answer = await hub.fetch("/healthz");
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ status: "ok" });
});

test("A refused role stands in the ledger with who and what", async () => {
  await statusOf("POST", `${alarm}/ack`, "wall");
  const { items } = hub.ledger.read({ type: "person.refused", limit: 1_000 });
  expect(items.length).toBeGreaterThan(0);
  expect(items.at(-1)?.detail).toMatchObject({ by: expect.stringContaining("-person") });
});
