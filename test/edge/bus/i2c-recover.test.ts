import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { clockFree } from "../../../edge/bus/i2c-recover.ts";
import { sharedI2c } from "../../../edge/bus/i2c-shared.ts";
import { DeviceError, type I2cPort } from "../../../edge/bus/port.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-pinctrl-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A `pinctrl` whose pin 2 is held low until pin 3 has been clocked `clocks` times; it notes what it is told. */
function stub(clocks: number, functions = "a0"): string {
  const file = path.join(folder, "pinctrl");
  writeFileSync(
    file,
    `#!/bin/sh
cd "${folder}"
if [ "$1" = get ]; then
  level=hi
  if [ "$2" = 2 ] && [ "$(grep -c '^set 3 op dl' log 2>/dev/null)" -lt ${clocks} ]; then level=lo; fi
  echo " $2: ${functions}    pu | $level // GPIO$2 = SDA1"
else
  echo "$*" >> log
fi
`,
    { mode: 0o755 },
  );
  return `${folder}:${process.env.PATH}`;
}
const told = () => readFileSync(path.join(folder, "log"), "utf8").trim().split("\n");

describe("a bus held by a slave", () => {
  test("is clocked free, ended with a stop, and the pins get their function back", async () => {
    expect(await clockFree({ sda: 2, scl: 3 }, { clock: systemClock, path: stub(4) })).toBe(4);
    const all = told();
    expect(all.slice(0, 2)).toEqual(["set 2 ip pu", "set 3 ip pu"]);
    expect(all.slice(-6)).toEqual([
      ...["set 3 op dl", "set 2 op dl", "set 3 ip pu", "set 2 ip pu"],
      ...["set 2 a0 pu", "set 3 a0 pu"],
    ]);
  });

  test("that is not let go is told after nine clocks, and the pins get their function back all the same", async () => {
    const freeing = clockFree({ sda: 2, scl: 3 }, { clock: systemClock, path: stub(99) });
    await expect(freeing).rejects.toThrow(/SDA stays low after 9 clocks/);
    expect(told().slice(-2)).toEqual(["set 2 a0 pu", "set 3 a0 pu"]);
    expect(told().filter((line) => line === "set 3 op dl")).toHaveLength(9);
  });
});

test("no pin is ever driven high", async () => {
  await clockFree({ sda: 2, scl: 3 }, { clock: systemClock, path: stub(2) });
  expect(told().filter((line) => line.includes("dh"))).toEqual([]);
});

test("pins that are no I2C pins are left alone", async () => {
  const freeing = clockFree({ sda: 2, scl: 3 }, { clock: systemClock, path: stub(0, "op") });
  await expect(freeing).rejects.toThrow(/pin 2 is "op"/);
  expect(() => told()).toThrow();
});

test("without pinctrl the bus goes on as it is, and why is told", async () => {
  const freeing = clockFree({ sda: 2, scl: 3 }, { clock: systemClock, path: folder });
  await expect(freeing).rejects.toMatchObject({ reason: "bus" });
});

test("a shared bus is freed before it is opened again after two faults in a row, not after one", async () => {
  let stuck = true;
  const log: string[] = [];
  const port: I2cPort = {
    write: async () => {
      if (stuck) throw new DeviceError("bus", "the bus may be stuck");
    },
    read: async () => Uint8Array.of(0),
    writeRead: async () => Uint8Array.of(0),
    close: async () => void log.push("close"),
  };
  const bus = sharedI2c({
    open: async () => {
      log.push("open");
      return port;
    },
    recover: async () => {
      log.push("recover");
      stuck = false;
    },
  });
  const user = await bus.open();
  await expect(user.write(0x44, Uint8Array.of(0))).rejects.toThrow();
  await user.close();
  const again = await bus.open();
  await expect(again.write(0x44, Uint8Array.of(0))).rejects.toThrow();
  await again.close();
  await (await bus.open()).write(0x44, Uint8Array.of(0));
  expect(log).toEqual(["open", "close", "open", "close", "recover", "open"]);
});
