import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
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

describe("a common conversion", () => {
  const IDS = ["28-000000000a01", "28-000000000a02"];

  /** Laid out as the kernel does: links to the folders of two bus masters. */
  function kernelLike() {
    const devices = path.join(folder, "devices");
    mkdirSync(devices);
    for (const [master, ids] of Object.entries({
      w1_bus_master1: IDS,
      w1_bus_master2: ["28-000000000b01"],
    }))
      for (const id of ids) {
        mkdirSync(path.join(folder, master, id), { recursive: true });
        writeFileSync(path.join(folder, master, "therm_bulk_read"), "0\n");
        symlinkSync(path.join(folder, master, id), path.join(devices, id));
      }
    return devices;
  }
  const openKernelLike = (options: { tookMs: number; leaves?: string }) => {
    const clock = new FakeClock();
    const said: string[] = [];
    const command = async (file: string, text: string) => {
      said.push(`${path.relative(folder, file)} ${text}`);
      await clock.advance(options.tookMs);
      if (options.leaves) writeFileSync(file, options.leaves);
    };
    return openOneWireFolder({ path: kernelLike(), clock, command }).then((port) => ({
      port,
      said,
    }));
  };

  test("starts all thermometers of one wire and names them", async () => {
    const { port, said } = await openKernelLike({ tookMs: 750, leaves: "1\n" });
    expect(await port.convertWith("28-000000000a02")).toEqual(IDS);
    expect(said).toEqual(["w1_bus_master1/therm_bulk_read trigger\n"]);
  });

  test("that the kernel answers at once took no place: its old results are not new ones", async () => {
    const { port } = await openKernelLike({ tookMs: 5, leaves: "1\n" });
    await expect(port.convertWith("28-000000000a02")).rejects.toMatchObject({
      reason: "not-ready",
    });
  });

  test("that the kernel cannot do on this wire leaves each thermometer to itself", async () => {
    const { port } = await openKernelLike({ tookMs: 5, leaves: "0\n" });
    expect(await port.convertWith("28-000000000a02")).toEqual([]);
    expect(await port.convertWith("28-000000000f09")).toEqual([]);
  });

  test("is not made up where the folder has none, and no file is", async () => {
    put("28-000000000a01", "x");
    expect(await (await open()).convertWith("28-000000000a01")).toEqual([]);
    expect(existsSync(path.join(folder, "therm_bulk_read"))).toBe(false);
  });
});
