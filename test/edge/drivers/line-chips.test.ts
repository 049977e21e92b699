import fc from "fast-check";
import { expect, test } from "vitest";
import { DeviceError, type Level } from "../../../edge/bus/port.ts";
import { EXPANDERS } from "../../../edge/drivers/index.ts";
import type { LineChip } from "../../../edge/drivers/line-chip.ts";
import { loopLines } from "../../../edge/drivers/loop-lines.ts";

const CHIPS: [string, () => LineChip, boolean][] = [
  ["mcp23017", EXPANDERS.mcp23017, true],
  ["pcf8574", EXPANDERS.pcf8574, true],
  ["ads1115 loops", () => loopLines({ lines: [0, 3], supplyV: 3.3, pullUpOhm: 2_200 }), false],
];

test.each(CHIPS)(
  "%s: any bytes give levels or a DeviceError, never anything else",
  async (_, make, drives) => {
    const level = fc.constantFrom<Level>(0, 1);
    const latches = drives
      ? fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 7 }), level), {
          selector: ([line]) => line,
        })
      : fc.constant<[number, Level][]>([]);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 32 }), latches, async (bytes, outputs) => {
        const give = async (length: number) =>
          Uint8Array.from({ length }, (_unused, i) => bytes[i % Math.max(1, bytes.length)] ?? 0);
        const device = {
          write: async () => undefined,
          read: give,
          writeRead: (_command: readonly number[], length: number) => give(length),
          pause: async () => undefined,
        };
        const chip = make();
        const map = new Map(outputs);
        try {
          await chip.setUp(device, map);
          for (const state of await chip.sense(device, map))
            expect(state === 0 || state === 1 || state instanceof DeviceError).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DeviceError);
        }
      }),
    );
  },
);
