import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { systemClock } from "../contract/clock.ts";
import { runCli } from "./cli.ts";
import type { HubConfig } from "./config/hub-config.ts";
import { startHub } from "./hub.ts";
import { IdentityError } from "./identity/key-files.ts";
import { HubDbError } from "./state/hub-db.ts";
import { startWorker } from "./workers/worker.ts";

/** The built pages lie beside the compiled hub. */
const WEB_DIR = fileURLToPath(new URL("../web", import.meta.url));

const code = await runCli(process.argv.slice(2), {
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  run: runHub,
});
process.exit(code);

/** Runs until SIGTERM or SIGINT (exit code 0), or until a part dies (1). */
async function runHub(config: HubConfig, worker?: string): Promise<number> {
  const told = new Promise<"told">((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => resolve("told"));
  });
  // Synchronous, so that the last lines before a crash are not lost.
  const log = pino({ timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ sync: true }));
  const web = existsSync(WEB_DIR) ? { webDir: WEB_DIR } : {};
  try {
    const deps = { clock: systemClock, log, ...web };
    const hub = await (worker ? startWorker(config, deps, worker) : startHub(config, deps));
    const end = await Promise.race([told, hub.died]);
    await hub.stop();
    return end === "told" ? 0 : 1;
  } catch (error) {
    const text = startFailure(error);
    if (text === undefined) throw error;
    console.error(text);
    return 1;
  }
}

/** In plain words why the hub cannot start; undefined for a fault of ours. */
function startFailure(error: unknown): string | undefined {
  if (error instanceof HubDbError || error instanceof IdentityError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "SQLITE_BUSY")
    return "hub.db is held by another process that does not let go. Is a hub or worker hanging? End it.";
  if (code === "EADDRINUSE")
    return `${message}. Another program has this port; stop it, or choose another in site.yaml.`;
  if (code === "EACCES" || code === "EADDRNOTAVAIL" || code === "EROFS" || code === "ENOSPC")
    return message;
  return undefined;
}
