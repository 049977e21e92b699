import { DeviceError } from "../bus/port.ts";
import { convertAds1115, decodeAds1115 } from "./ads1115.ts";
import { doorLoop, loopOhm } from "./analog-input.ts";
import { channel } from "./driver.ts";
import type { LineChip, LineState } from "./line-chip.ts";

const LINES = 4;
/** A 3.3 V pull-up stays within it. */
const FULL_SCALE_V = 4.096;
const WIDE_SCALE_V = 6.144;

const WORDS = {
  cut: "the loop is cut",
  short: "the loop is shorted: somebody may have bridged the contact",
  "loop-fault": "the loop is neither closed nor open: tampering, or a bad joint",
};

/**
 * Supervised door loops on a Texas Instruments ADS1115, one on each input: a pull-up to the supply, 1 kΩ
 * in series with the contact, 3.3 kΩ across it. A closed contact is 0 and an open one 1, as with a plain
 * contact; a cut or shorted loop is "wire".
 */
export function loopLines(circuit: {
  lines: readonly number[];
  supplyV: number;
  pullUpOhm: number;
}): LineChip {
  const fullScaleV = circuit.supplyV > 4 ? WIDE_SCALE_V : FULL_SCALE_V;
  const sense: LineChip["sense"] = async (device) => {
    const found: LineState[] = Array.from(
      { length: LINES },
      (_, line) => new DeviceError("unsupported", `nothing is said of input ${line}`),
    );
    for (const line of circuit.lines) {
      const frame = await convertAds1115(device, line, fullScaleV);
      const volts = channel(() => decodeAds1115(frame, fullScaleV));
      found[line] = volts instanceof DeviceError ? volts : stateOf(loopOhm(volts, circuit));
    }
    return found;
  };
  return {
    setUp: async (device, latches) => {
      await sense(device, latches);
    },
    sense,
    drive: async () => {
      throw new Error("an ADS1115 has no outputs");
    },
  };
}

function stateOf(ohms: number): LineState {
  const state = doorLoop(ohms);
  if (state === "closed") return 0;
  if (state === "open") return 1;
  return new DeviceError("wire", WORDS[state]);
}
