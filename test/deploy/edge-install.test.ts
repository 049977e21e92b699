import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = path.join(import.meta.dirname, "../../deploy/install-edge.sh");
let root: string;
let modules: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "plenum-card-"));
  modules = path.join(root, "packages");
  mkdirSync(path.join(modules, "zod"), { recursive: true });
  writeFileSync(path.join(modules, "zod", "index.js"), "");
  for (const folder of ["etc", "usr/bin", "boot/firmware/overlays", "var/lib/plenum-edge"])
    mkdirSync(path.join(root, folder), { recursive: true });
  writeFileSync(path.join(root, "usr/bin/node"), "");
  chmodSync(path.join(root, "usr/bin/node"), 0o755);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function install(...args: string[]) {
  const { status, stdout, stderr } = spawnSync("sh", [script, ...args], { encoding: "utf8" });
  return { status, said: `${stdout}${stderr}` };
}

const text = (name: string) => readFileSync(path.join(root, name), "utf8");

test("an unknown option is refused by name", () => {
  expect(install("--rot", "/mnt")).toMatchObject({
    status: 2,
    said: expect.stringMatching("--rot"),
  });
});

test("who is not root is told how; a folder that holds no system is refused", () => {
  if (process.getuid?.() !== 0) {
    expect(install()).toMatchObject({ status: 1, said: expect.stringMatching(/run this as root/) });
    return;
  }
  const { status, said } = install("--root", path.join(root, "var"), "--modules", modules);
  expect({ status, said }).toMatchObject({
    status: 1,
    said: expect.stringMatching(/holds no system/),
  });
});

test("the card's image has program, user, groups, rules and service; a second run keeps what the site wrote", () => {
  // Users and owners can only be set by root; continuous integration is.
  if (process.getuid?.() !== 0) {
    expect(process.env.CI).not.toBe("true");
    return;
  }
  const first = install("--root", root, "--modules", modules);
  expect(first, first.said).toMatchObject({ status: 0 });
  expect(existsSync(path.join(root, "opt/plenum/edge/plenum-edge.mjs"))).toBe(true);
  expect(existsSync(path.join(root, "opt/plenum/dist/edge/main.js"))).toBe(true);
  expect(existsSync(path.join(root, "opt/plenum/dist/hub"))).toBe(false);
  expect(text("etc/passwd")).toMatch(/^plenum-edge:/m);
  for (const group of ["i2c", "gpio", "dialout", "video"])
    expect(text("etc/group")).toMatch(new RegExp(`^${group}:.*plenum-edge`, "m"));
  const link = path.join(root, "etc/systemd/system/multi-user.target.wants/plenum-edge.service");
  expect(readlinkSync(link)).toMatch(/plenum-edge\.service$/);
  expect(existsSync(path.join(root, "etc/udev/rules.d/60-plenum-edge.rules"))).toBe(true);
  expect(text("etc/systemd/system.conf.d/plenum-watchdog.conf")).toMatch(/RuntimeWatchdogSec=14s/);

  const config = path.join(root, "etc/plenum/edge.yaml");
  writeFileSync(config, "node: edge-1\n");
  writeFileSync(path.join(root, "var/lib/plenum-edge/spool.db"), "rows");
  writeFileSync(path.join(root, "opt/plenum/leftover"), "");
  const second = install("--root", root, "--modules", modules);
  expect(second, second.said).toMatchObject({ status: 0 });
  expect(text("etc/plenum/edge.yaml")).toBe("node: edge-1\n");
  expect(statSync(config).mode & 0o777).toBe(0o640);
  expect(text("var/lib/plenum-edge/spool.db")).toBe("rows");
  expect(existsSync(path.join(root, "opt/plenum/leftover"))).toBe(false);
  expect(existsSync(path.join(root, "opt/plenum.new"))).toBe(false);
  expect(text("etc/passwd").match(/^plenum-edge:/gm)).toHaveLength(1);
});
