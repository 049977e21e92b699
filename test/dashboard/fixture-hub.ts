import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import type { AlarmView, Bucket, LedgerRecord, StreamEvents } from "../../contract/api.ts";
import { fixtureDetail } from "./fixture-incidents.ts";
import { fixtureSnapshot, type Scenario } from "./fixture-world.ts";

export const FIXTURE_TOKEN = "fixture-token-0123456789";
const BEAT_MS = 5_000;
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
/** The hub's own policy, so that a page it would break is broken here too. */
const POLICY =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
  "form-action 'self'; frame-ancestors 'none'";

export interface FixtureHub {
  url: string;
  /** Shows another scripted state at once, to streams already open too. */
  play(scenario: Scenario): void;
  /** Sends one event to all open streams. */
  send<K extends keyof StreamEvents>(event: K, data: StreamEvents[K]): void;
  beat(): void;
  /** Moves the hub's clock ahead, as the test moves the page's. */
  advance(ms: number): void;
  /** Keeps every connection open and says nothing more, as a stopped process does. */
  silence(): void;
  resume(): void;
  /** Orders received: `POST /api/v1/alarms/x/ack`. */
  orders: string[];
  /** When a wall screen said that it paints. */
  painted: number[];
  /** Answers the next order with this status. */
  failNext(status: number): void;
  openStreams(): number;
  close(): Promise<void>;
}

interface State {
  aheadMs: number;
  scenario: Scenario;
  isSilent: boolean;
  failNext: number | null;
  alarms: Map<string, AlarmView>;
}

/** A hub made of paper: serves the built pages and a scripted stream. */
export async function startFixtureHub(deps: {
  webDir: string;
  role?: string;
}): Promise<FixtureHub> {
  const { webDir, role = "admin" } = deps;
  const streams = new Set<ServerResponse>();
  const held = new Set<() => void>();
  const orders: string[] = [];
  const painted: number[] = [];
  const state: State = {
    aheadMs: 0,
    scenario: "normal",
    isSilent: false,
    failNext: null,
    alarms: new Map(),
  };
  const nowMs = () => Date.now() + state.aheadMs;

  const snapshot = () => {
    const snap = fixtureSnapshot(state.scenario, nowMs());
    return { ...snap, alarms: snap.alarms.map((alarm) => state.alarms.get(alarm.id) ?? alarm) };
  };
  const write = (to: ServerResponse, event: string, data: unknown) => {
    to.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const send: FixtureHub["send"] = (event, data) => {
    if (!state.isSilent) for (const stream of streams) write(stream, event, data);
  };
  const beat = () => send("hb", snapshot().health);
  const timer = setInterval(beat, BEAT_MS);

  const openStream = (answer: ServerResponse) => {
    answer.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    streams.add(answer);
    answer.on("close", () => streams.delete(answer));
    write(answer, "hello", { version: "0.1.0", build: "fixture", at: nowMs() });
    write(answer, "snap", snapshot());
    write(answer, "hb", snapshot().health);
  };
  const takeOrder = (request: IncomingMessage, answer: ServerResponse, path: string) => {
    orders.push(`${request.method} ${path}`);
    if (state.failNext !== null) {
      json(answer, { title: "Refused", detail: "Refused by the fixture." }, state.failNext);
      state.failNext = null;
      return;
    }
    const [, incident] = /^\/api\/v1\/incidents\/([^/]+)\/\w+$/.exec(path) ?? [];
    const found = snapshot().incidents?.find((each) => each.id === incident);
    if (found) {
      json(answer, fixtureDetail(found, nowMs()));
      return;
    }
    const [, id = "", action] = /^\/api\/v1\/alarms\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    const alarm = snapshot().alarms.find((each) => each.id === decodeURIComponent(id));
    if (!alarm) {
      json(answer, { title: "Not found", detail: "No such alarm." }, 404);
      return;
    }
    const now = nowMs();
    const after: AlarmView =
      action === "ack"
        ? { ...alarm, state: "acknowledged", ack: { at: now, by: "demo" } }
        : { ...alarm, shelved: { until: now + 3_600_000, by: "demo", reason: "fixture" } };
    state.alarms.set(after.id, after);
    json(answer, after);
    send("alarms", snapshot().alarms);
  };
  const serve = (request: IncomingMessage, answer: ServerResponse): void => {
    if (state.isSilent) {
      held.add(() => serve(request, answer));
      return;
    }
    const { pathname } = new URL(request.url ?? "/", "http://fixture");
    answer.setHeader("content-security-policy", POLICY);
    const isSignIn = pathname === "/api/v1/session" && request.method === "POST";
    const isIn = request.headers.cookie?.includes("plenum=yes") ?? false;
    if (!pathname.startsWith("/api/")) file(answer, webDir, pathname);
    else if (isSignIn) signIn(request, answer, role);
    else if (!isIn) json(answer, { title: "Sign in", detail: "Nobody is signed in." }, 401);
    else if (pathname === "/api/v1/stream") openStream(answer);
    else if (pathname === "/api/v1/wall") {
      painted.push(nowMs());
      json(answer, {});
    } else if (request.method === "POST") takeOrder(request, answer, pathname);
    else json(answer, read(pathname, role, snapshot));
  };
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    orders,
    painted,
    send,
    beat,
    play: (scenario) => {
      state.scenario = scenario;
      state.alarms.clear();
      send("snap", snapshot());
    },
    advance: (ms) => {
      state.aheadMs += ms;
    },
    silence: () => {
      state.isSilent = true;
    },
    resume: () => {
      state.isSilent = false;
      for (const answerNow of held) answerNow();
      held.clear();
      send("snap", snapshot());
      beat();
    },
    failNext: (status) => {
      state.failNext = status;
    },
    openStreams: () => streams.size,
    close: () =>
      new Promise((resolve) => {
        clearInterval(timer);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function json(answer: ServerResponse, body: unknown, status = 200): void {
  const type = status < 400 ? "application/json" : "application/problem+json";
  answer.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}

function file(answer: ServerResponse, webDir: string, pathname: string): void {
  const name = extname(pathname) ? pathname : "/index.html";
  const type = TYPES[extname(name)] ?? "application/octet-stream";
  try {
    const body = readFileSync(join(webDir, name));
    answer.writeHead(200, { "content-type": type }).end(body);
  } catch {
    answer.writeHead(404).end();
  }
}

function signIn(request: IncomingMessage, answer: ServerResponse, role: string): void {
  let body = "";
  request.on("data", (part: Buffer) => {
    body += part.toString();
  });
  request.on("end", () => {
    const { token } = JSON.parse(body) as { token: string };
    if (token !== FIXTURE_TOKEN) {
      json(answer, { title: "Sign in", detail: "This token is not known here." }, 401);
      return;
    }
    answer.setHeader("set-cookie", "plenum=yes; HttpOnly; SameSite=Strict; Path=/");
    json(answer, { name: "demo", role, via: "session" });
  });
}

function read(pathname: string, role: string, snapshot: () => ReturnType<typeof fixtureSnapshot>) {
  if (pathname === "/api/v1/session") return { name: "demo", role, via: "session" };
  if (pathname === "/api/v1/site") return snapshot().site;
  if (pathname === "/api/v1/notifications") return { items: deliveries(), next: null };
  if (pathname === "/api/v1/doors/log") return { items: ledger(), next: null };
  if (pathname === "/api/v1/doors/log/verify")
    return { ok: true, count: 18_204, head: "9f2c41d0aa17c3e5b2d84f60917a3e5cbb02d1a7e39f" };
  if (pathname === "/api/v1/completeness") return { items: [completeness()] };
  const [, incident] = /^\/api\/v1\/incidents\/([^/]+)$/.exec(pathname) ?? [];
  const found = snapshot().incidents?.find(({ id }) => id === incident);
  if (found) return fixtureDetail(found, Date.now());
  const [, point] = /^\/api\/v1\/points\/([^/]+)\/history$/.exec(pathname) ?? [];
  const view = snapshot().points.find((each) => each.id === point);
  return { point, unit: view?.unit ?? "", items: view?.value == null ? [] : line(view.value) };
}

/** The hole of `line`, and a thinned stretch before it. */
function completeness() {
  const step = 15 * 60_000;
  const last = Math.floor(Date.now() / step) * step;
  const at = (i: number) => last - (95 - i) * step;
  const item = { point: "a05.inlet-top", expected: 960, stored: 890, percent: 92.7 };
  const stretches = {
    missing: [{ from: at(40), to: at(47) }],
    thinned: [{ from: at(12), to: at(20) }],
  };
  return { ...item, since: 0, ...stretches, more: false, approximate: false, gaps: [] };
}

/** A day of 15-minute buckets with one hole, ending at the value. */
function line(end: number): Bucket[] {
  const step = 15 * 60_000;
  const last = Math.floor(Date.now() / step) * step;
  return Array.from({ length: 96 }, (_, i) => {
    const back = 95 - i;
    const sway = Math.sin(back / 9) * 0.018 + Math.sin(back * 2.3) * 0.004;
    const mean = end * (1 + (back === 0 ? 0 : sway));
    return { at: last - back * step, min: mean * 0.99, max: mean * 1.01, mean, count: 180 };
  }).filter((_, i) => i < 40 || i > 46);
}

function deliveries() {
  const now = Date.now();
  return [
    {
      id: 1,
      alarm: "on-battery.ups-a.on-battery",
      occurrence: 1,
      change: "raised",
      receiver: "on-duty",
      channel: "email",
      state: "delivered",
      attempts: 1,
      createdAt: now - 80_000,
      doneAt: now - 78_000,
      error: null,
    },
  ];
}

function ledger(): LedgerRecord[] {
  const now = Date.now();
  return Array.from({ length: 24 }, (_, i) => ({
    seq: 18_204 - i,
    type: i === 3 ? "alarm.raised" : i % 2 ? "door.closed" : "door.opened",
    at: now - i * 47 * 60_000,
    receivedAt: now - i * 47 * 60_000 + 200,
    node: i === 3 ? null : "edge-hall",
    door: i === 3 ? null : (["door-a1", "door-b1", "door-ups"][i % 3] ?? null),
    label: null,
    detail: i === 3 ? { alarm: "door-open.door-a1.open" } : {},
    hash: `${i}`.repeat(8),
  }));
}
