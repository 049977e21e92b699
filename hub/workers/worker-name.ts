import type { HubConfig } from "../config/hub-config.ts";

/** Long names would not leave room for `worker-` and the points of a worker. */
const NAME = /^[a-z0-9][a-z0-9-]{0,15}$/;

/** Why there cannot be a worker of this name for this site, in plain words; undefined when there can. */
export function whyNotWorker(
  { mqtt, storage }: HubConfig,
  worker: string | undefined,
): string | undefined {
  if (worker === undefined) return undefined;
  if (!NAME.test(worker))
    return `--worker ${JSON.stringify(worker)}: allowed are 1–16 characters of a–z 0–9 -, such as w1`;
  if (!mqtt.external)
    return "--worker needs a broker that all workers connect to: mqtt.external in site.yaml";
  if (!storage.influx)
    return (
      "--worker needs storage.influx in site.yaml: the embedded history is one file that only one " +
      "process may write"
    );
  return undefined;
}
