/**
 * `npm run test:pi`: the shipped edge program, unmodified, on a real Linux kernel with the buses of
 * a Raspberry Pi and no hardware. The first run builds that kernel (some 5 minutes).
 *
 *   node test/pi/run.mjs [--built] [scenario …]
 *   node test/pi/run.mjs --packages           installs what is needed, and no more
 *   node test/pi/run.mjs --kernel             builds the kernel, and no more
 *
 * `--built` takes dist/ as it is. Needs x86-64 Debian; PLENUM_PI_CACHE is where the kernel is kept.
 */
import { spawnSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { GUEST_PROGRAMS } from "./guest.mjs";
import { JOB_PROGRAMS, JOBS, runJob } from "./jobs.mjs";
import { BUILD_PROGRAMS, readyKernel } from "./kernel.mjs";
import { needPrograms } from "./programs.mjs";

const top = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
/** A guest is one busy process; more of them than processors only wait for one another. */
const SIDE_BY_SIDE = Math.min(4, os.availableParallelism());

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
const began = Date.now();
let passed = 0;
let failed = 0;
try {
  if (os.arch() !== "x64" || os.platform() !== "linux")
    throw new Error(`User Mode Linux needs x86-64 Linux; this is ${os.arch()} ${os.platform()}.`);
  const jobs = chosen(process.argv.slice(2).filter((argument) => !argument.startsWith("--")));
  heading("Making ready");
  needPrograms([...GUEST_PROGRAMS, ...JOB_PROGRAMS, ...BUILD_PROGRAMS]);
  if (process.argv.includes("--packages")) process.exit(0);
  const kernel = await readyKernel();
  if (process.argv.includes("--kernel")) process.exit(0);
  if (!process.argv.includes("--built")) build();
  await playAll(jobs, kernel);
} catch (error) {
  failed += 1;
  console.error(`\n${error.message}`);
}
console.log(`\n${seconds(began)} s\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function chosen(names) {
  const all = [...new Set(JOBS.map(({ name }) => name))];
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new Error(`No scenario ${unknown.join(", ")}; there are ${all.join(", ")}.`);
  return JOBS.filter(({ name }) => names.length === 0 || names.includes(name));
}

function build() {
  heading("Building");
  const { status } = spawnSync(process.execPath, ["deploy/build.mjs"], {
    cwd: top,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("Building failed.");
}

/** Some at a time; what each found is printed when it ends, or at once when it is the only one. */
async function playAll(jobs, kernel) {
  const waiting = [...jobs];
  let ended = 0;
  const next = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const title = [job.name, job.label].filter(Boolean).join(", ");
      const startedAt = Date.now();
      console.log(`${title}: started`);
      const lines = [];
      const say = (text) => (jobs.length === 1 ? console.log(text) : lines.push(text));
      const report = await runJob(job, kernel, say);
      ended += 1;
      passed += report.passed;
      failed += report.failed;
      heading(`${title}: ${seconds(startedAt)} s, ${ended} of ${jobs.length}`);
      console.log(lines.join("\n"));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, next));
}

function seconds(sinceMs) {
  return Math.round((Date.now() - sinceMs) / 1_000);
}

function heading(text) {
  console.log(`\n== ${text}`);
}
