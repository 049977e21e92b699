import { DeviceError } from "../bus/port.ts";
import { maximCrc8 } from "./crc8.ts";
import { type OneWireDriver, within } from "./driver.ts";

const POWER_ON = 0x0550; // 85 °C
const WEAK_POWER = 0x07ff; // 127.94 °C
/** Byte 6 of a chip that has not converted; after a genuine 85 °C it is 0x10. */
const UNCONVERTED = 0x0c;

/** Maxim DS18B20 thermometer through the kernel's `w1_slave` text. */
export const ds18b20: OneWireDriver = {
  model: "ds18b20",
  family: "28",
  channels: { temperature: "temperature" },
  decode(text) {
    const scratchpad = parseScratchpad(text);
    const raw = scratchpad[0] | (scratchpad[1] << 8);
    if (scratchpad[6] === UNCONVERTED && raw === POWER_ON)
      throw new DeviceError("not-ready", "power-on value: no conversion took place");
    if (scratchpad[6] === UNCONVERTED && raw === WEAK_POWER)
      throw new DeviceError("not-ready", "too little power to convert");
    // Below 12 bits of resolution (bits 5 and 6 of byte 4) the lowest bits are noise.
    const unused = 3 - ((scratchpad[4] >> 5) & 3);
    return within((((raw >> unused) << (unused + 16)) >> 16) / 16, -55, 125);
  },
};

export type Scratchpad = [number, number, number, number, number, number, number, number, number];

/**
 * The nine bytes of `… : crc=XX YES`. The temperature in the second line is not used: after NO it is
 * an old one. Throws `DeviceError`.
 */
export function parseScratchpad(text: string): Scratchpad {
  // A thermometer that is gone, or a bus that fails in mid-read, gives an empty file and no error.
  if (text.trim() === "") throw new DeviceError("no-answer", "w1_slave is empty: no device");
  const match = /^((?:[0-9a-f]{2} ){9}): crc=([0-9a-f]{2}) (YES|NO)\s/.exec(text);
  if (!match?.[1]) throw new DeviceError("checksum", `"${text.slice(0, 40)}" is not w1_slave text`);
  const bytes = match[1]
    .trim()
    .split(" ")
    .map((byte) => Number.parseInt(byte, 16)) as Scratchpad;
  if (bytes.every((byte) => byte === 0xff))
    throw new DeviceError("no-answer", "only ones: no device, or no pull-up");
  if (bytes.every((byte) => byte === 0))
    throw new DeviceError("bus", "only zeros: the bus is shorted, though the CRC fits");
  if (match[3] !== "YES" || maximCrc8(bytes.slice(0, 8)) !== bytes[8])
    throw new DeviceError("checksum", "CRC mismatch");
  return bytes;
}
