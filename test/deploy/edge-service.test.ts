import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";

const units = path.join(import.meta.dirname, "../../deploy/systemd");
const unit = readFileSync(path.join(units, "plenum-edge.service"), "utf8");
const setting = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1];

/** Exposure as `systemd-analyze security` counts it, times ten: 0 is best, 100 nothing at all. */
const MOST_EXPOSURE = 25;
/** Older versions of systemd do not know these, and say so. */
const NEWER_KEYS = /Unknown key 'Restart(Steps|MaxDelaySec)'/;

function analyze(...args: string[]) {
  const { status, stdout, stderr, error } = spawnSync("systemd-analyze", args, {
    encoding: "utf8",
    env: { ...process.env, SYSTEMD_COLORS: "0" },
  });
  if (error) throw new Error(`${error.message}: install the Debian package systemd`);
  return { status, lines: `${stdout}${stderr}`.split("\n").filter((line) => line !== "") };
}

test("systemd finds nothing wrong with the unit", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-unit-"));
  try {
    const file = path.join(folder, "plenum-edge.service");
    // The program is not installed here; node itself is.
    writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
    const complaints = analyze("verify", "--man=no", file).lines.filter(
      (line) => !NEWER_KEYS.test(line) && line.includes("plenum-edge"),
    );
    expect(complaints).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test(`the sandbox leaves an exposure of at most ${MOST_EXPOSURE / 10} of 10`, () => {
  const file = path.join(units, "plenum-edge.service");
  const { status, lines } = analyze(
    "security",
    "--offline=true",
    "--no-pager",
    `--threshold=${MOST_EXPOSURE}`,
    file,
  );
  expect(status, lines.at(-1)).toBe(0);
});

test.each([
  // A hung I2C call keeps a thread for ever.
  ["UV_THREADPOOL_SIZE", () => Number(/UV_THREADPOOL_SIZE=(\d+)/.exec(unit)?.[1]) >= 8],
  // Restarts by a refusing disk are counted there, where that disk is not needed.
  ["RuntimeDirectory", () => setting("RuntimeDirectory") === "plenum-edge"],
  ["RuntimeDirectoryPreserve", () => setting("RuntimeDirectoryPreserve") === "restart"],
  ["StateDirectory", () => setting("StateDirectory") === "plenum-edge"],
  ["WatchdogSec and Type", () => setting("WatchdogSec") === "60" && setting("Type") === "notify"],
  // A node that gives up restarting is a silent node.
  ["StartLimitIntervalSec", () => setting("StartLimitIntervalSec") === "0"],
  // The JavaScript engine compiles at run time; GPIO export and 1-Wire commands are files in /sys.
  ["no MemoryDenyWriteExecute", () => setting("MemoryDenyWriteExecute") === undefined],
  ["no ProtectKernelTunables", () => setting("ProtectKernelTunables") === undefined],
])("the unit has its %s right", (_name, holds) => {
  expect(holds()).toBe(true);
});

test("every group whose devices the rules open is one that the node's user is in", () => {
  const rules = readFileSync(path.join(units, "60-plenum-edge.rules"), "utf8");
  const users = readFileSync(path.join(units, "plenum-edge.sysusers.conf"), "utf8");
  const opened = new Set(
    [...rules.matchAll(/GROUP="(\w+)"|chgrp(?: -f)? (\w+)/g)].map((m) => m[1] ?? m[2]),
  );
  const member = [...users.matchAll(/^m plenum-edge (\w+)$/gm)].map((m) => m[1]);
  expect([...opened].sort()).toEqual([...member].sort());
  expect(setting("SupplementaryGroups")?.split(" ").sort()).toEqual([...member].sort());
});
