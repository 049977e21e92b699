import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { historySchema, pointViewSchema } from "../../../contract/api.ts";
import { StoreError } from "../../../hub/history/store.ts";
import { ALARM, StandIn } from "./stand-in.ts";

const hub = new StandIn();
beforeAll(() => hub.start());
afterAll(() => hub.stop());
beforeEach(() => {
  hub.orders.length = 0;
  hub.history = async () => [];
});

const get = async (route: string) => {
  const answer = await hub.fetch(route, { as: "admin" });
  return { status: answer.status, body: await answer.json() };
};
const post = async (route: string, body: unknown) => {
  const answer = await hub.json("POST", route, body, "admin");
  return { status: answer.status, body: await answer.json() };
};

describe("points", () => {
  test("A point that never had a reading has no value, no time and no age", async () => {
    const { body } = await get("/api/v1/points/a01.inlet-top");
    expect(pointViewSchema.parse(body)).toMatchObject({
      value: null,
      quality: "never",
      at: null,
      ageMs: null,
      stale: true,
      unit: "°C",
      staleAfterMs: 30_000,
    });
  });

  test("A reading 12 s old says so, and after 31 s it is stale but its value is not replaced", async () => {
    hub.measure(23.5);
    await hub.clock.advance(12_000);
    expect((await get("/api/v1/points/a01.inlet-top")).body).toMatchObject({
      value: 23.5,
      quality: "good",
      ageMs: 12_000,
      stale: false,
    });
    await hub.clock.advance(19_000);
    expect((await get("/api/v1/points/a01.inlet-top")).body).toMatchObject({
      ageMs: 31_000,
      stale: true,
    });
    expect((await get("/api/v1/health")).body).toMatchObject({ points: { fresh: 0, total: 2 } });
  });

  test("The list is in the order of names and ends with next: null", async () => {
    const { body } = await get("/api/v1/points");
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([
      "a01.inlet-top",
      "door-a1.open",
    ]);
    expect(body.next).toBeNull();
  });

  test.each(["nothing-here", "A01.inlet", "..%2f..%2fetc", "a01.inlet-top%00", "x".repeat(65)])(
    "The point %s gives a problem, not a crash",
    async (id) => {
      const answer = await hub.fetch(`/api/v1/points/${id}`, { as: "admin" });
      expect([400, 404]).toContain(answer.status);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(await answer.json()).toMatchObject({ type: "about:blank", status: answer.status });
    },
  );
});

describe("history", () => {
  const route = "/api/v1/points/a01.inlet-top/history";

  test("It asks the store with milliseconds or ISO times, and gives what the store gives", async () => {
    const asked: unknown[] = [];
    const bucket = { at: 0, min: 1, max: 3, mean: 2, count: 2 };
    hub.history = async (query) => {
      asked.push(query);
      return [bucket];
    };
    const fromMs = hub.clock.nowMs() - 7_200_000;
    const toMs = fromMs + 3_600_000;
    const from = new Date(fromMs).toISOString();
    const { body } = await get(`${route}?from=${from}&to=${toMs}&step=1m`);
    expect(historySchema.parse(body)).toMatchObject({
      items: [bucket],
      stepMs: 60_000,
      unit: "°C",
    });
    expect(asked).toEqual([{ point: "a01.inlet-top", fromMs, toMs, stepMs: 60_000 }]);
  });

  test.each([
    ["1 h", 3_600_000, 10_000],
    ["1 day", 86_400_000, 300_000],
    ["1 year", 365 * 86_400_000, 86_400_000],
    ["10 years", 3_650 * 86_400_000, 2_592_000_000],
  ])("For %s without a step it takes one with 500 buckets or fewer", async (_, rangeMs, stepMs) => {
    const to = hub.clock.nowMs();
    const { body } = await get(`${route}?from=${to - rangeMs}&to=${to}`);
    expect(body.stepMs).toBe(stepMs);
    expect(rangeMs / body.stepMs).toBeLessThanOrEqual(500);
  });

  test.each([
    ["an hour of 91 days ago, without a step", 91, "", 300_000],
    ["an hour of 91 days ago, in minutes", 91, "&step=1m", 300_000],
    ["an hour of 91 days ago, in steps of 7 min", 91, "&step=7m", 600_000],
    ["an hour of 3 years ago, in minutes", 3 * 366, "&step=1m", 3_600_000],
    ["an hour of 89 days ago, in minutes", 89, "&step=1m", 60_000],
  ])("Of %s it gives what is kept", async (_, daysAgo, step, stepMs) => {
    const from = hub.clock.nowMs() - daysAgo * 86_400_000;
    const { body } = await get(`${route}?from=${from}&to=${from + 3_600_000}${step}`);
    expect(body.stepMs).toBe(stepMs);
  });

  test("Without anything it answers the last 24 h", async () => {
    const { body } = await get(route);
    expect([body.from, body.to]).toEqual([hub.clock.nowMs() - 86_400_000, hub.clock.nowMs()]);
  });

  test.each([
    ["from=2000&to=1000"],
    ["from=1000&to=1000"],
    ["from=-5&to=10"],
    ["from=yesterday"],
    ["from=2026-13-45T99:99:99Z"],
    ["from=1e3"],
    ["to=99999999999999999999"],
    ["from=0&to=946684800001000"],
    ["from=0&to=315360000000&step=1"],
    ["from=0&to=3600000&step=1s"],
    ["step=0"],
    ["step=-1m"],
    ["step=1m'; DROP SERIES"],
    ["form=0"],
    [`from=${"9".repeat(100)}`],
  ])("The query %s is refused with 400 and never reaches the store", async (query) => {
    hub.history = async () => {
      throw new Error("reached the store");
    };
    const { status, body } = await get(`${route}?${query}`);
    expect(status).toBe(400);
    expect(body.detail.length).toBeGreaterThan(10);
  });

  test("A store that is away gives 503, not an empty history", async () => {
    hub.history = async () => {
      throw new StoreError("retry", "http://10.0.0.5:8086: connect ECONNREFUSED");
    };
    const { status, body } = await get(route);
    expect(status).toBe(503);
    expect(body.detail).not.toContain("10.0.0.5");
  });

  test("A fault of ours gives 500 without its inner words", async () => {
    hub.history = async () => {
      throw new TypeError("secret inner words");
    };
    const { status, body } = await get(route);
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("inner");
  });
});

describe("alarms", () => {
  const route = `/api/v1/alarms/${ALARM.id}`;
  const by = "admin-person";
  const in1h = () => hub.clock.nowMs() + 3_600_000;

  test("Each order reaches the engine with the person's name", async () => {
    const until = in1h();
    await post(`${route}/ack`, {});
    await post(`${route}/shelve`, { reason: " filter change ", until });
    await post(`${route}/unshelve`, {});
    await post(`${route}/out-of-service`, { reason: "sensor broken" });
    await post(`${route}/in-service`, {});
    await post(`${route}/reset`, {});
    expect(hub.orders).toEqual([
      { do: "acknowledge", by },
      { do: "shelve", by, reason: "filter change", until },
      { do: "unshelve", by },
      { do: "out-of-service", by, reason: "sensor broken" },
      { do: "in-service", by },
      { do: "reset", by },
    ]);
  });

  test("Nobody can give an order in another's name", async () => {
    const { status } = await post(`${route}/shelve`, { reason: "x", until: in1h(), by: "root" });
    expect(status).toBe(400);
    expect(hub.orders).toEqual([]);
  });

  test.each<[string, () => unknown]>([
    ["without a reason", () => ({ until: in1h() })],
    ["with an empty reason", () => ({ reason: "  ", until: in1h() })],
    ["with a reason of 201 characters", () => ({ reason: "x".repeat(201), until: in1h() })],
    ["without an end", () => ({ reason: "x" })],
    ["into the past", () => ({ reason: "x", until: hub.clock.nowMs() })],
    ["for more than 7 days", () => ({ reason: "x", until: hub.clock.nowMs() + 604_800_001 })],
    ["with an end that is no number", () => ({ reason: "x", until: "tomorrow" })],
    ["with a list", () => []],
  ])("Shelving %s is refused", async (_, body) => {
    expect((await post(`${route}/shelve`, body())).status).toBe(400);
    expect(hub.orders).toEqual([]);
  });

  test.each([
    ["operator", 24, 200],
    ["operator", 25, 400],
    ["engineer", 25, 200],
    ["engineer", 169, 400],
  ] as const)("An %s who shelves for %i h gets %i", async (as, hours, status) => {
    const body = JSON.stringify({ reason: "x", until: hub.clock.nowMs() + hours * 3_600_000 });
    const headers = { "content-type": "application/json" };
    const answer = await hub.fetch(`${route}/shelve`, { method: "POST", as, headers, body });
    expect(answer.status).toBe(status);
  });

  test("A comment stands in the ledger with its writer, and changes nothing else", async () => {
    expect((await post(`${route}/comment`, { text: " filter ordered " })).status).toBe(200);
    expect(hub.orders).toEqual([]);
    const [record] = hub.ledger.read({ type: "alarm.commented", limit: 1, order: "newest" }).items;
    expect(record?.detail).toMatchObject({ reason: "filter ordered" });
    expect((await post(`${route}/comment`, { text: "" })).status).toBe(400);
  });

  test("An order to an alarm nobody knows gives 404", async () => {
    expect((await post("/api/v1/alarms/none.x/ack", {})).status).toBe(404);
    expect((await get("/api/v1/alarms/none.x")).status).toBe(404);
  });

  test.each([
    ["broken JSON", '{"reason": '],
    ["nothing", ""],
    ["deep nesting", "[".repeat(20_000)],
    ["prototype keys", '{"__proto__": {"until": 1}, "constructor": 1}'],
  ])("A body of %s is refused with 400", async (_, body) => {
    const headers = { "content-type": "application/json" };
    const answer = await hub.fetch(`${route}/shelve`, {
      method: "POST",
      as: "admin",
      headers,
      body,
    });
    expect(answer.status).toBe(400);
    expect(({} as Record<string, unknown>).until).toBeUndefined();
  });

  test("A form instead of JSON is refused", async () => {
    const body = new URLSearchParams({ reason: "x", until: String(in1h()) });
    const answer = await hub.fetch(`${route}/shelve`, { method: "POST", as: "admin", body });
    expect(answer.status).toBe(415);
    expect(hub.orders).toEqual([]);
  });
});

describe("door log", () => {
  test("It pages through the ledger and filters by type", async () => {
    for (let i = 0; i < 5; i += 1)
      hub.ledger.appendOwn("test.entry", hub.clock.nowMs(), { door: "door-a1", i });
    const seen: number[] = [];
    let next: number | null = null;
    do {
      const cursor: string = next === null ? "" : `&cursor=${next}`;
      const { body } = await get(`/api/v1/doors/log?type=test&door=door-a1&limit=2${cursor}`);
      seen.push(...body.items.map(({ detail }: { detail: { i: number } }) => detail.i));
      next = body.next;
    } while (next !== null);
    expect(seen).toEqual([4, 3, 2, 1, 0]);
    expect((await get("/api/v1/doors/log/verify")).body).toMatchObject({ ok: true });
  });

  test.each([
    "limit=0",
    "limit=1001",
    "limit=x",
    "cursor=-1",
    "from=5&to=4",
    "door=A/B",
    "type='",
    "q=1",
  ])("The query %s is refused with 400", async (query) => {
    expect((await get(`/api/v1/doors/log?${query}`)).status).toBe(400);
  });
});

test("Metrics are Prometheus text: one head per name, samples together, numbers only", async () => {
  const answer = await hub.fetch("/metrics", { as: "viewer" });
  expect(answer.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  const lines = (await answer.text()).trimEnd().split("\n");
  const samples = lines.filter((line) => !line.startsWith("#"));
  for (const sample of samples)
    expect(sample).toMatch(/^[a-z_0-9]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[\d.e+-]+$/);
  const heads = lines.filter((line) => line.startsWith("# TYPE")).map((line) => line.split(" ")[2]);
  expect(new Set(heads).size).toBe(heads.length);
  for (const wanted of [
    "plenum_readings_stored_total 10",
    "plenum_rows_refused_total 2",
    "plenum_rows_quarantined_total 3",
    'plenum_node_online{node="edge-hall"} 1',
    'plenum_alarms{priority="2",state="active"} 1',
    'plenum_notifications{state="queued"} 1',
    "plenum_stream_clients 0",
  ])
    expect(samples).toContain(wanted);
});

test("The API description names its shapes and its problems", async () => {
  const { body } = await get("/api/v1/openapi.json");
  expect(body.openapi).toBe("3.1.0");
  expect(Object.keys(body.components.schemas)).toEqual(
    expect.arrayContaining(["Point", "History", "Node", "Alarm", "Door", "LedgerEntry", "Problem"]),
  );
  const { responses } = body.paths["/api/v1/points/{id}/history"].get;
  expect(Object.keys(responses)).toEqual(
    expect.arrayContaining(["200", "400", "401", "404", "503"]),
  );
});

describe("completeness", () => {
  const route = "/api/v1/completeness";
  const item = (point: string, node: string, stored: number) => ({
    ...{ node, point, expected: 100, stored, percent: stored === 100 ? 100 : stored, since: 1 },
    ...{ missing: [], more: false, approximate: false, gaps: [] },
  });

  test("It asks for the last day, and sums up each node", async () => {
    const now = hub.clock.nowMs();
    hub.completeness = async ({ fromMs, toMs, points }) => ({
      ...{ fromMs, toMs, settling: true },
      items: points.map(({ info, node }, i) => item(info.id, node, i === 0 ? 80 : 130)),
    });
    const { body } = await get(route);
    expect(body).toMatchObject({ from: now - 86_400_000, to: now, settling: true, next: null });
    expect(body.items.map(({ point }: { point: string }) => point)).toEqual([
      "a01.inlet-top",
      "door-a1.open",
    ]);
    expect(body.nodes).toEqual([
      { node: "edge-hall", points: 2, expected: 200, stored: 180, percent: 90 },
    ]);
  });

  test("It goes page by page, and by node and point", async () => {
    const asked: string[][] = [];
    hub.completeness = async ({ fromMs, toMs, points }) => {
      asked.push(points.map(({ info }) => info.id));
      return { fromMs, toMs, items: [], settling: false };
    };
    const { body } = await get(`${route}?limit=1`);
    expect(body.next).toBe("a01.inlet-top");
    expect((await get(`${route}?limit=1&cursor=${body.next}`)).body.next).toBeNull();
    await get(`${route}?point=door-a1.open`);
    await get(`${route}?node=edge-none`);
    expect(asked).toEqual([["a01.inlet-top"], ["door-a1.open"], ["door-a1.open"], []]);
  });

  test.each(["from=5&to=4", "from=0", "limit=1001", "node=A/B", "step=1m"])(
    "The query %s is refused with 400",
    async (query) => {
      expect((await get(`${route}?${query}`)).status).toBe(400);
    },
  );

  test("A third report at the same time is refused with 503; the next one after is made", async () => {
    let finish = () => {};
    const wait = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let running = 0;
    hub.completeness = async ({ fromMs, toMs }) => {
      running += 1;
      await wait;
      return { fromMs, toMs, items: [], settling: false };
    };
    const two = [get(route), get(route)];
    await expect.poll(() => running).toBe(2);
    expect((await get(route)).status).toBe(503);
    finish();
    for (const { status } of await Promise.all(two)) expect(status).toBe(200);
    expect((await get(route)).status).toBe(200);
  });
});

describe("forgetting a node", () => {
  const forget = (id: string) =>
    hub.fetch(`/api/v1/nodes/${id}`, { method: "DELETE", as: "admin" });

  test("One that is online stays: 409", async () => {
    expect((await forget("edge-hall")).status).toBe(409);
    expect((await get("/api/v1/nodes")).body.items).toHaveLength(1);
    expect(hub.ledger.read({ type: "node", limit: 10 }).items).toEqual([]);
  });

  test("One that is offline goes, with a record of who did it", async () => {
    hub.live.gone("edge-hall");
    expect((await forget("edge-hall")).status).toBe(200);
    expect((await get("/api/v1/nodes")).body.items).toEqual([]);
    expect((await get("/api/v1/points")).body.items).toEqual([]);
    const { items } = hub.ledger.read({ type: "node", limit: 10 });
    expect(items).toMatchObject([
      { type: "node.forgotten", node: "edge-hall", detail: { by: "admin-person", points: 2 } },
    ]);
  });

  test.each(["edge-none", "hub"])("%s gives 404", async (id) => {
    expect((await forget(id)).status).toBe(404);
  });
});
