import { DeviceError } from "../bus/port.ts";
import { checkedWord } from "./crc8.ts";
import { type I2cDevice, type I2cDriver, within } from "./driver.ts";

const STOP = [0x3f, 0xf9];
const STOP_MS = 1; // datasheet maximum is 500 µs
const READ_PRODUCT = [
  [0x36, 0x7c],
  [0xe1, 0x02],
] as const;
const PRODUCTS = [0x0301, 0x0302]; // SDP3x, SDP8xx; the second word tells size and revision
const START = [0x36, 0x15]; // differential pressure, averaged until it is read
const FIRST_MS = 9; // datasheet maximum is 8 ms
const SCALE_END_PA = 550;

/** Sensirion SDP31, SDP32, SDP8xx differential pressure sensor (SDP3x-Digital, SDP8xx-Digital datasheets). */
export const sdp3x: I2cDriver<"pressure" | "temperature"> = {
  model: "sdp3x",
  channels: { pressure: "pressure", temperature: "temperature" },
  addresses: [0x21, 0x22, 0x23, 0x25, 0x26],
  async start(device) {
    await stop(device);
    await device.pause(STOP_MS);
    for (const command of READ_PRODUCT) await device.write(command);
    const product = await device.read(18);
    if (!PRODUCTS.includes(checkedWord(product, 0)))
      throw new DeviceError("identity", "the product number is not an SDP3x's or SDP8xx's");
    await device.write(START);
    await device.pause(FIRST_MS);
  },
  async read(device) {
    const { pressure, temperature } = decodeSdp3x(await device.read(9));
    return {
      pressure: within(pressure, -SCALE_END_PA, SCALE_END_PA),
      temperature: within(temperature, -40, 85),
    };
  },
};

/** A chip that was not measuring need not acknowledge the stop; whether it is there shows its product number. */
async function stop(device: I2cDevice): Promise<void> {
  try {
    await device.write(STOP);
  } catch (error) {
    if (!(error instanceof DeviceError && error.reason === "no-answer")) throw error;
  }
}

/** Pa and °C. The frame itself says how many steps a Pascal has: 60 for 500 Pa, 240 for 125 Pa. */
export function decodeSdp3x(frame: Uint8Array): { pressure: number; temperature: number } {
  const signed = (offset: number) => (checkedWord(frame, offset) << 16) >> 16;
  const stepsPerPa = signed(6);
  if (stepsPerPa <= 0) throw new DeviceError("range", `${stepsPerPa} steps a Pascal is no scale`);
  return { pressure: signed(0) / stepsPerPa, temperature: signed(3) / 200 };
}
