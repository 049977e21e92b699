import { pino } from "pino";
import type { Command } from "../../../contract/alarm/engine.ts";
import type { AlarmView, NotificationView } from "../../../contract/api.ts";
import type { Birth } from "../../../contract/message.ts";
import { good } from "../../../contract/reading.ts";
import { siteModelSchema } from "../../../contract/site.ts";
import { ROLES, type Role } from "../../../hub/http/rights.ts";
import { type HttpService, startHttp } from "../../../hub/http/server.ts";
import type { HttpSources } from "../../../hub/http/sources.ts";
import type { AccessToken } from "../../../hub/http/tokens.ts";
import { createLedger, type Ledger } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";

export const silent = pino({ level: "silent" });
export const tokenOf = (role: Role) => `${role}-token-0123456789abcdef`;
export const TOKENS: AccessToken[] = ROLES.map((role) => ({
  name: `${role}-person`,
  role,
  token: tokenOf(role),
}));

export const BIRTH: Birth = {
  v: 1,
  node: "edge-hall",
  label: "Hall",
  software: "plenum-edge 0.1.0",
  bootId: "boot-1",
  epoch: "epoch-1",
  at: 0,
  points: [
    { id: "a01.inlet-top", quantity: "temperature", label: "A01 inlet top", periodMs: 1_000 },
    { id: "door-a1.open", quantity: "flag", label: "Door A1 open", periodMs: 1_000 },
  ],
  doors: [{ id: "door-a1", label: "Door A1" }],
};

export const ALARM: AlarmView = {
  id: "inlet-high.a01.inlet-top",
  rule: "inlet-high",
  subject: "a01.inlet-top",
  place: "a01",
  priority: 2,
  title: "A01 inlet 31.0 °C",
  detail: "limit 27 °C",
  runbook: null,
  state: "active",
  occurrence: 1,
  raisedAt: 1,
  clearedAt: null,
  ack: null,
  shelved: null,
  suppressed: false,
  outOfService: null,
  value: 31,
  limit: 27,
  unit: "°C",
};

/** The HTTP part over real live state and ledger in memory; history, alarms and outbox are played. */
export class StandIn {
  readonly clock = new FakeClock();
  readonly db: HubDb;
  readonly live: LiveState;
  readonly ledger: Ledger;
  readonly orders: Command[] = [];
  readonly alarms: AlarmView[] = [ALARM];
  readonly sources: HttpSources;
  history: HttpSources["history"]["history"] = async () => [];
  completeness: HttpSources["completeness"]["report"] = async ({ fromMs, toMs }) => ({
    fromMs,
    toMs,
    items: [],
    settling: false,
  });
  storeError: string | null = null;
  probe: ReturnType<HttpSources["probe"]["state"]> = { kind: "good", at: 0, tookMs: 60 };
  tokens = TOKENS;
  webDir: string | undefined;
  #service: HttpService | undefined;

  constructor() {
    const { clock } = this;
    this.db = openHubDb(":memory:");
    this.live = new LiveState({ clock, log: silent, known: openKnownNodes(this.db, silent) });
    this.ledger = createLedger({ db: this.db, clock });
    this.live.announce(BIRTH);
    this.live.status("edge-hall", { v: 1, state: "online", session: 1, at: 0, backlog: 7 });
    this.sources = {
      site: siteModelSchema.parse({
        id: "demo",
        label: "Demo",
        timezone: "UTC",
        rooms: [{ id: "hall-a", label: "Hall A", widthM: 1, depthM: 1, rows: [] }],
      }),
      live: this.live,
      history: { kind: "sqlite", history: (query) => this.history(query) },
      completeness: { report: (question) => this.completeness(question) },
      ingest: {
        storeLagMs: () => 0,
        storeError: () => this.storeError,
        totals: () => ({ stored: 10, refused: 2, quarantined: 3, dropped: 4 }),
      },
      probe: { state: () => this.probe },
      heartbeat: { views: () => [] },
      quarantine: { list: () => [], count: () => 3, held: () => 0, reasons: () => [] },
      desk: {
        release: async () => ({ released: 0, kept: [], more: false }),
        drop: () => ({ dropped: 0, more: false }),
      },
      alarms: {
        saveError: () => null,
        views: () => this.alarms,
        view: (id) => this.alarms.find((alarm) => alarm.id === id),
        command: (id, order) => {
          this.orders.push(order);
          return this.alarms.find((alarm) => alarm.id === id);
        },
      },
      ledger: this.ledger,
      outbox: {
        list: (): NotificationView[] => [],
        counts: () => ({ queued: 1, accepted: 0, delivered: 0, failed: 0 }),
      },
      clock,
    };
  }

  /** A reading of the live lane, stamped now. */
  measure(value: number, point = "a01.inlet-top"): void {
    const live = this.live.point(point);
    if (!live) throw new RangeError(`no point ${point}`);
    this.live.reading(live, { point, at: this.clock.nowMs(), ...good(value) }, 0);
  }

  get service(): HttpService {
    if (!this.#service) throw new Error("not started");
    return this.#service;
  }

  async start(): Promise<this> {
    const { tokens, db, sources, webDir } = this;
    const at = { host: "127.0.0.1", port: 0 };
    this.#service = await startHttp({ ...at, tokens, db, sources, webDir, log: silent });
    return this;
  }

  /** Stops and starts the HTTP part over the same hub.db. */
  async restart(): Promise<void> {
    await this.service.close();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#service?.close();
    this.db.close();
  }

  get url(): string {
    return `http://127.0.0.1:${this.service.port}`;
  }

  fetch(path: string, init: RequestInit & { as?: Role } = {}): Promise<Response> {
    const { as, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (as) headers.set("authorization", `Bearer ${tokenOf(as)}`);
    return fetch(this.url + path, { redirect: "manual", ...rest, headers });
  }

  json(method: string, path: string, body: unknown, as?: Role): Promise<Response> {
    const init = {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    };
    return this.fetch(path, as ? { ...init, as } : init);
  }
}
