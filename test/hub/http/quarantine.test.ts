import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { StoreError } from "../../../hub/history/store.ts";
import type { QuarantineChoice, QuarantineQuery } from "../../../hub/ingest/quarantine.ts";
import { StandIn } from "./stand-in.ts";

const hub = new StandIn();
const asked: QuarantineQuery[] = [];
const orders: [choice: QuarantineChoice, by: string, reason?: string][] = [];
let failure: Error | undefined;

beforeAll(async () => {
  hub.sources.quarantine.list = (query) => {
    asked.push(query);
    return [9, 7, 5].slice(0, query.limit).map((id) => ({
      ...{ id, node: "edge-a", epoch: "e", seq: id, receivedAt: 1, why: "odd", row: "[]" },
    }));
  };
  hub.sources.quarantine.reasons = () => [{ why: "odd", count: 3 }];
  hub.sources.quarantine.held = () => 3;
  hub.sources.desk = {
    release: async (choice, by) => {
      if (failure) throw failure;
      orders.push([choice, by]);
      return { released: 2, kept: [{ id: 5, why: "odd" }], more: false };
    },
    drop: (choice, by, reason) => {
      orders.push([choice, by, reason]);
      return { dropped: 1, more: true };
    },
  };
  await hub.start();
});
afterAll(() => hub.stop());
beforeEach(() => {
  asked.length = 0;
  orders.length = 0;
  failure = undefined;
});

const post = async (order: "release" | "drop", body: unknown) => {
  const answer = await hub.json("POST", `/api/v1/quarantine/${order}`, body, "engineer");
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

test("The list is cut to pages by node and reason, with the counts of all", async () => {
  const answer = await hub.fetch("/api/v1/quarantine?limit=2&node=edge-a&why=odd&cursor=11", {
    as: "operator",
  });
  expect(await answer.json()).toMatchObject({
    items: [{ id: 9 }, { id: 7 }],
    ...{ next: "7", total: 3, held: 3, reasons: [{ why: "odd", count: 3 }] },
  });
  expect(asked).toEqual([{ limit: 3, before: 11, node: "edge-a", why: "odd" }]);
});

test("Releasing hands on which rows and who", async () => {
  expect(await post("release", { node: "edge-a", why: "odd" })).toEqual({
    status: 200,
    body: { released: 2, kept: [{ id: 5, why: "odd" }], more: false },
  });
  expect(orders).toEqual([[{ node: "edge-a", why: "odd" }, "engineer-person"]]);
});

test("While the history takes nothing the answer is 503 and says that the rows stay", async () => {
  failure = new StoreError("retry", "http://secret:8086 refused");
  const { status, body } = await post("release", { ids: [9] });
  expect(status).toBe(503);
  expect(body.detail).toMatch(/the rows stay/);
  expect(JSON.stringify(body)).not.toContain("8086");
});

test("Dropping needs a reason", async () => {
  expect(await post("drop", { ids: [9], reason: "sensor gone" })).toMatchObject({
    body: { dropped: 1, more: true },
  });
  expect(orders).toEqual([[{ ids: [9] }, "engineer-person", "sensor gone"]]);
  expect((await post("drop", { ids: [9], reason: "  " })).status).toBe(400);
});

test.each([
  ["nothing chosen", {}],
  ["501 ids", { ids: Array.from({ length: 501 }, (_, i) => i + 1) }],
  ["an unknown key", { ids: [1], all: true }],
  ["a node that is no name", { node: "Ä" }],
])("%s is refused with 400", async (_, body) => {
  expect((await post("release", body)).status).toBe(400);
  expect(orders).toEqual([]);
});

test("/healthz is 200 while the self-check is good or has not ended, and 503 with the stage when it failed", async () => {
  const health = async () => {
    const answer = await hub.fetch("/healthz");
    return [answer.status, await answer.json()];
  };
  hub.probe = { kind: "starting" };
  expect(await health()).toEqual([200, { status: "ok" }]);
  hub.probe = { kind: "failed", at: 5, stage: "read-back", why: "0 rows" };
  expect(await health()).toEqual([503, { status: "failing", stage: "read-back", why: "0 rows" }]);
  const { selfCheck } = (await (await hub.fetch("/api/v1/health", { as: "viewer" })).json()) as {
    selfCheck: unknown;
  };
  expect(selfCheck).toEqual({ ok: false, at: 5, stage: "read-back", why: "0 rows", tookMs: null });
  hub.probe = { kind: "good", at: 9, tookMs: 61 };
  expect(await health()).toEqual([200, { status: "ok" }]);
});
