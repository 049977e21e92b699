import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { machinePorts } from "../../../edge/buses.ts";
import { edgeYaml } from "../../../edge/commission/edge-yaml.ts";
import { NO_TARGETS, type ScanTargets } from "../../../edge/commission/machine.ts";
import type { ProgressState } from "../../../edge/commission/progress.ts";
import { scan } from "../../../edge/commission/scan.ts";
import { USUAL_SETTINGS } from "../../../edge/commission/scan-modbus.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { I2C_BUSES } from "../../room/layout.ts";
import type { Room } from "../../room/room.ts";
import { withRoom } from "../../room/room-fixture.ts";

const catalogue = ownCatalogue();
const ROOM_PROFILES = ["apc-inrow-sc", "apc-smartups-990-9840", "dse-genset", "eastron-sdm630"];

function targetsOf({ ports }: Room): ScanTargets {
  const wire = `tcp://127.0.0.1:${ports.wire}`;
  const tcp = (name: string) => ({
    id: `net-${name}`,
    type: "modbus-tcp" as const,
    host: "127.0.0.1",
    port: ports.tcp[name]!,
  });
  return {
    ...NO_TARGETS,
    i2c: I2C_BUSES.slice(0, 2).map((id) => ({ id, type: "i2c", device: wire })),
    oneWire: [{ id: "w1", type: "one-wire", path: ports.w1 }],
    gpio: [{ id: "gpio", type: "gpio", chip: wire }],
    serial: [{ id: "rs485-1", device: ports.rtu }],
    modbusTcp: [tcp("ups-a"), tcp("pdus")],
    nut: [{ id: "nut-1", type: "nut", host: "127.0.0.1", port: 1 }],
  };
}

const scanOf = (room: Room, told: ProgressState[]) =>
  scan({
    targets: targetsOf(room),
    ports: machinePorts(systemClock),
    profiles: ROOM_PROFILES.map((id) => catalogue.profile(id)),
    settings: USUAL_SETTINGS,
    units: [1, 2, 11, 12],
    clock: systemClock,
    onProgress: (state) => told.push(state),
  });

test("a scan of the room finds its chips, probes, meters and UPS, and writes an edge.yaml that the check accepts", async () => {
  await withRoom(
    async (room) => {
      room.do("unplug", "a02.inlet-mid");
      room.do("hang", "i2c-12");
      const told: ProgressState[] = [];
      const findings = await scanOf(room, told);
      expect(findings.map(({ kind }) => kind)).toEqual([
        "i2c",
        "failed",
        "one-wire",
        "gpio",
        "modbus",
        "modbus",
        "modbus",
        "failed",
      ]);
      expect(told.at(-1)?.total).toBeGreaterThan(0);
      const text = edgeYaml({
        node: "pi-1",
        hubUrl: "mqtt://hub.example",
        findings,
        skipped: ["/dev/i2c-20 leads to a screen (HDMI)"],
        catalogue,
        at: Date.UTC(2026, 0, 2, 3, 4),
      });
      const file = path.join(room.ports.w1, "edge.yaml");
      writeFileSync(file, text);
      const checked = checkEdge(readFileSync(file, "utf8"), file, catalogue);
      expect(checked).not.toHaveProperty("problems");
      if (!("config" in checked)) return;
      const { devices } = checked.config;
      expect(devices.filter(({ kind }) => kind === "i2c").map(({ id }) => id)).toEqual(
        ["44", "45", "48", "4a", "4b"].map((at) => `i2c-11-${at}`),
      );
      expect(devices.filter(({ kind }) => kind === "one-wire")).toHaveLength(16);
      expect(devices.filter(({ kind }) => kind === "modbus")).toEqual([
        expect.objectContaining({ id: "net-ups-a-u1", profile: "apc-smartups-990-9840", unit: 1 }),
      ]);
      expect(text).toContain("net-ups-a unit 1 says Smart-UPS SRT 100000");
      for (const [bus, unit] of [
        ["rs485-1", 1],
        ["rs485-1", 2],
        ["net-pdus", 11],
        ["net-pdus", 12],
      ])
        expect(text).toContain(
          `  # - { id: ${bus}-u${unit}, bus: ${bus}, profile: eastron-sdm630, unit: ${unit} }\n`,
        );
      expect(text).toContain("I2C bus i2c-12");
      expect(text).toContain("HDMI");
    },
    { speed: 0 },
  );
});
