/**
 * What `npm run test:pi` runs: each job is one scenario in one guest or several, or a program on this
 * machine. Jobs do not touch one another, so some run side by side.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bootGuest } from "./guest.mjs";

const top = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const scripts = path.join(top, "dist", "test", "pi");

/** Hours that `hours` plays in the guest; each takes a minute. */
const HOURS = Number(process.env.PLENUM_PI_HOURS ?? 2);
/** Only against a hang: a guest's own deadlines are on its own clock, which a slow machine slows too. */
const HANG_MS = 900_000;
const SOAK_HANG_MS = 3_600_000;

/** The longest first, so that none is left running alone at the end. */
export const JOBS = [
  { name: "soak", play: soak },
  {
    name: "hours",
    label: `${HOURS} h`,
    play: guest({
      ...{ clock: "virtual", gpio: "pi-4", env: { PLENUM_PI_HOURS: HOURS } },
      limitMs: HANG_MS + HOURS * 600_000,
    }),
  },
  { name: "power-cut", play: cutPower },
  { name: "outputs", label: "sysfs", play: guest({ clock: "virtual", gpio: "pi-4" }) },
  {
    name: "outputs",
    label: "gpiomon",
    play: guest({ clock: "virtual", gpio: "pi-4", args: ["gpiomon"] }),
  },
  { name: "modbus", play: guest({ clock: "virtual" }) },
  { name: "one-wire", play: guest({ clock: "virtual" }) },
  { name: "sensors", play: guest({ clock: "virtual", i2cBuses: [1, 3] }) },
  { name: "clock", play: guest({ clock: "virtual" }) },
  { name: "contacts", label: "Pi 4", play: guest({ clock: "virtual", gpio: "pi-4" }) },
  { name: "contacts", label: "Pi 5", play: guest({ clock: "virtual", gpio: "pi-5" }) },
  {
    name: "contacts",
    label: "Pi 5 without sysfs GPIO",
    play: guest({ clock: "virtual", gpio: "pi-5", args: ["gpiomon"] }),
  },
  { name: "mux", play: guest({ clock: "virtual" }) },
];

/** Programs that jobs need on this machine, or in the guest, which has the same files. */
export const JOB_PROGRAMS = [
  ["mkfs.ext4", "e2fsprogs"],
  ["gpiomon", "gpiod"],
  ["setpriv", "util-linux"],
  ["script", "bsdutils"],
];

/** What one job has found. */
class Report {
  passed = 0;
  failed = 0;

  constructor(say) {
    this.say = (text) => say(`  ${text}`);
  }

  /** A line that a scenario printed; false when it is neither of the two it prints for us. */
  hear(line) {
    if (line.startsWith("pass ")) this.passed += 1;
    else if (line.startsWith("FAIL ")) this.failed += 1;
    else return false;
    this.say(line);
    return true;
  }

  fail(text) {
    this.failed += 1;
    this.say(`FAIL ${text}`);
  }
}

/** Runs one job to its end. Never throws: what goes wrong is said and counted. */
export async function runJob(job, kernel, say) {
  const report = new Report(say);
  try {
    await job.play({ kernel, name: job.name, report });
  } catch (error) {
    report.fail(error.stack);
  }
  return report;
}

/** A job that is one guest. */
function guest(options) {
  return (context) => boot(context, options);
}

/**
 * Runs a scenario in one guest. Returns the lines it printed that prove nothing; after `cutAfterLines`
 * of those the power is cut.
 */
async function boot({ kernel, name, report }, { args = [], cutAfterLines, ...options }) {
  const began = Date.now();
  const failedBefore = report.failed;
  const said = [];
  const booted = bootGuest(kernel, {
    limitMs: HANG_MS,
    ...options,
    command: [process.execPath, path.join(scripts, "scenarios", `${name}.js`), ...args],
    folder: top,
    onLine: (line) => {
      if (!report.hear(line) && said.push(line) === cutAfterLines) booted.kill();
    },
  });
  const { code, errors } = await booted.done;
  const cut = cutAfterLines !== undefined && said.length >= cutAfterLines;
  // A proof that failed makes the code 1, and is counted already.
  if (code !== 0 && !cut && report.failed === failedBefore)
    report.fail(`the guest ended with ${code}`);
  if (report.failed > failedBefore) report.say(`${errors}\n${said.slice(-40).join("\n")}`);
  const seconds = ((Date.now() - began) / 1_000).toFixed(1);
  report.say(
    `${[...args.slice(0, 1), cut && "power cut after"].filter(Boolean).join(", ")} ${seconds} s`.trim(),
  );
  return said;
}

/** Cuts the power of a node three times while no hub acknowledges, then lets it deliver. */
async function cutPower(context) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "plenum-pi-disk-"));
  try {
    const disk = { image: path.join(folder, "disk"), folder: "/var/lib/plenum-edge" };
    writeFileSync(disk.image, "");
    truncateSync(disk.image, 2 ** 30);
    const { status } = spawnSync("mkfs.ext4", ["-q", disk.image], { stdio: "inherit" });
    if (status !== 0) throw new Error("mkfs.ext4 failed.");
    const seen = [];
    for (const cutAfterLines of [15, 40, 90])
      seen.push(...(await boot(context, { disk, args: ["fill"], cutAfterLines })));
    const list = path.join(folder, "seen");
    writeFileSync(list, seen.join("\n"));
    await boot(context, { disk, args: ["deliver", list] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Days in one process of this machine, on a clock that the test moves. */
async function soak({ report }) {
  const child = spawn(process.execPath, ["--expose-gc", path.join(scripts, "soak", "main.js")], {
    cwd: top,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: SOAK_HANG_MS,
  });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const rest = [];
  for (const stream of [child.stdout, child.stderr]) {
    let begun = "";
    stream.setEncoding("utf8").on("data", (text) => {
      const lines = (begun + text).split("\n");
      begun = lines.pop() ?? "";
      for (const line of lines) if (!report.hear(line)) rest.push(line);
    });
  }
  const [code, signal] = await once(child, "close");
  process.off("exit", end);
  if (code === 0) return;
  if (report.failed === 0) report.fail(`soak ended with ${code ?? signal}`);
  report.say(rest.slice(-40).join("\n"));
}
