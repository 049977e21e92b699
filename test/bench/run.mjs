/** `npm run bench [name…]`: builds, then runs the benches one after another; each prints JSON lines. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const top = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const names = process.argv.length > 2 ? process.argv.slice(2) : ["ingest", "edge", "rtu-line"];
for (const file of ["deploy/build.mjs", ...names.map((name) => `dist/test/bench/${name}.js`)]) {
  const output = file.startsWith("deploy") ? 2 : "inherit";
  const { status } = spawnSync(process.execPath, [file], {
    cwd: top,
    stdio: ["ignore", output, "inherit"],
  });
  if (status !== 0) process.exit(status ?? 1);
}
