import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Logger } from "pino";
import type { AlarmView } from "../contract/api.ts";
import type { Clock } from "../contract/clock.ts";
import type { HubStatus } from "../contract/message.ts";
import { HUB_STATUS_TOPIC, hubAlarmTopic, nodeTopic } from "../contract/topic.ts";
import { type Broker, type BrokerDeps, startBroker } from "./broker/broker.ts";
import { Closers } from "./closers.ts";
import type { HubConfig } from "./config/hub-config.ts";
import { openDerived } from "./derived/open-derived.ts";
import { connectHub } from "./external-broker/hub-broker.ts";
import { type Outside, openOutside } from "./foreign/outside.ts";
import { openInfluxHistory } from "./history/influx-history.ts";
import { runRollups } from "./history/rollup-job.ts";
import { openSqliteHistory } from "./history/sqlite-history.ts";
import type { HistoryStore } from "./history/store.ts";
import { startHttp } from "./http/server.ts";
import type { HttpSources } from "./http/sources.ts";
import { mqttPlace } from "./identity/enrol-route.ts";
import { type HubIdentity, openIdentity } from "./identity/identity.ts";
import { channelGauges } from "./notify/channel-watch.ts";
import { openParts, type Parts } from "./parts.ts";
import { probeTarget } from "./probe/probe-target.ts";
import { SelfCare } from "./self-care.ts";
import { type HubDb, openHubDb } from "./state/hub-db.ts";
import { VERSION } from "./version.ts";
import { runLedgerTail } from "./workers/ledger-tail.ts";
import { shareHubDb } from "./workers/shared-db.ts";
import { figuresOfWorkers } from "./workers/worker-node.ts";

export interface HubDeps {
  clock: Clock;
  log: Logger;
  /** Folder of the built web pages; without it only the API answers. */
  webDir?: string;
  /** Set in the one of several workers that judges alarms and serves people; they take the data lane. */
  lead?: { token: number };
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

class HubParts {
  readonly #config: HubConfig;
  readonly #deps: HubDeps;
  readonly #closers: Closers;
  readonly #died: Promise<Error>;
  #die: (error: Error) => void = () => {};
  #broker: Broker | undefined;
  /** Ends connections whose certificate is not worth anything any more. */
  #recheck: () => void = () => {};
  #holdOff: (node: string) => void = () => {};

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
    const parts = openParts({
      ...this.#deps,
      ...{ config: this.#config, db, store },
      publishAck: (node, ack) =>
        this.#broker?.publish(nodeTopic(node, "ack"), JSON.stringify(ack), { qos: 1 }),
      send: (node, command) =>
        this.#broker?.publish(nodeTopic(node, "cmd"), JSON.stringify(command), { qos: 1 }),
      holdOff: (node) => this.#holdOff(node),
    });
    const { live, ledger, ingest, alarms, incidents, outbox, delivery, coverage } = parts;
    ledger.appendOwn("hub.started", clock.nowMs(), { software: `plenum-hub ${VERSION}` });

    this.#loop("channels", (signal) => parts.channels.run(signal));
    this.#loop("outbox", (signal) => outbox.run(signal));
    this.#loop("delivery", (signal) => delivery.run(signal));
    this.#loop("alarms", (signal) => alarms.run(signal));
    this.#loop("incidents", (signal) => incidents.run(signal));
    this.#loop("alarm care", (signal) => parts.alarmCare.run(signal));
    const identity = await this.#openIdentity(db, parts);
    const care = this.#openCare(parts, store, identity);
    const { probe, heartbeat } = care;
    const http = await this.#openHttp(db, { ...parts, probe, heartbeat }, identity);
    live.onChange((change) => {
      http.stream.liveChanged(change);
      // An external broker would tell of a forgotten node again at the next start.
      if (change.kind === "withdrawn" && change.node !== null)
        for (const lane of ["birth", "status"] as const)
          this.#send(nodeTopic(change.node, lane), "", { retain: true, qos: 1 });
    });
    incidents.onChange(() => http.stream.incidentsChanged());
    alarms.onChange((changed) => {
      http.stream.alarmsChanged();
      this.#publishAlarm(changed);
    });
    const publish = this.#send.bind(this);
    const outside = openOutside(this.#config, { live, ingest, db, publish, clock, log });
    const broker = await this.#openBroker(parts, outside, identity);
    this.#loop("identity", (signal) => identity.watch(() => this.#recheck(), signal));
    // The loops that start after the broker stop before it, so that what was stored is still acknowledged.
    this.#loop("ingest", (signal) => ingest.run(signal));
    if (this.#deps.lead)
      this.#loop("ledger tail", (signal) =>
        runLedgerTail({ db, ledger, live, alarms, clock }, signal),
      );
    this.#loop("outside", (signal) => outside.run(signal));
    this.#loop("self-watch", (signal) => care.run(signal));
    const derived = openDerived(this.#config, { live, ingest, ledger, clock, log });
    this.#loop("derived points", (signal) => derived.run(signal));
    this.#loop("history upkeep", (signal) => runRollups({ store, coverage, clock, log }, signal));
    this.#loop("streams", (signal) => http.run(signal));
    for (const view of alarms.views()) this.#publishAlarm(view);
    this.#publishStatus("online");
    this.#closers.add("hub status", () => this.#publishStatus("offline"));
    if (this.#deps.lead) shareHubDb(db);
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

  #openIdentity(db: HubDb, { ledger }: Parts): Promise<HubIdentity> {
    const { http, mqtt, storage } = this.#config;
    return openIdentity({ ...this.#deps, storagePath: storage.path, http, mqtt, db, ledger });
  }

  #openCare(parts: Parts, store: HistoryStore, identity: HubIdentity): SelfCare {
    const { clock, log } = this.#deps;
    const config = this.#config;
    const broker = () => identity.asProbe(probeTarget(config.mqtt, this.#broker?.port));
    const refusedElsewhere = () => this.#broker?.refused ?? 0;
    const moreGauges = () => [
      ...identity.gauges(),
      ...parts.alarmCare.gauges(),
      ...channelGauges(config.receivers, parts.outbox),
      ...parts.walls.gauges(),
    ];
    const own = { refusedElsewhere, moreGauges };
    return new SelfCare({ ...parts, ...own, config, store, broker, clock, log });
  }

  async #openHttp(
    db: HubDb,
    parts: Parts & Pick<SelfCare, "probe" | "heartbeat">,
    { pki }: HubIdentity,
  ) {
    const { clock, log, webDir } = this.#deps;
    const { http, tokens, site, mqtt } = this.#config;
    const { ingest, live, answers } = parts;
    const counted: HttpSources["ingest"] = {
      storeLagMs: () => Math.max(ingest.storeLagMs(), figuresOfWorkers(live).storeLagMs),
      storeError: () => ingest.storeError() ?? figuresOfWorkers(live).storeError,
      totals: () => {
        const { refused, stored, quarantined, dropped } = ingest.totals();
        return {
          stored: stored + figuresOfWorkers(live).stored,
          refused: refused + (this.#broker?.refused ?? 0),
          quarantined,
          dropped,
        };
      },
    };
    const pointMetrics = this.#config.metrics?.points ?? false;
    const alarms = parts.alarmCare.problems.labelling(parts.incidents.labelling(parts.alarms));
    const sources = { ...parts, alarms, ingest: counted, site, clock, pointMetrics };
    const mqttAt = () => mqttPlace(mqtt, this.#broker?.port);
    const safe = { tls: pki?.http, ...(pki && { enrol: { pki, mqttAt } }) };
    const asked = { sources, answers };
    const service = await startHttp({ ...http, ...safe, ...asked, tokens, db, webDir, log });
    this.#closers.add("http", () => service.close());
    return service;
  }

  async #openBroker(
    { ingest, live }: Parts,
    { guests }: Outside,
    identity: HubIdentity,
  ): Promise<Broker> {
    const { host, port, external } = this.#config.mqtt;
    const { clock, log, lead } = this.#deps;
    const heard: Pick<BrokerDeps, "onMessage" | "onNodeGone"> = {
      onMessage: (node, lane, payload) => ingest.onMessage(node, lane, payload),
      onNodeGone: (node) => live.gone(node),
    };
    const known = { isKnown: (node: string) => live.node(node) !== undefined };
    const strict = identity.brokerDeps((node, command) =>
      this.#send(nodeTopic(node, "cmd"), JSON.stringify(command), { retain: false, qos: 1 }),
    );
    const broker = external
      ? connectHub({ ...heard, ...strict, target: external, takesData: !lead, clock, log })
      : await startBroker({ ...heard, ...strict, ...known, host, port, log, clock, guests });
    if ("recheck" in broker) {
      this.#recheck = () => broker.recheck();
      this.#holdOff = (node) => broker.holdOff(node);
    }
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
    this.#send(topic, JSON.stringify(message), { retain: true, qos: 1 });
  }

  #send(topic: string, payload: string, options: { retain: boolean; qos: 0 | 1 }): void {
    this.#broker?.publish(topic, payload, options);
  }
}
