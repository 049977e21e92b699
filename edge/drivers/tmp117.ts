import { DeviceError } from "../bus/port.ts";
import { type I2cDriver, signedWord, within, word } from "./driver.ts";

const TEMPERATURE = [0x00];
const DEVICE_ID = [0x0f];
const ID_MASK = 0x0fff; // the upper four bits are the revision
const ID = 0x0117;
const NO_CONVERSION = -32_768;
const STEP_C = 0.0078125;

/** Texas Instruments TMP117 temperature sensor, ±0.1 °C (SNOSD82). It converts by itself once a second. */
export const tmp117: I2cDriver<"temperature"> = {
  model: "tmp117",
  channels: { temperature: "temperature" },
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  async read(device) {
    const id = word(await device.writeRead(DEVICE_ID, 2), 0);
    if ((id & ID_MASK) !== ID)
      throw new DeviceError("identity", `device id is 0x${id.toString(16)}, a TMP117 has 0x117`);
    const temperature = decodeTmp117(await device.writeRead(TEMPERATURE, 2));
    return { temperature: within(temperature, -55, 150) };
  },
};

/** °C as the register spells it. Throws `DeviceError` "not-ready" for the power-on value. */
export function decodeTmp117(frame: Uint8Array): number {
  const raw = signedWord(frame, 0);
  if (raw === NO_CONVERSION) throw new DeviceError("not-ready", "no conversion since power-on");
  return raw * STEP_C;
}
