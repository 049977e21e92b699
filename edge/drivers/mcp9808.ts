import { DeviceError } from "../bus/port.ts";
import { type I2cDriver, within, word } from "./driver.ts";

const TEMPERATURE = [0x05];
const MANUFACTURER = [0x06];
const DEVICE = [0x07];
const MICROCHIP = 0x0054;
const MCP9808 = 0x04; // the lower byte is the revision

/** Microchip MCP9808 temperature sensor, ±0.25 °C (DS25095). It converts by itself four times a second. */
export const mcp9808: I2cDriver<"temperature"> = {
  model: "mcp9808",
  channels: { temperature: "temperature" },
  addresses: [0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f],
  coarse: true,
  async read(device) {
    const manufacturer = word(await device.writeRead(MANUFACTURER, 2), 0);
    const chip = word(await device.writeRead(DEVICE, 2), 0);
    if (manufacturer !== MICROCHIP || !isMcp9808(chip))
      throw new DeviceError("identity", "the id registers are not an MCP9808's");
    const temperature = decodeMcp9808(await device.writeRead(TEMPERATURE, 2));
    return { temperature: within(temperature, -40, 125) };
  },
};

export const isMcp9808 = (id: number): boolean => id >> 8 === MCP9808;

/** °C from bits 12–0; the three bits above are alert flags. */
export function decodeMcp9808(frame: Uint8Array): number {
  return ((word(frame, 0) << 19) >> 19) / 16;
}
