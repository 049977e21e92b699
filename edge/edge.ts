import { setMaxListeners } from "node:events";
import type { Logger } from "pino";
import type { Clock } from "../contract/clock.ts";
import type { Birth } from "../contract/message.ts";
import { busLoops, machinePorts, type Ports } from "./buses.ts";
import { type ClockEvidence, ClockWatch, machineEvidence } from "./clock-watch.ts";
import { type Catalogue, ownCatalogue } from "./config/catalogue.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import { createDoorLog } from "./doors/door-log.ts";
import { createHealthWatch, type HealthWatch } from "./health.ts";
import type { BusLoop } from "./poll/loop.ts";
import { type Boot, createReadings, type Readings } from "./readings.ts";
import { openSpool } from "./spool/open.ts";
import type { Spool } from "./spool/spool.ts";
import { LOW_DISK_BYTES } from "./spool/sqlite-spool.ts";
import { type Dial, dialMqtt } from "./uplink/link.ts";
import { createUplink, type Uplink } from "./uplink/uplink.ts";
import { VERSION } from "./version.ts";

/** How long a stop waits for the bus loops; one in the middle of a hung transfer is left behind. */
const STOP_MS = 5_000;

export interface EdgeDeps {
  clock: Clock;
  log: Logger;
  boot: Boot;
  /** Defaults: this machine's buses, clock services and network. */
  ports?: Ports;
  evidence?: () => Promise<ClockEvidence>;
  dial?: Dial;
  random?: () => number;
  catalogue?: Catalogue;
}

export interface Edge {
  readonly epoch: string;
  readonly spool: Pick<Spool, "floor" | "last" | "backlog">;
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
  const fatal = (error: unknown) => {
    end.fail(error);
    work.abort();
    talk.abort();
  };
  const parts = await build(config, deps, fatal);
  const { spool, readings, loops, health, uplink, clockWatch } = parts;
  const detail = `plenum-edge ${VERSION}, boot ${boot.id}`;
  readings.event({ type: "node", what: "started", at: clock.nowMs(), detail });

  const working = Promise.all([
    ...loops.map((loop) => loop.run(work.signal)),
    keepSpool({ ...parts, config, clock, log }, work.signal),
    health.run(work.signal),
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
}

/** Makes every part and connects them; nothing runs yet. */
async function build(
  config: EdgeConfig,
  deps: EdgeDeps,
  fatal: (error: unknown) => void,
): Promise<Parts> {
  const { clock, log, boot } = deps;
  const taken = { monoMs: clock.monoMs() + boot.baseMs, synced: false };
  const spool = openSpool({ ...config.spool, bootId: boot.id, clock, log, taken });
  const evidence = deps.evidence ?? machineEvidence(clock);
  const clockWatch = new ClockWatch({ clock, boot, spool, evidence, log });
  await clockWatch.look();
  const clockState = clockWatch.state;
  const { points } = config;
  const readings = createReadings({ points, spool, clock, clockState, boot, log, fatal });
  const loops = busLoops({
    config,
    catalogue: deps.catalogue ?? ownCatalogue(),
    ports: deps.ports ?? machinePorts(clock),
    sink: readings.sink,
    urgentSink: readings.urgent,
    doors: createDoorLog({ spool, readings }),
    clock,
    log,
  });
  const health = createHealthWatch({ loops, spoolPath: config.spool.path, clock });
  await health.look();
  const uplink = createUplink({
    node: config.node,
    url: config.hubUrl,
    dial: deps.dial ?? dialMqtt,
    spool,
    newest: readings.newest,
    birth: () => birthOf(config, boot, spool, clock),
    clockState,
    health: health.numbers,
    clock,
    random: deps.random ?? Math.random,
    log,
  });
  readings.onReading((reading, urgent) => uplink.live(reading, urgent));
  readings.onEvent(() => uplink.rows());
  return { spool, clockWatch, readings, loops, health, uplink };
}

type Keeper = Pick<Parts, "spool" | "readings" | "health" | "uplink"> & {
  config: EdgeConfig;
  clock: Clock;
  log: Logger;
};

/** Commits every window, makes room where needed, and hands the rows over. */
async function keepSpool(keeper: Keeper, signal: AbortSignal): Promise<void> {
  const { config, spool, readings, health, uplink, clock, log } = keeper;
  let low = false;
  while (!signal.aborted) {
    await clock.sleep(config.spool.commitEveryMs, signal);
    spool.commit();
    const freeBytes = health.freeBytes();
    spool.trim({ now: clock.nowMs(), taken: readings.taken(), freeBytes });
    uplink.rows();
    if (freeBytes < LOW_DISK_BYTES === low) continue;
    low = !low;
    if (!low) continue;
    const detail = `${Math.round(freeBytes / 1_048_576)} MB free on the spool's disk`;
    log.warn({ freeBytes }, "disk low");
    readings.event({ type: "node", what: "disk-low", at: clock.nowMs(), detail });
  }
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
    points: config.points,
    doors: config.doorInfos,
  };
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
