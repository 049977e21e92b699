import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openOneWireFolder } from "../../../edge/bus/one-wire-folder.ts";
import { FakeClock } from "../../fake-clock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "w1-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(id: string, text: string): void {
  mkdirSync(path.join(folder, id), { recursive: true });
  writeFileSync(path.join(folder, id, "w1_slave"), text);
}
const open = () => openOneWireFolder({ path: folder, clock: new FakeClock() });

test("lists the thermometers and not the bus master", async () => {
  put("28-000000000a02", "x");
  put("28-000000000a01", "x");
  mkdirSync(path.join(folder, "w1_bus_master1"));
  expect(await (await open()).list()).toEqual(["28-000000000a01", "28-000000000a02"]);
});

test("gives the text of w1_slave, an empty one too", async () => {
  put("28-000000000a01", "some text\n");
  put("28-000000000a02", "");
  const port = await open();
  expect(await port.read("28-000000000a01")).toBe("some text\n");
  expect(await port.read("28-000000000a02")).toBe("");
});

test("a thermometer that is gone does not answer; a folder that is gone is a bus fault", async () => {
  const port = await open();
  await expect(port.read("28-000000000a09")).rejects.toMatchObject({ reason: "no-answer" });
  rmSync(folder, { recursive: true });
  await expect(port.list()).rejects.toMatchObject({ reason: "bus" });
  await expect(open()).rejects.toMatchObject({ reason: "bus" });
});
