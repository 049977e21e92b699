/**
 * Builds everything into dist/: TypeScript of all workspaces, the files beside it that are not code,
 * and the web pages. Plain JavaScript, because it runs before anything is compiled.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const top = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function run(what, file, ...args) {
  process.stdout.write(`  ${what}\n`);
  const { status } = spawnSync(process.execPath, [file, ...args], { cwd: top, stdio: "inherit" });
  if (status !== 0) {
    process.stderr.write(`Build stopped: ${what} failed.\n`);
    process.exit(status ?? 1);
  }
}

run("Compiling TypeScript", "node_modules/typescript/bin/tsc", "-b");
const profiles = path.join("edge", "profiles");
mkdirSync(path.join(top, "dist", profiles), { recursive: true });
for (const name of readdirSync(path.join(top, profiles)).filter((file) => file.endsWith(".yaml")))
  cpSync(path.join(top, profiles, name), path.join(top, "dist", profiles, name));
run(
  "Bundling the web pages",
  "node_modules/vite/bin/vite.js",
  "build",
  "--logLevel",
  "warn",
  "dashboard",
);
