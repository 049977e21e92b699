import { mkdirSync } from "node:fs";
import path from "node:path";
import { Closers } from "../closers.ts";
import type { HubConfig } from "../config/hub-config.ts";
import { openInfluxHistory } from "../history/influx-history.ts";
import { type Hub, type HubDeps, startHub } from "../hub.ts";
import { openHubDb } from "../state/hub-db.ts";
import { DataWorker } from "./data-worker.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { endProcess, hasEnded, type ProcessName, processName } from "./process-end.ts";
import { shareHubDb } from "./shared-db.ts";
import { openSqliteLeases } from "./sqlite-leases.ts";
import { whyNotWorker } from "./worker-name.ts";

/**
 * One of several processes that share a site on one machine. Each stores the data of its partitions; the
 * one that holds the lead is also the hub as everybody knows it: alarms, notifications, HTTP.
 */
export async function startWorker(config: HubConfig, deps: HubDeps, worker: string): Promise<Hub> {
  const closers = new Closers(deps.log);
  try {
    return await start(config, { ...deps, log: deps.log.child({ worker }) }, { worker, closers });
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function start(
  config: HubConfig,
  deps: HubDeps,
  { worker, closers }: { worker: string; closers: Closers },
): Promise<Hub> {
  const { clock, log } = deps;
  const { external } = config.mqtt;
  const { influx, path: folder } = config.storage;
  if (!external || !influx) throw new RangeError(whyNotWorker(config, worker));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const leases = openSqliteLeases(path.join(folder, "leases.db"));
  closers.add("leases", () => leases.close());
  const db = openHubDb(path.join(folder, "hub.db"));
  closers.add("worker's hub.db", () => {
    db.close();
  });
  const store = openInfluxHistory({ ...influx, log, clock });
  closers.add("worker's history", () => store.close());
  const data = new DataWorker({ worker, target: external, db, store, clock, log, closers });
  shareHubDb(db);

  let die: (error: Error) => void = () => {};
  const died = new Promise<Error>((resolve) => {
    die = resolve;
  });
  const fail = (error: unknown) => die(error instanceof Error ? error : new Error(String(error)));
  const loop = (name: string, run: (signal: AbortSignal) => Promise<unknown>) => {
    const stop = new AbortController();
    const running = run(stop.signal).catch((error: unknown) => {
      log.fatal({ err: error, part: name }, "part died");
      fail(error);
    });
    closers.add(name, async () => {
      stop.abort();
      await running;
    });
  };
  let hub: Hub | undefined;
  let starting: Promise<void> = Promise.resolve();
  closers.add("hub", async () => {
    await starting;
    await hub?.stop();
  });
  const lead = async (token: number) => {
    log.info({ token }, "this worker leads now");
    try {
      hub = await startHub(config, { ...deps, log, lead: { token } });
      hub.died.then(fail);
    } catch (error) {
      log.fatal({ err: error }, "the hub does not start");
      fail(error);
    }
  };
  const keeper = new LeaseKeeper({
    ...{ leases, worker, clock, log },
    owner: JSON.stringify(processName()),
    hasEnded: (owner) => hasEnded(JSON.parse(owner) as ProcessName),
    endOwner: (owner) => {
      const target = JSON.parse(owner) as ProcessName;
      const ended = endProcess(target);
      const what = { pid: target.pid, ended };
      log.warn(what, "a worker let its leases run out; its share is taken over");
    },
    onPartitions: (partitions) => data.hold(partitions),
    onLead: (token) => {
      starting = lead(token);
    },
  });
  data.unfit.catch((error: Error) => {
    log.fatal({ error: error.message }, "the broker is not fit for workers");
    fail(error);
  });
  loop("data worker", (signal) => data.run(signal));
  loop("leases", (signal) => keeper.run(signal));
  return {
    get httpPort() {
      return hub?.httpPort ?? 0;
    },
    get mqttPort() {
      return hub?.mqttPort ?? 0;
    },
    died,
    stop: () => closers.closeAll(),
  };
}
