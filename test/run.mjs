/**
 * `npm test`: on a fresh Debian machine installs what the tests need, then builds, lints and runs
 * every test. Plain JavaScript, because it runs before anything is installed.
 */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const top = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const out = path.join(top, "test", ".out");

/** Programs (or files) the tests drive for real, and the Debian package each comes from. */
const PROGRAMS = [
  ["influxd", "influxdb"],
  ["mosquitto", "mosquitto"],
  ["nft", "nftables"],
  ["faketime", "faketime"],
  ["chromium", "chromium"],
  ["script", "bsdutils"],
  ["make", "make"],
  ["g++", "g++"],
  ["/usr/bin/python3", "python3"],
  ["upsd", "nut-server"],
  ["pk12util", "libnss3-tools"],
  ["openssl", "openssl"],
  ["socat", "socat"],
  ["snmptrapd", "snmptrapd"],
  ["snmptranslate", "snmp"],
  ["rsyslogd", "rsyslog"],
  ["/usr/share/doc/rsyslog-gnutls/copyright", "rsyslog-gnutls"],
  ["mkfs.ext4", "e2fsprogs"],
  ["perl", "perl-base"],
  ["systemd-analyze", "systemd"],
  ["/usr/lib/python3/dist-packages/pymodbus", "python3-pymodbus"],
  ["/usr/lib/python3/dist-packages/serial_asyncio", "python3-serial-asyncio"],
];

const started = Date.now();
installPrograms();
installPackages();
run("Building", process.execPath, "deploy/build.mjs");
run("Checking style", process.execPath, "node_modules/@biomejs/biome/bin/biome", "check", ".");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const failed = ["unit", "system"].filter((project) => !test(project));
summarise();
process.exit(failed.length === 0 ? 0 : 1);

function installPrograms() {
  const missing = PROGRAMS.filter(([program]) => !isThere(program));
  if (missing.length === 0) return;
  const packages = missing.map(([, name]) => name);
  if (process.getuid?.() !== 0) {
    stop(
      `The tests need ${missing.map(([program]) => program).join(", ")}. Install with:\n  sudo apt-get install ${packages.join(" ")}`,
    );
  }
  run("Updating the package list", "apt-get", "update", "-q");
  run(
    `Installing ${packages.join(", ")}`,
    "apt-get",
    "install",
    "-y",
    "-q",
    "--no-install-recommends",
    ...packages,
  );
}

function installPackages() {
  const installed = path.join(top, "node_modules", ".package-lock.json");
  const wanted = path.join(top, "package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  run("Installing npm packages", "npm", "ci", "--no-audit", "--no-fund");
}

function test(project) {
  heading(`Running the ${project} tests`);
  const report = path.join(out, `${project}.json`);
  const { status } = spawnSync(
    process.execPath,
    [
      "node_modules/vitest/vitest.mjs",
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    { cwd: top, stdio: ["ignore", "inherit", "inherit"] },
  );
  return status === 0;
}

function summarise() {
  let passed = 0;
  let broken = 0;
  for (const project of ["unit", "system"]) {
    const report = path.join(out, `${project}.json`);
    if (!existsSync(report)) {
      broken += 1;
      continue;
    }
    const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    passed += numPassedTests;
    broken += numTotalTests - numPassedTests;
    if (numFailedTests === 0 && failed.includes(project)) broken += 1;
  }
  console.log(
    `\n${Math.round((Date.now() - started) / 1000)} s\n${passed} passed, ${broken} failed`,
  );
}

function run(what, program, ...args) {
  heading(what);
  const { status, error } = spawnSync(program, args, {
    cwd: top,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) stop(`${what} failed${error ? `: ${error.message}` : ""}.`);
}

function isThere(program) {
  if (path.isAbsolute(program)) return existsSync(program);
  return (process.env.PATH ?? "")
    .split(path.delimiter)
    .concat("/usr/sbin")
    .some((folder) => {
      try {
        accessSync(path.join(folder, program), constants.X_OK);
        return true;
      } catch (error) {
        if (error.code === "ENOENT" || error.code === "EACCES" || error.code === "ENOTDIR")
          return false;
        throw error;
      }
    });
}

function heading(text) {
  console.log(`\n== ${text}`);
}

function stop(text) {
  console.error(text);
  process.exit(1);
}
