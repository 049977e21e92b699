import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { systemClock } from "../contract/clock.ts";
import { readBoot } from "./boot.ts";
import type { Catalogue } from "./config/catalogue.ts";
import { ownCatalogue } from "./config/catalogue.ts";
import { readConfig } from "./config-file.ts";
import { startEdge } from "./edge.ts";
import { takeServiceEnv } from "./service-env.ts";

/** Runs the node that this file describes until it is told to stop, and ends the program. */
export async function runNode(
  file: string | undefined,
  catalogue: Catalogue = ownCatalogue(),
): Promise<never> {
  const config = readConfig(file, catalogue);
  // Synchronous, so that the last lines before a crash are there.
  const log = pino({ base: { node: config.node } }, pino.destination({ sync: true }));
  const end = (error: unknown) => {
    log.fatal(error);
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
  // systemd names a folder in memory that outlives a restart of the service.
  const folder = process.env.RUNTIME_DIRECTORY?.split(":")[0] ?? tmpdir();
  const troubleFile = path.join(folder, `plenum-edge-${config.node}.restarts`);
  const env = takeServiceEnv(process.env);
  const deps = { clock: systemClock, log, boot: readBoot(), troubleFile, catalogue, env };
  const edge = await startEdge(config, deps);
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => {
      log.info({ signal }, "stopping");
      edge.stop().catch(end);
    });
  await edge.done.catch(end);
  process.exit(0);
}
