import { z } from "zod";
import { QUANTITY_IDS } from "../../contract/quantity.ts";
import { block, says } from "../../contract/yaml-words.ts";
import { DeviceError } from "../bus/port.ts";
import { amount } from "../config/words.ts";

export const FULL_SCALES_V = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256] as const;
const fullScaleV = z
  .literal([...FULL_SCALES_V], says(`fullScaleV is ${FULL_SCALES_V.join(", ")}`))
  .default(4.096);
const supplyV = amount("the supply of the pull-up in V,", 1, 5.5).default(3.3);
const ohm = (what: string) => amount(`${what} in Ω,`, 1, 1_000_000);
const value = (what: string) => amount(what, -1e9, 1e9);

/** What hangs on one analogue input. */
export const analogInput = z.discriminatedUnion(
  "kind",
  [
    block("a voltage input", {
      kind: z.literal("voltage"),
      fullScaleV,
      /** Of a divider before the input: true voltage by measured voltage. */
      factor: amount("the factor of the divider", 0.001, 10_000).default(1),
    }),
    block("a 4–20 mA input", {
      kind: z.literal("current-loop"),
      fullScaleV,
      shuntOhm: amount("the shunt in Ω,", 1, 250),
      quantity: z.enum(QUANTITY_IDS, says(`a quantity is ${QUANTITY_IDS.join(", ")}`)),
      at4mA: value("the value at 4 mA,"),
      at20mA: value("the value at 20 mA,"),
    }),
    block("a supervised door loop", {
      kind: z.literal("door-loop"),
      fullScaleV,
      supplyV,
      pullUpOhm: ohm("the pull-up").default(2_200),
    }),
    block("a leak rope", {
      kind: z.literal("leak-rope"),
      fullScaleV,
      supplyV,
      pullUpOhm: ohm("the pull-up"),
      /** The resistor at the far end, seen when the rope is dry. */
      endOhm: ohm("the resistor at the far end"),
    }),
  ],
  says("kind is voltage, current-loop, door-loop or leak-rope"),
);
export type AnalogInput = z.output<typeof analogInput>;

/** What `volts` at the input mean. Throws `DeviceError`: "wire" for a cut or shorted loop. */
export function measured(volts: number, input: AnalogInput): number {
  switch (input.kind) {
    case "voltage":
      return volts * input.factor;
    case "current-loop": {
      const mA = soundCurrent((volts / input.shuntOhm) * 1_000);
      return input.at4mA + ((mA - 4) / 16) * (input.at20mA - input.at4mA);
    }
    case "door-loop": {
      const state = doorLoop(loopOhm(volts, input));
      if (state === "closed") return 0;
      if (state === "open") return 1;
      throw new DeviceError("wire", `the loop is neither closed nor open: ${state}`);
    }
    case "leak-rope": {
      const ohms = loopOhm(volts, input);
      if (ohms > 1.5 * input.endOhm) throw new DeviceError("wire", "the rope is cut");
      return ohms < 0.75 * input.endOhm ? 1 : 0;
    }
  }
}

/** The current itself when it is a measurement (NAMUR NE 43). Throws `DeviceError`. */
export function soundCurrent(mA: number): number {
  if (mA < 0.5) throw new DeviceError("wire", `${mA.toFixed(2)} mA: the loop is open`);
  if (mA < 3.6 || mA > 21)
    throw new DeviceError("not-available", `${mA.toFixed(2)} mA: the transmitter reports a fault`);
  if (mA < 3.8 || mA > 20.5)
    throw new DeviceError("range", `${mA.toFixed(2)} mA is beyond the transmitter's range`);
  return mA;
}

/** The resistance to ground under a pull-up; infinite when nothing is connected. */
export function loopOhm(
  volts: number,
  { supplyV, pullUpOhm }: { supplyV: number; pullUpOhm: number },
): number {
  return volts >= supplyV ? Infinity : Math.max(0, (pullUpOhm * volts) / (supplyV - volts));
}

/** A contact with 1 kΩ in series and 3.3 kΩ across it. Whatever fits no state is tampering or a bad joint. */
export function doorLoop(ohms: number): "short" | "closed" | "open" | "cut" | "loop-fault" {
  if (ohms < 400) return "short";
  if (ohms >= 700 && ohms <= 1_400) return "closed";
  if (ohms >= 3_600 && ohms <= 5_000) return "open";
  return ohms > 20_000 ? "cut" : "loop-fault";
}
