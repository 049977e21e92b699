import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openKernelSensors } from "../../../edge/bus/kernel-sensors.ts";
import { FakeClock } from "../../fake-clock.ts";

const HWMON = "class/hwmon";
let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "sys-"));
  mkdirSync(path.join(root, HWMON), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** As the kernel lays it out: the class has a link to the folder under the device itself. */
function put(number: number, device: string, files: Record<string, string>): string {
  const home = path.join(root, "devices", device, "hwmon", `hwmon${number}`);
  mkdirSync(home, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(home, name), text);
  symlinkSync(home, path.join(root, HWMON, `hwmon${number}`));
  return home;
}
const open = () => openKernelSensors({ root, clock: new FakeClock() });

test("finds a sensor by the kernel's name for it", async () => {
  put(0, "virtual/thermal_zone0", { name: "cpu_thermal\n", temp1_input: "48312\n" });
  put(1, "i2c-1/1-0044", { name: "sht3x\n", temp1_input: "21500\n" });
  const port = await open();
  expect(await port.read(HWMON, "cpu_thermal", "temp1_input")).toBe("48312\n");
  expect(await port.read(HWMON, "sht3x", "temp1_input")).toBe("21500\n");
});

test("of two sensors with one name each is told by its place, and never one for the other", async () => {
  put(0, "i2c-1/1-0044", { name: "sht3x\n", temp1_input: "21500\n" });
  put(1, "i2c-1/1-0045", { name: "sht3x\n", temp1_input: "33000\n" });
  const port = await open();
  expect(await port.read(HWMON, "sht3x@1-0045", "temp1_input")).toBe("33000\n");
  await expect(port.read(HWMON, "sht3x", "temp1_input")).rejects.toMatchObject({
    reason: "identity",
  });
});

test("a sensor that came back under another number is found again", async () => {
  const home = put(0, "i2c-1/1-0044", { name: "sht3x\n", temp1_input: "21500\n" });
  const port = await open();
  expect(await port.read(HWMON, "sht3x", "temp1_input")).toBe("21500\n");
  renameSync(home, home.replace("hwmon0", "hwmon7"));
  rmSync(path.join(root, HWMON, "hwmon0"));
  await expect(port.read(HWMON, "sht3x", "temp1_input")).rejects.toMatchObject({
    reason: "no-answer",
  });
  symlinkSync(home.replace("hwmon0", "hwmon7"), path.join(root, HWMON, "hwmon7"));
  expect(await port.read(HWMON, "sht3x", "temp1_input")).toBe("21500\n");
});

test("an absent sensor, an absent attribute and an absent class are three things", async () => {
  put(0, "i2c-1/1-0044", { name: "sht3x\n" });
  const port = await open();
  const reason = (folder: string, sensor: string) =>
    port.read(folder, sensor, "temp1_input").catch((error) => error.reason);
  expect(await reason(HWMON, "jc42")).toBe("no-answer");
  expect(await reason(HWMON, "sht3x")).toBe("unsupported");
  expect(await reason("bus/iio/devices", "scd4x")).toBe("bus");
});
