import { readFileSync } from "node:fs";
import type { Catalogue } from "../../edge/config/catalogue.ts";
import { ownCatalogue } from "../../edge/config/catalogue.ts";
import { parseProfile } from "../../edge/profiles/load.ts";

export const MODBUS_DEVICES = 10;
export const REGISTERS = 60;
export const PERIOD_MS = 1_000;

/** A made-up device with 60 one-word measurements, all read every second. */
export const BENCH_PROFILE = parseProfile(
  `profile: 1
id: bench-60
vendor: Bench
model: 60 registers
kind: meter
source: { doc: made for measuring, verified: vectors-only }
link: { tcp: { port: 502 }, unit: 1 }
defaults: { fc: 3 }
limits: { maxRegisters: 125, maxGap: 8, timeoutMs: 500, maxResponseMs: 1000 }
classes: { normal: 1s }
points:
${Array.from({ length: REGISTERS }, (_, i) => `  - { id: r${i}, address: ${i}, type: u16, scale: 0.1, quantity: current, label: Register ${i} }`).join("\n")}
`,
  "bench-60.yaml",
);

/** The edge's own catalogue and the bench profile. */
export function benchCatalogue(): Catalogue {
  const own = ownCatalogue();
  return {
    ...own,
    profiles: [...own.profiles, BENCH_PROFILE.id],
    profile: (id) => (id === BENCH_PROFILE.id ? BENCH_PROFILE : own.profile(id)),
  };
}

/** The 16 I2C sensors of the bench: eight buses of the room with two SHT31 each. */
export const CHIPS = Array.from({ length: 8 }, (_, i) => `i2c-${11 + i}`).flatMap((bus) =>
  [0x44, 0x45].map((address) => ({ bus, address, id: `${bus}-${address.toString(16)}` })),
);

/** GPIO lines of the doors. */
export const DOOR_LINES = [4, 5, 6, 12, 13, 16, 17, 27];

/** The ports of the other ends of the wires. */
export interface BenchWires {
  mqtt: number;
  wire: number;
  gpio: number;
  tcp: number[];
}

/** Reads the ports the bench gave to its child. */
export function wiresFrom(file: string | undefined): BenchWires {
  if (file === undefined) throw new Error("usage: <program> <wires.json>");
  return JSON.parse(readFileSync(file, "utf8")) as BenchWires;
}
