/**
 * `npm run test:pi`: the shipped edge program, unmodified, on a real Linux kernel with the buses of
 * a Raspberry Pi and no hardware. The first run builds that kernel (some 5 minutes).
 *
 *   node test/pi/run.mjs [--built] [scenario …]
 *
 * `--built` takes dist/ as it is. Needs x86-64 Debian; PLENUM_PI_CACHE is where the kernel is kept.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bootGuest, GUEST_PROGRAMS } from "./guest.mjs";
import { readyKernel } from "./kernel.mjs";
import { needPrograms } from "./programs.mjs";

const top = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** What the scenario `hours` plays; six take some two minutes. */
const HOURS = Number(process.env.PLENUM_PI_HOURS ?? 6);

/** Each runs dist/test/pi/scenarios/<name>.js in one guest or several. */
const SCENARIOS = {
  sensors: (boot) => boot({ clock: "virtual", i2cBuses: [1, 3] }),
  contacts: async (boot) => {
    await boot({ clock: "virtual", gpio: "pi-4" });
    await boot({ clock: "virtual", gpio: "pi-5" });
  },
  "one-wire": (boot) => boot({ clock: "virtual" }),
  mux: (boot) => boot({ clock: "virtual" }),
  hours: (boot) =>
    boot({
      clock: "virtual",
      gpio: "pi-4",
      limitMs: HOURS * 600_000,
      env: { PLENUM_PI_HOURS: HOURS },
    }),
  "power-cut": cutPower,
};

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
const began = Date.now();
let passed = 0;
let failed = 0;
try {
  const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
  const unknown = names.filter((name) => !(name in SCENARIOS));
  if (unknown.length > 0)
    throw new Error(
      `No scenario ${unknown.join(", ")}; there are ${Object.keys(SCENARIOS).join(", ")}.`,
    );
  if (os.arch() !== "x64" || os.platform() !== "linux")
    throw new Error(`User Mode Linux needs x86-64 Linux; this is ${os.arch()} ${os.platform()}.`);
  heading("Making ready");
  needPrograms(GUEST_PROGRAMS);
  const kernel = await readyKernel();
  if (!process.argv.includes("--built")) build();
  for (const name of names.length > 0 ? names : Object.keys(SCENARIOS)) await play(kernel, name);
} catch (error) {
  failed += 1;
  console.error(`\n${error.message}`);
}
console.log(`\n${Math.round((Date.now() - began) / 1_000)} s\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function build() {
  heading("Building");
  const { status } = spawnSync(process.execPath, ["deploy/build.mjs"], {
    cwd: top,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("Building failed.");
}

async function play(kernel, name) {
  const boot = (options = {}) => bootScenario(kernel, name, options);
  await SCENARIOS[name](boot);
}

/**
 * Runs one scenario in one guest, printing and counting what it proves. Returns the other lines it
 * printed; after `cutAfterLines` of those the power is cut.
 */
async function bootScenario(kernel, name, { args = [], label, cutAfterLines, ...options }) {
  heading([name, label ?? options.gpio].filter(Boolean).join(", "));
  const began = Date.now();
  const failedBefore = failed;
  const said = [];
  const script = path.join(top, "dist", "test", "pi", "scenarios", `${name}.js`);
  const guest = bootGuest(kernel, {
    ...options,
    command: [process.execPath, script, ...args],
    folder: top,
    onLine: (line) => {
      if (/^(pass|FAIL) /.test(line)) console.log(`  ${line}`);
      if (line.startsWith("pass ")) passed += 1;
      else if (line.startsWith("FAIL ")) failed += 1;
      else if (said.push(line) === cutAfterLines) guest.kill();
    },
  });
  const { code, errors } = await guest.done;
  const cut = cutAfterLines !== undefined && said.length >= cutAfterLines;
  if (code !== 0 && !cut) {
    // A proof that failed makes the code 1, and is counted already.
    if (failed === failedBefore) failed += 1;
    console.log(
      `  FAIL the guest ended with code ${code}\n${errors}\n${said.slice(-40).join("\n")}`,
    );
  }
  console.log(`  ${((Date.now() - began) / 1_000).toFixed(1)} s${cut ? ", power cut" : ""}`);
  return said;
}

/** Cuts the power of a node three times while no hub acknowledges, then lets it deliver. */
async function cutPower(boot) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "plenum-pi-disk-"));
  try {
    const disk = { image: path.join(folder, "disk"), folder: "/var/lib/plenum-edge" };
    needPrograms([["mkfs.ext4", "e2fsprogs"]]);
    writeFileSync(disk.image, "");
    truncateSync(disk.image, 2 ** 30);
    const { status } = spawnSync("mkfs.ext4", ["-q", disk.image], { stdio: "inherit" });
    if (status !== 0) throw new Error("mkfs.ext4 failed.");
    const seen = [];
    for (const cutAfterLines of [15, 40, 90])
      seen.push(...(await boot({ disk, args: ["fill"], label: "fill", cutAfterLines })));
    const list = path.join(folder, "seen");
    writeFileSync(list, seen.join("\n"));
    await boot({ disk, args: ["deliver", list], label: "deliver" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function heading(text) {
  console.log(`\n== ${text}`);
}
