import type { SharedI2c } from "./i2c-shared.ts";
import { DeviceError, type I2cPort } from "./port.ts";

const CHANNELS = 8;
const NONE = 0x00;

/**
 * A TCA9548A (or PCA9548) switched by this program: eight buses behind one, a channel open only during
 * its transfer, and nothing else on the bus meanwhile. The kernel's own overlay is better where it can
 * be had: it locks out other programs too.
 */
export function muxedBuses(deps: {
  /** The bus the multiplexer is on. */
  bus: SharedI2c;
  /** Of the multiplexer, 0x70–0x77. */
  address: number;
}): (channel: number) => Promise<I2cPort> {
  const { bus, address } = deps;

  const select = async (port: I2cPort, mask: number): Promise<void> => {
    await port.write(address, Uint8Array.of(mask));
    const [found] = await port.read(address, 1);
    if (found === mask) return;
    const where = `0x${address.toString(16)}`;
    throw new DeviceError("bus", `${where} does not keep its channels: is it a TCA9548A?`);
  };

  return async (channel) => {
    if (!Number.isInteger(channel) || channel < 0 || channel >= CHANNELS)
      throw new RangeError(`a TCA9548A has channels 0–7, not ${channel}`);
    const user = await bus.join();
    const through = <T>(transfer: (port: I2cPort) => Promise<T>): Promise<T> =>
      user.alone(async (port) => {
        try {
          await select(port, 1 << channel);
          return await transfer(port);
        } finally {
          // A channel left open would mix its chips with those of the next.
          await select(port, NONE);
        }
      });
    return {
      write: (chip, bytes) => through((port) => port.write(chip, bytes)),
      read: (chip, length) => through((port) => port.read(chip, length)),
      writeRead: (chip, bytes, length) => through((port) => port.writeRead(chip, bytes, length)),
      close: () => user.close(),
    };
  };
}

/** The channels a control byte opens. */
export function enabledChannels(mask: number): number[] {
  return Array.from({ length: CHANNELS }, (_, n) => n).filter((n) => (mask >> n) & 1);
}
