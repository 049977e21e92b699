import { type ContactOptions, contactOptions, flagChannels, offNormal } from "./contacts.ts";
import { byte, type I2cDriver } from "./driver.ts";

const RELEASE = [0xff]; // only an output that is high can be read as an input

const INPUTS = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"] as const;
type Input = (typeof INPUTS)[number];

/**
 * NXP PCF8574, PCF8574A: 8 contacts to ground (SCPS068). An input is 1 when its contact is not as it
 * should be. The chip has no register to know it by; that it acknowledges is all.
 */
export const pcf8574: I2cDriver<Input, ContactOptions<Input>> = {
  model: "pcf8574",
  channels: flagChannels(INPUTS),
  addresses: [0x20, 0x38].flatMap((first) => Array.from({ length: 8 }, (_, i) => first + i)),
  optionsSchema: contactOptions("a PCF8574", INPUTS),
  coarse: true,
  async read(device, options) {
    await device.write(RELEASE);
    return offNormal(byte(await device.read(1), 0), INPUTS, options);
  },
};
