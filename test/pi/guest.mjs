/**
 * One guest: a Linux kernel as a process of this machine, with its files, that has /dev/i2c-N,
 * /sys/class/gpio and 1-Wire like a Raspberry Pi, and runs one command.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** What the guest's first process calls, beside bash and coreutils. */
export const GUEST_PROGRAMS = [
  ["insmod", "kmod"],
  ["ip", "iproute2"],
  ["perl", "perl-base"],
];

/** Process group → job folder of the guests now running; no terminal ends those, so we do. */
const running = new Map();
process.on("exit", () => {
  for (const [pid, run] of running) {
    killGroup(pid);
    rmSync(run, { recursive: true, force: true });
  }
});

/**
 * Boots a guest and runs a command in it.
 * - `kernel`: paths, as `readyKernel` gives them.
 * - `command`: program and arguments; `folder`: where it runs; `env`: its variables.
 * - `clock`: "real", or "virtual", on which waiting takes no time.
 * - `i2cBuses`: numbers of its I2C buses. `gpio`: "pi-4", "pi-5" or "none".
 * - `disk`: `{image, folder}`, an ext4 image mounted there. All else the guest writes is lost.
 * - `onLine(line)` gets each line the command prints.
 *
 * Returns `kill()`, which is a power cut, and `done`, a promise of `{code, errors}`. Code 124: the
 * time ran out, or the guest ended without a code; 125: it did not start.
 */
export function bootGuest(kernel, options) {
  const { clock = "real", disk, memoryMb = 1_024, limitMs, onLine } = options;
  const run = mkdtempSync(path.join(os.tmpdir(), "plenum-pi-"));
  // The kernel splits its command line at spaces, so only this folder's plain name stands there.
  copyFileSync(path.join(here, "guest-init.sh"), path.join(run, "init"));
  chmodSync(path.join(run, "init"), 0o755);
  writeFileSync(path.join(run, "job"), jobText({ ...options, run, modules: kernel.modules }));

  const boot = openSync(path.join(run, "boot"), "w");
  const console = openSync(path.join(run, "console"), "w");
  const child = spawn(
    kernel.program,
    [
      `mem=${memoryMb}M`,
      `uml_dir=${run}/`,
      "umid=guest",
      ...(clock === "virtual" ? ["time-travel"] : []),
      ...(disk ? [`ubd0=${disk.image}`] : []),
      ...["rootfstype=hostfs", "rootflags=/", "ro", `init=${run}/init`, `plenum_run=${run}`],
      ...["con=null", "con0=null,fd:3", "ssl=null", "ssl0=null,fd:4", "ssl1=null,fd:5"],
    ],
    // A group of its own: each process of the guest is one of the host, and a power cut takes all.
    { stdio: ["ignore", boot, boot, console, "pipe", "pipe"], detached: true },
  );
  closeSync(boot);
  closeSync(console);
  running.set(child.pid, run);
  const kill = () => killGroup(child.pid);
  return { kill, done: outcome({ child, kill, run, limitMs, onLine }) };
}

/** What guest-init.sh reads: shell variables. */
function jobText(options) {
  const { command, folder, env = {}, i2cBuses = [1], gpio = "none", disk, run, modules } = options;
  const variables = { PATH: process.env.PATH, HOME: run, LANG: "C.UTF-8", ...env };
  return [
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
    `folder=${quoted(folder)}`,
    `command=(${command.map(quoted).join(" ")})`,
    `modules=${quoted(modules)}`,
    `i2c_buses=${i2cBuses.join(",")}`,
    `gpio_layout=${gpio}`,
    `disk_folder=${quoted(disk?.folder ?? "")}`,
  ].join("\n");
}

async function outcome({ child, kill, run, limitMs, onLine }) {
  let errors = "";
  child.stdio[5].setEncoding("utf8").on("data", (text) => {
    errors = (errors + text).slice(-20_000);
  });
  let rest = "";
  child.stdio[4].setEncoding("utf8").on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine?.(line);
  });
  const timer = setTimeout(kill, limitMs);
  await once(child, "close");
  clearTimeout(timer);
  kill();
  running.delete(child.pid);
  const read = (name) =>
    existsSync(path.join(run, name)) ? readFileSync(path.join(run, name), "utf8") : "";
  const code = read("code").trim();
  if (code === "") errors += `\n${read("boot")}${read("console")}`.slice(-6_000);
  const failure = existsSync(path.join(run, "started")) ? 124 : 125;
  rmSync(run, { recursive: true, force: true });
  return { code: code === "" ? failure : Number(code), errors };
}

function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
