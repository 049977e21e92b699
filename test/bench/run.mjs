/** `npm run bench [-- name… --long]`: builds, then runs the benches one after another; each prints JSON lines. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const top = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const words = process.argv.slice(2);
const chosen = words.filter((word) => !word.startsWith("--"));
const usual = ["ingest", "node-red", "edge", "modbus-cost", "rtu-line", "alarms"];
const names = chosen.length > 0 ? chosen : usual;
if (words.includes("--long")) process.env.BENCH_LONG = "1";
for (const file of ["deploy/build.mjs", ...names.map((name) => `dist/test/bench/${name}.js`)]) {
  const output = file.startsWith("deploy") ? 2 : "inherit";
  const { status } = spawnSync(process.execPath, [file], {
    cwd: top,
    stdio: ["ignore", output, "inherit"],
  });
  if (status !== 0) process.exit(status ?? 1);
}
