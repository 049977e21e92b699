import type { I2cChip } from "../room/chips/chip.ts";
import { Sht3x } from "../room/chips/sht3x.ts";
import { Tmp117 } from "../room/chips/tmp117.ts";

const monoMs = () => performance.now();

/** What the sensors of one bus feel, and what is wrong with them. */
export interface Surroundings {
  airC: number;
  humidityRh: number;
  plateC: number;
  /** True: every SHT31 frame arrives damaged. */
  corrupt: boolean;
}

/** A bus, or a channel of a mux. */
interface Sockets {
  chips: Map<number, I2cChip>;
}

export const SHT31_ADDRESS = 0x44;
export const TMP117_ADDRESS = 0x48;

/** Plugs an SHT31 and a TMP117 into a bus. */
export function plugIn(bus: Sockets, around: Surroundings): void {
  const sht31 = new Sht3x(
    {
      monoMs,
      temperatureC: () => around.airC,
      humidityRh: () => around.humidityRh,
      corrupt: () => ({ temperature: around.corrupt, humidity: around.corrupt }),
    },
    1,
  );
  bus.chips.set(SHT31_ADDRESS, sht31);
  plugInTmp117(bus, around);
}

/** A TMP117 that just got power. */
export function plugInTmp117(bus: Sockets, around: Surroundings): void {
  bus.chips.set(TMP117_ADDRESS, new Tmp117({ monoMs, temperatureC: () => around.plateC }));
}

/** The two as edge.yaml has them, with points `<place>.inlet-top`, `.humidity` and `.inlet-mid`. */
export function sensorConfig(bus: string, place: string, every: string): object[] {
  return [
    {
      id: `${place}-top`,
      bus,
      driver: "sht31",
      address: SHT31_ADDRESS,
      every,
      points: { temperature: `${place}.inlet-top`, humidity: `${place}.humidity` },
    },
    {
      id: `${place}-mid`,
      bus,
      driver: "tmp117",
      address: TMP117_ADDRESS,
      every,
      points: { temperature: `${place}.inlet-mid` },
    },
  ];
}
