/** `npm run faults [-- --seed 42 --minutes 30 --store influx|sqlite --broker embedded|mosquitto]`: builds, then breaks things. */
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const top = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const built = spawnSync(process.execPath, ["deploy/build.mjs"], {
  cwd: top,
  stdio: ["ignore", 2, "inherit"],
});
if (built.status !== 0) process.exit(built.status ?? 1);
const child = spawn(process.execPath, ["dist/test/faults/main.js", ...process.argv.slice(2)], {
  cwd: top,
  stdio: ["ignore", "inherit", "inherit"],
});
// A terminal sends Ctrl-C to both; whoever ends only this program means the other, too.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.once("exit", (code) => process.exit(code ?? 1));
