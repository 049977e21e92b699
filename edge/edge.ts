import { setMaxListeners } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../contract/clock.ts";
import type { Birth } from "../contract/message.ts";
import { busLoops, machinePorts, outputLoops, type Ports, sharedBuses } from "./buses.ts";
import { type ClockEvidence, machineEvidence } from "./clock-evidence.ts";
import { ClockWatch } from "./clock-watch.ts";
import { type Catalogue, ownCatalogue } from "./config/catalogue.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import { createDoorLog } from "./doors/door-log.ts";
import { KnownPoints } from "./health/known-points.ts";
import { withBuses } from "./health/metered-points.ts";
import { healthLoop, healthPoints, nodeGauges } from "./health/node-health.ts";
import { createSelfWatch, type SelfWatch } from "./health/self-watch.ts";
import { createHealthWatch, type HealthWatch } from "./health.ts";
import { IdentityKeeper } from "./identity/keeper.ts";
import { IdentityStore } from "./identity/store.ts";
import { HubSignals } from "./local/hub-signals.ts";
import { createLocalAlarms, type LocalAlarms } from "./local/local-alarms.ts";
import { createSignals, type Signals, signalsOf } from "./local/signals.ts";
import type { BusLoop } from "./poll/loop.ts";
import { type Boot, createReadings, type Readings } from "./readings.ts";
import { createDiskTrouble } from "./spool/disk-trouble.ts";
import type { Spool } from "./spool/spool.ts";
import { openStore } from "./spool/store.ts";
import { freeBytesOf, keepSpool } from "./spool-keeper.ts";
import { type Dial, dialMqtt } from "./uplink/link.ts";
import { createUplink, type Uplink } from "./uplink/uplink.ts";
import { VERSION } from "./version.ts";

/** How long a stop waits for the bus loops; one in the middle of a hung transfer is left behind. */
const STOP_MS = 5_000;

export interface EdgeDeps {
  clock: Clock;
  log: Logger;
  boot: Boot;
  /** Where restarts by a refusing disk are counted: on a file system in memory. */
  troubleFile?: string;
  /** Defaults: this machine's buses, clock services and network. */
  ports?: Ports;
  evidence?: () => Promise<ClockEvidence>;
  dial?: Dial;
  random?: () => number;
  catalogue?: Catalogue;
  /** Where the service manager says how to reach it; the program's own environment when absent. */
  env?: Readonly<Record<string, string | undefined>>;
}

export interface Edge {
  readonly epoch: string;
  readonly spool: Pick<Spool, "floor" | "last" | "backlog">;
  /** False while rows are kept in memory only, because the disk refused too often. */
  readonly durable: boolean;
  connected(): boolean;
  /** Resolves after `stop`; rejects when the program must be started again, because the disk refuses or we are wrong. */
  readonly done: Promise<void>;
  /** Stops reading, commits what is pending, says farewell to the hub. May be called twice. */
  stop(): Promise<void>;
}

/** Starts a whole edge node. Throws when the spool cannot be opened; every other trouble is data. */
export async function startEdge(config: EdgeConfig, deps: EdgeDeps): Promise<Edge> {
  const { clock, log, boot } = deps;
  const work = new AbortController();
  // Every bus listens for the stop; that is no leak.
  setMaxListeners(0, work.signal);
  const talk = new AbortController();
  const end = openEnd();
  const trouble = troubleOf(config, deps);
  const fatal = (error: unknown) => {
    trouble.note(error);
    end.fail(error);
    work.abort();
    talk.abort();
  };
  const memoryOnly = trouble.memoryOnly();
  const parts = await build({ config, deps, fatal, memoryOnly }).catch((error: unknown) => {
    trouble.note(error);
    throw error;
  });
  const { spool, readings, loops, health, uplink, clockWatch, alarms, signals, selfWatch } = parts;
  const { identity } = parts;
  const detail = `plenum-edge ${VERSION}, boot ${boot.id}`;
  readings.event({ type: "node", what: "started", at: clock.nowMs(), detail });

  const freeBytes = freeBytesOf(memoryOnly ? null : config.spool.path);
  const working = Promise.all([
    ...loops.map((loop) => loop.run(work.signal)),
    keepSpool(
      { ...parts, ...config.spool, freeBytes, onRows: uplink.rows, clock, log },
      work.signal,
    ),
    alarms.run(work.signal),
    signals.run(work.signal),
    health.run(work.signal),
    selfWatch.run(work.signal),
    identity?.run(work.signal),
    clockWatch.run(work.signal, readings.event),
  ]);
  const talking = uplink.run(talk.signal);
  working.catch(fatal);
  talking.catch(fatal);
  log.info({ points: config.points.length, epoch: spool.epoch }, "edge started");

  const stopping = once(async () => {
    work.abort();
    await withinMs(working, STOP_MS, clock);
    spool.commit();
    talk.abort();
    await talking;
    spool.close();
    log.info("edge stopped");
  });
  return {
    epoch: spool.epoch,
    spool,
    durable: !memoryOnly,
    connected: () => uplink.connected(),
    done: end.promise,
    stop: () => stopping().then(end.finish),
  };
}

interface Parts {
  spool: Spool;
  clockWatch: ClockWatch;
  readings: Readings;
  loops: BusLoop[];
  health: HealthWatch;
  uplink: Uplink;
  alarms: LocalAlarms;
  signals: Signals;
  selfWatch: SelfWatch;
  /** Only where the hub is reached by TLS. */
  identity: IdentityKeeper | undefined;
}

interface Plan {
  config: EdgeConfig;
  deps: EdgeDeps;
  fatal: (error: unknown) => void;
  memoryOnly: boolean;
}

/** Makes every part and connects them; nothing runs yet. */
async function build({ config, deps, fatal, memoryOnly }: Plan): Promise<Parts> {
  const { clock, log, boot } = deps;
  const taken = { monoMs: clock.monoMs() + boot.baseMs, synced: false };
  const store = { ...config.spool, bootId: boot.id, clock, log, taken, memoryOnly };
  const { spool, durable } = openStore(store);
  const evidence = deps.evidence ?? machineEvidence(clock);
  const clockWatch = new ClockWatch({ clock, boot, spool, evidence, log });
  await clockWatch.look();
  const clockState = clockWatch.state;
  const spoolPath = durable ? config.spool.path : null;
  const gauges = await nodeGauges({
    config,
    spoolPath,
    backlog: () => spool.backlog,
    busHealth: (bus) => loops.find((loop) => loop.bus === bus)?.health(),
    synced: () => clockState() === "synced",
    monoMs: () => clock.monoMs(),
  });
  const ownPoints = healthPoints(config.node, gauges);
  const points = [...config.points, ...ownPoints];
  const { truth } = config;
  const readings = createReadings({ points, truth, spool, clock, clockState, boot, log, fatal });
  const selfWatch = createSelfWatch({
    ...{ config, spool, clock, log },
    connected: () => uplink.connected(),
    env: deps.env ?? process.env,
  });
  const buses = {
    config,
    catalogue: deps.catalogue ?? ownCatalogue(),
    ports: deps.ports ?? machinePorts(clock, log),
    sink: selfWatch.through(readings.sink),
    urgentSink: selfWatch.through(readings.urgent),
    doors: createDoorLog({ spool, readings }),
    memory: spool,
    clock,
    log,
  };
  const shared = sharedBuses(buses);
  const outputs = outputLoops(buses, shared);
  const { sink } = readings;
  const announce = () => uplink.announce();
  const known = new KnownPoints({ points: ownPoints, memory: spool, announce });
  const driven = signalsOf(config.outputs, outputs);
  const own = healthLoop({ node: config.node, gauges, known, clock, sink, log });
  const loops = [...busLoops(buses, shared), ...outputs, own];
  const { event } = readings;
  const alarms = createLocalAlarms({
    ...{ rules: config.alarms, points, spool, event, clock, clockState, log, fatal },
  });
  const health = createHealthWatch({ loops, spoolPath, clock });
  await health.look();
  const identity = config.hubUrl.startsWith("mqtts:")
    ? new IdentityKeeper({
        node: config.node,
        store: new IdentityStore(config.identityFolder),
        ask: (request) => uplink.renew(request),
        renewed: () => uplink.reconnect(),
        clock,
        log,
      })
    : undefined;
  const uplink: Uplink = createUplink({
    credentials: identity?.credentials,
    onCertificate: (answer) => identity?.take(answer),
    signals: new HubSignals(driven, log),
    node: config.node,
    url: config.hubUrl,
    dial: deps.dial ?? dialMqtt,
    spool,
    newest: readings.newest,
    birth: () =>
      birthOf({ ...config, points: [...config.points, ...known.infos()] }, boot, spool, clock),
    clockState,
    health: () => ({
      ...health.numbers(),
      "sensor-spikes": readings.spikes(),
      ...(identity && { "certificate-days": Math.floor(identity.daysLeft()) }),
    }),
    get durable() {
      return durable && spool.keeping;
    },
    alarms,
    clock,
    random: deps.random ?? Math.random,
    log,
  });
  readings.onReading((reading, urgent) => uplink.live(reading, urgent));
  readings.onEvent(() => uplink.rows());
  readings.onMeasured(alarms.judge);
  alarms.onChange(() => uplink.status());
  const signals = createSignals({
    alarms,
    signals: driven,
    connected: uplink.connected,
    clock,
  });
  const watches = { clockWatch, health, selfWatch };
  return { ...watches, spool, readings, loops, uplink, alarms, signals, identity };
}

function birthOf(config: EdgeConfig, boot: Boot, spool: Spool, clock: Clock): Birth {
  return {
    v: 1,
    node: config.node,
    label: config.label,
    software: `plenum-edge ${VERSION}`,
    bootId: boot.id,
    epoch: spool.epoch,
    at: clock.nowMs(),
    points: withBuses(config),
    doors: config.doorInfos,
    ...(config.alarms.length > 0 && {
      rules: config.alarms.map(({ id, priority, title, points }) => ({
        ...{ id, priority, points },
        ...(title === undefined ? {} : { title }),
      })),
    }),
  };
}

function troubleOf({ node }: EdgeConfig, { clock, boot, log, troubleFile }: EdgeDeps) {
  const file = troubleFile ?? path.join(tmpdir(), `plenum-edge-${node}.restarts`);
  const upMs = () => clock.monoMs() + boot.baseMs;
  return createDiskTrouble({ file, bootId: boot.id, upMs, log });
}

/** A promise that is settled from outside. */
function openEnd() {
  let finish = () => {};
  let fail = (_error: unknown) => {};
  const promise = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  return { promise, finish, fail };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

async function withinMs(work: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work, clock.sleep(ms, patience.signal)]);
  patience.abort();
}
