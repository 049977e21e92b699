import { readFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { addCommissionCommands } from "../../../edge/commission/commands.ts";
import { NO_TARGETS, type ScanTargets } from "../../../edge/commission/machine.ts";
import { parseUnits, type ScanOptions, targetsOf } from "../../../edge/commission/scan-command.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { withRoom } from "../../room/room-fixture.ts";
import { roomConfig } from "./room-live.ts";

const OPTIONS: ScanOptions = { units: "1-10", node: "pi-1", hub: "mqtt://hub" };
const MACHINE: ScanTargets = {
  ...NO_TARGETS,
  i2c: [{ id: "i2c-1", type: "i2c", device: "/dev/i2c-1" }],
};
const targets = (options: Partial<ScanOptions>, config?: Parameters<typeof targetsOf>[1]) =>
  targetsOf({ ...OPTIONS, ...options }, config, () => MACHINE);

test.each([
  ["1-3,247", [1, 2, 3, 247]],
  ["5", [5]],
  ["2-3, 3-4", [2, 3, 4]],
  ["0-3", []],
  ["1-248", []],
  ["9-2", []],
  ["all", []],
  ["", []],
])("units %s are %j", (text, units) => {
  expect(parseUnits(text)).toEqual(units);
});

test("without any bus named, the machine's own are looked at, and hosts come on top", () => {
  expect(targets({}).i2c).toHaveLength(1);
  const { i2c, modbusTcp, nut } = targets({ host: ["10.0.0.5", "PDU.lan:1502"], nut: ["nas"] });
  expect(i2c).toHaveLength(1);
  expect(modbusTcp).toEqual([
    { id: "net-10-0-0-5", type: "modbus-tcp", host: "10.0.0.5", port: 502 },
    { id: "net-pdu-lan-1502", type: "modbus-tcp", host: "PDU.lan", port: 1502 },
  ]);
  expect(nut).toEqual([{ id: "nut-nas", type: "nut", host: "nas", port: 3493 }]);
});

test("buses that are named, or those of a file, are looked at alone", () => {
  const named = targets({
    i2c: ["/dev/i2c-3", "i2c-11=tcp://127.0.0.1:7001"],
    serial: ["/dev/ttyUSB0"],
  });
  expect(named.i2c).toEqual([
    { id: "i2c-3", type: "i2c", device: "/dev/i2c-3" },
    { id: "i2c-11", type: "i2c", device: "tcp://127.0.0.1:7001" },
  ]);
  expect(named.serial).toEqual([{ id: "rs485-1", device: "/dev/ttyUSB0" }]);
  const buses = [{ id: "w1", type: "one-wire" as const, path: "/sys" }];
  expect(targets({}, { buses })).toEqual({ ...NO_TARGETS, oneWire: buses });
});

test("every list option takes several values, one after another", () => {
  const program = new Command();
  addCommissionCommands(program, () => {
    throw new Error("not read here");
  });
  const scan = program.commands.find((command) => command.name() === "scan");
  scan?.parseOptions([
    "--i2c",
    "a",
    "b",
    "--host",
    "c",
    "d:1",
    "--nut",
    "e",
    "f",
    "--serial",
    "g",
    "h",
  ]);
  expect(scan?.opts()).toMatchObject({
    ...{ i2c: ["a", "b"], host: ["c", "d:1"] },
    ...{ nut: ["e", "f"], serial: ["g", "h"] },
  });
});

test("plenum-edge scan --config --out writes a new edge.yaml that the check accepts", async () => {
  await withRoom(
    async (room) => {
      const config = roomConfig(room);
      config.buses = config.buses.filter(({ type }) => type !== "modbus-tcp");
      const program = new Command().exitOverride();
      addCommissionCommands(program, () => config);
      const out = path.join(room.ports.w1, "found.yaml");
      await program.parseAsync(
        ["scan", "--config", "edge.yaml", "--units", "1", "--node", "pi-7", "--out", out],
        { from: "user" },
      );
      const checked = checkEdge(readFileSync(out, "utf8"), out, ownCatalogue());
      expect(checked).toMatchObject({ config: { node: "pi-7" } });
      const devices = "config" in checked ? checked.config.devices : [];
      expect(devices.map(({ id }) => id)).toEqual(
        expect.arrayContaining(["i2c-11-44", "i2c-11-4b", "28-000000000b08"]),
      );
    },
    { speed: 0 },
  );
});
