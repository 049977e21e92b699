/**
 * The guest's kernel: User Mode Linux from Debian's kernel source, built once into a cache. Takes
 * some 7 minutes of processor time and 0.8 GB of disk; of these only `linux`, `modules` and `stamp`
 * (9 MB) are needed afterwards, so a build server may keep just those three.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const PACKAGE = "linux-source-6.12";
/** The Debian release that has the package, whichever release this machine runs. */
const SUITE = "trixie";
const KEYRINGS = ["debian-archive-keyring.gpg", "debian-archive-keyring.pgp"];
/** Lines `make` prints for kernel.config, for the percentage only. */
const ABOUT_STEPS = 1_290;

/** What building needs, and the Debian package each comes from. */
export const BUILD_PROGRAMS = [
  ["gcc", "gcc"],
  ["make", "make"],
  ["flex", "flex"],
  ["bison", "bison"],
  ["bc", "bc"],
  ["xz", "xz-utils"],
  ["/usr/include/stdio.h", "libc6-dev"],
];

/** Left out when unpacking: nothing here is compiled, and it is most of the source. */
const UNUSED_SOURCE = [
  "*/drivers/gpu/*.[ch]",
  "*/drivers/net/*/*.[ch]",
  "*/drivers/media/*.[ch]",
  "*/sound/*.[ch]",
  "*/tools/testing/*",
  "*/tools/perf/*",
  "*.dts*",
  "*.rst",
];

/** Paths of the kernel and its modules. Builds them unless the cache has them for these inputs. */
export async function readyKernel() {
  const cache = path.resolve(
    process.env.PLENUM_PI_CACHE ?? path.join(os.homedir(), ".cache", "plenum-pi"),
  );
  const kernel = { program: path.join(cache, "linux"), modules: path.join(cache, "modules") };
  const stamp = path.join(cache, "stamp");
  const wanted = inputsHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return kernel;

  rmSync(stamp, { force: true });
  const source = path.join(cache, "source", PACKAGE);
  if (!existsSync(source)) await unpackSource(cache);
  await compile({ source, build: path.join(cache, "build"), kernel });
  writeFileSync(stamp, wanted);
  return kernel;
}

function inputsHash() {
  const hash = createHash("sha256").update(PACKAGE);
  for (const file of ["kernel.config", "i2c-peer/i2c-peer.c", "i2c-peer/Kbuild"])
    hash.update(readFileSync(path.join(here, file)));
  return hash.digest("hex");
}

/** Fetches the package with an apt state of its own: the machine's sources stay as they are. */
async function unpackSource(cache) {
  const apt = path.join(cache, "apt");
  mkdirSync(path.join(apt, "lists", "partial"), { recursive: true });
  mkdirSync(path.join(apt, "archives", "partial"), { recursive: true });
  const sources = path.join(apt, "sources.list");
  writeFileSync(sources, `deb [signed-by=${keyring()}] ${mirror()} ${SUITE} main\n`);
  const options = [
    "-qq",
    ...["-o", `Dir::Etc::SourceList=${sources}`],
    ...["-o", "Dir::Etc::SourceParts=/dev/null"],
    ...["-o", `Dir::State::Lists=${path.join(apt, "lists")}`],
    ...["-o", `Dir::Cache=${apt}`],
    ...["-o", "APT::Sandbox::User=root"],
  ];
  await step("Reading the package list", "apt-get", [...options, "update"]);
  await step(`Downloading ${PACKAGE} (150 MB)`, "apt-get", [...options, "download", PACKAGE], {
    cwd: apt,
  });
  const archive = readdirSync(apt).find((name) => name.startsWith(`${PACKAGE}_`));
  const target = path.join(cache, "unpacking"); // renamed when whole
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const exclude = UNUSED_SOURCE.map((pattern) => `--exclude='${pattern}'`).join(" ");
  await step("Unpacking the kernel source", "bash", [
    "-o",
    "pipefail",
    "-c",
    `dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$2.tar.xz" | tar -xJ -C "$3" ${exclude}`,
    ...["unpack", path.join(apt, archive ?? PACKAGE), PACKAGE, target],
  ]);
  renameSync(target, path.join(cache, "source"));
  rmSync(apt, { recursive: true });
}

/** The Debian archive this machine's own apt uses. */
function mirror() {
  const { stdout } = spawnSync("apt-get", ["indextargets", "--format", "$(REPO_URI)"], {
    encoding: "utf8",
  });
  const found = (stdout ?? "").split("\n").find((uri) => /\/debian\/?$/.test(uri));
  if (!found)
    throw new Error(
      `No Debian archive in this machine's apt sources. ${PACKAGE} comes from Debian ${SUITE}: ` +
        "add one, or copy the cache of a machine that has built it (PLENUM_PI_CACHE).",
    );
  return found;
}

function keyring() {
  const found = KEYRINGS.map((name) => `/usr/share/keyrings/${name}`).find((file) =>
    existsSync(file),
  );
  if (!found) throw new Error("No Debian archive keyring: apt-get install debian-archive-keyring");
  return found;
}

async function compile({ source, build, kernel }) {
  const config = path.join(here, "kernel.config");
  const module = path.join(build, "i2c-peer");
  mkdirSync(module, { recursive: true });
  cpSync(path.join(here, "i2c-peer"), module, { recursive: true });
  const make = (...targets) => ["-C", source, "ARCH=um", `O=${build}`, "-j2", ...targets];
  const log = path.join(build, "log");

  await step("Configuring the kernel", "make", make(`KCONFIG_ALLCONFIG=${config}`, "allnoconfig"), {
    log,
  });
  const taken = readFileSync(path.join(build, ".config"), "utf8").split("\n");
  const refused = readFileSync(config, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("CONFIG_") && !taken.includes(line));
  if (refused.length > 0) throw new Error(`The kernel did not take ${refused.join(", ")}`);

  const began = Date.now();
  let steps = 0;
  await step("Compiling the kernel", "make", make("linux", "modules"), {
    log,
    onLine: () => {
      steps += 1;
    },
    progress: () => compileProgress(steps, (Date.now() - began) / 1_000),
  });
  await step("Compiling the I2C module", "make", make(`M=${module}`, "modules"), { log });

  rmSync(kernel.modules, { recursive: true, force: true });
  mkdirSync(kernel.modules, { recursive: true });
  for (const name of readdirSync(build, { recursive: true }).filter((file) => file.endsWith(".ko")))
    copyFileSync(path.join(build, name), path.join(kernel.modules, path.basename(name)));
  copyFileSync(path.join(build, "linux"), `${kernel.program}.new`);
  renameSync(`${kernel.program}.new`, kernel.program);
}

function compileProgress(steps, seconds) {
  const rate = steps / Math.max(1, seconds);
  const percent = Math.min(99, Math.round((100 * steps) / ABOUT_STEPS));
  const left = Math.max(0, Math.round((ABOUT_STEPS - steps) / Math.max(0.1, rate)));
  const speed = `${rate.toFixed(1)} a second, ${left} s left`;
  return `${steps} of about ${ABOUT_STEPS} steps, ${percent} %, ${speed}`;
}

/**
 * Runs one program at low priority, saying every 10 s how far it is. Throws its last lines when it
 * fails. `onLine` is called for each line it prints; `progress` says how far it is.
 */
async function step(what, program, args, { cwd, log, onLine, progress } = {}) {
  console.log(`  ${what}`);
  const began = Date.now();
  const child = spawn("nice", ["-n", "10", program, ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  const file = log ? createWriteStream(log, { flags: "a" }) : undefined;
  let tail = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      file?.write(text);
      tail = (tail + text).slice(-3_000);
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) onLine?.();
    });
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - began) / 1_000);
    console.log(`    ${progress?.() ?? `${seconds} s so far`}`);
  }, 10_000);
  const [code] = await once(child, "close");
  clearInterval(timer);
  file?.end();
  if (code !== 0) throw new Error(`${what} failed (code ${code}).\n${tail}`);
}
