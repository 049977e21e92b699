/**
 * `npm start`: on a fresh clone with only Node and npm, installs, builds and starts the demonstration:
 * the simulated room, two edge nodes and the hub, on loopback only.
 * Plain JavaScript, because it runs before anything is installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const top = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 20) {
  console.error(`Plenum needs Node 20 or newer; this is ${process.version}.`);
  process.exit(1);
}

await install();
step("Building");
if (spawnSync(process.execPath, ["deploy/build.mjs"], { cwd: top, stdio: "inherit" }).status !== 0)
  process.exit(1);
step("Starting the room, two edge nodes and the hub");
const { runDemo } = await import("../dist/test/system/demo.js");
await runDemo();

/** Installs the packages of package-lock.json unless they are there, saying how far it is. */
async function install() {
  const installed = path.join(top, "node_modules", ".package-lock.json");
  const lock = path.join(top, "package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  const total = Object.keys(JSON.parse(readFileSync(lock, "utf8")).packages).length;
  step(`Installing ${total} packages (once; one to three minutes)`);
  const began = Date.now();
  const npm = spawn("npm", ["ci", "--no-audit", "--no-fund", "--loglevel", "error"], {
    cwd: top,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - began) / 1_000);
    console.log(`  installing packages and compiling native ones, ${seconds} s so far`);
  }, 10_000);
  const code = await new Promise((resolve) => npm.once("exit", resolve));
  clearInterval(timer);
  if (code === 0) return;
  console.error(
    "npm could not install the packages; its own message stands above.\n" +
      "If it is about a missing compiler: sudo apt-get install g++ make python3",
  );
  process.exit(1);
}

function step(text) {
  console.log(`\n${text}`);
}
