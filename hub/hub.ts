import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Logger } from "pino";
import type { AlarmView } from "../contract/api.ts";
import type { Clock } from "../contract/clock.ts";
import type { Ack, Command, HubStatus } from "../contract/message.ts";
import { HUB_STATUS_TOPIC, hubAlarmTopic, nodeTopic } from "../contract/topic.ts";
import { createAlarms } from "./alarms/alarm-runtime.ts";
import { type Broker, startBroker } from "./broker/broker.ts";
import { Closers } from "./closers.ts";
import type { HubConfig } from "./config/hub-config.ts";
import { CompletenessReporter } from "./history/completeness-report.ts";
import { Coverage } from "./history/coverage.ts";
import { HistoryReader } from "./history/history-reader.ts";
import { openInfluxHistory } from "./history/influx-history.ts";
import { markingWrites } from "./history/marking-store.ts";
import { runRollups } from "./history/rollup-job.ts";
import { openSqliteHistory } from "./history/sqlite-history.ts";
import type { HistoryStore } from "./history/store.ts";
import { startHttp } from "./http/server.ts";
import type { HttpSources } from "./http/sources.ts";
import { createIngest } from "./ingest/ingest.ts";
import { openQuarantine } from "./ingest/quarantine.ts";
import { createLedger } from "./ledger/ledger.ts";
import { openKnownNodes } from "./live/known-nodes.ts";
import { LiveState } from "./live/live-state.ts";
import { createOutbox } from "./notify/outbox.ts";
import { withOwnRules } from "./own-rules.ts";
import { runSelfWatch } from "./self-watch.ts";
import { type HubDb, openHubDb } from "./state/hub-db.ts";
import { VERSION } from "./version.ts";

export interface HubDeps {
  clock: Clock;
  log: Logger;
  /** Folder of the built web pages; without it only the API answers. */
  webDir?: string;
}

export interface Hub {
  httpPort: number;
  mqttPort: number;
  /** Resolves when a part has died of a fault of ours; the process should end and be started again. */
  died: Promise<Error>;
  /** Closes everything, what takes data first and what keeps it last. */
  stop(): Promise<void>;
}

/**
 * Starts the whole hub. It takes data only once everything that keeps it is open. Throws when hub.db
 * or a port cannot be had; an InfluxDB that is away is waited for while the rest works.
 */
export async function startHub(config: HubConfig, deps: HubDeps): Promise<Hub> {
  const closers = new Closers(deps.log);
  try {
    return await new HubParts(config, deps, closers).start();
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

type Parts = ReturnType<typeof openParts>;
type PublishAck = (node: string, ack: Ack) => void;
type SendCommand = (node: string, command: Command) => void;

class HubParts {
  readonly #config: HubConfig;
  readonly #deps: HubDeps;
  readonly #closers: Closers;
  readonly #died: Promise<Error>;
  #die: (error: Error) => void = () => {};
  #broker: Broker | undefined;

  constructor(config: HubConfig, deps: HubDeps, closers: Closers) {
    this.#config = config;
    this.#deps = deps;
    this.#closers = closers;
    this.#died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  async start(): Promise<Hub> {
    const { clock, log } = this.#deps;
    const { storage } = this.#config;
    mkdirSync(storage.path, { recursive: true, mode: 0o700 });
    const db = openHubDb(path.join(storage.path, "hub.db"));
    this.#closers.add("hub.db", () => {
      db.close();
    });
    const store = this.#openHistory();
    const parts = openParts(this.#config, this.#deps, {
      db,
      store,
      publishAck: (node, ack) =>
        this.#broker?.publish(nodeTopic(node, "ack"), JSON.stringify(ack), { qos: 1 }),
      send: (node, command) =>
        this.#broker?.publish(nodeTopic(node, "cmd"), JSON.stringify(command), { qos: 1 }),
    });
    const { live, ledger, ingest, alarms, outbox, coverage } = parts;
    ledger.appendOwn("hub.started", clock.nowMs(), { software: `plenum-hub ${VERSION}` });

    this.#loop("outbox", (signal) => outbox.run(signal));
    this.#loop("alarms", (signal) => alarms.run(signal));
    const http = await this.#openHttp(db, parts);
    live.onChange((change) => http.stream.liveChanged(change));
    alarms.onChange((_, changed) => {
      http.stream.alarmsChanged();
      this.#publishAlarm(changed);
    });
    const broker = await this.#openBroker(parts);
    // The loops that start after the broker stop before it, so that what was stored is still acknowledged.
    this.#loop("ingest", (signal) => ingest.run(signal));
    this.#loop("self-watch", (signal) =>
      runSelfWatch({ live, ingest, clock, bootId: randomUUID() }, signal),
    );
    this.#loop("history upkeep", (signal) => runRollups({ store, coverage, clock, log }, signal));
    this.#loop("streams", (signal) => http.run(signal));
    for (const view of alarms.views()) this.#publishAlarm(view);
    this.#publishStatus("online");
    this.#closers.add("hub status", () => this.#publishStatus("offline"));
    log.info({ httpPort: http.port, mqttPort: broker.port }, "hub ready");
    return {
      httpPort: http.port,
      mqttPort: broker.port,
      died: this.#died,
      stop: () => this.#closers.closeAll(),
    };
  }

  #openHistory(): HistoryStore {
    const { clock, log } = this.#deps;
    const { influx, path: folder } = this.#config.storage;
    if (!influx) {
      const store = openSqliteHistory({ path: path.join(folder, "history.db"), log, clock });
      this.#closers.add("history", () => store.close());
      return store;
    }
    const store = openInfluxHistory({ ...influx, log, clock });
    this.#closers.add("history", () => store.close());
    this.#loop("history set-up", (signal) => store.prepare(signal));
    return store;
  }

  async #openHttp(db: HubDb, parts: Parts) {
    const { clock, log, webDir } = this.#deps;
    const { http, tokens, site } = this.#config;
    const { ingest } = parts;
    const counted: HttpSources["ingest"] = {
      storeLagMs: () => ingest.storeLagMs(),
      storeError: () => ingest.storeError(),
      totals: () => {
        const { refused, ...totals } = ingest.totals();
        return { ...totals, refused: refused + (this.#broker?.refused ?? 0) };
      },
    };
    const sources = { ...parts, ingest: counted, site, clock };
    const service = await startHttp({ ...http, tokens, db, sources, webDir, log });
    this.#closers.add("http", () => service.close());
    return service;
  }

  async #openBroker({ ingest, live }: Parts): Promise<Broker> {
    const { host, port } = this.#config.mqtt;
    const broker = await startBroker({
      host,
      port,
      log: this.#deps.log,
      onMessage: (node, lane, payload) => ingest.onMessage(node, lane, payload),
      onNodeGone: (node) => live.gone(node),
    });
    this.#broker = broker;
    this.#closers.add("broker", async () => {
      this.#broker = undefined;
      await broker.close();
    });
    return broker;
  }

  /** Runs a loop until closing; one that ends with an error takes the hub down with it. */
  #loop(name: string, run: (signal: AbortSignal) => Promise<void>): void {
    const stop = new AbortController();
    const running = run(stop.signal).catch((error: unknown) => {
      this.#deps.log.fatal({ err: error, part: name }, "part died");
      this.#die(error instanceof Error ? error : new Error(String(error)));
    });
    this.#closers.add(name, async () => {
      stop.abort();
      await running;
    });
  }

  #publishStatus(state: HubStatus["state"]): void {
    const at = this.#deps.clock.nowMs();
    const status: HubStatus = { v: 1, state, software: `plenum-hub ${VERSION}`, at };
    this.#publish(HUB_STATUS_TOPIC, status);
  }

  /** For third parties. An alarm that is over stays there as `normal`. */
  #publishAlarm(view: AlarmView): void {
    this.#publish(hubAlarmTopic(view.id), view);
  }

  #publish(topic: string, message: HubStatus | AlarmView): void {
    this.#broker?.publish(topic, JSON.stringify(message), { retain: true, qos: 1 });
  }
}

interface OpenDeps {
  db: HubDb;
  store: HistoryStore;
  publishAck: PublishAck;
  send: SendCommand;
}

/** Everything between a node's message and a person, in memory and hub.db, not running yet. */
function openParts(
  config: HubConfig,
  { clock, log }: HubDeps,
  { db, store, publishAck, send }: OpenDeps,
) {
  const live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
  const doorLabel = (door: string) => live.door(door)?.info.label;
  const ledger = createLedger({ db, clock, doorLabel });
  const quarantine = openQuarantine(db);
  const outbox = createOutbox({ db, receivers: config.receivers, clock, log });
  const rules = withOwnRules(config);
  const { site } = config;
  const linkBase = linkBaseOf(config.http);
  const alarms = createAlarms({
    ...{ rules, live, db, ledger, outbox, clock, log, site, linkBase },
    receivers: config.receivers.map(({ id }) => id),
    order: (node, rule, subject, order) => send(node, { cmd: "alarm", rule, subject, order }),
  });
  const coverage = new Coverage(db);
  const history = new HistoryReader({ store, coverage, clock });
  const completeness = new CompletenessReporter({ store, coverage, ledger, clock });
  const ingest = createIngest({
    store: markingWrites(store, coverage),
    events: ledger,
    alarms,
    live,
    quarantine,
    publishAck,
    clock,
    log,
  });
  return { history, completeness, coverage, live, ledger, quarantine, outbox, alarms, ingest };
}

/** Where links in messages lead; null when a free port was asked for, because nobody could keep such a link. */
function linkBaseOf({ publicUrl, host, port }: HubConfig["http"]): string | null {
  if (publicUrl !== null) return publicUrl;
  return port === 0 ? null : `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
