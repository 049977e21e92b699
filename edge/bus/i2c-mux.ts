import { DeviceError, type I2cPort } from "./port.ts";
import { turnstile } from "./turn.ts";

const CHANNELS = 8;
const NONE = 0x00;

/**
 * A TCA9548A (or PCA9548) switched by this program: eight buses behind one, a channel open only during
 * its transfer. The kernel's own overlay is better where it can be had: it locks out other programs too.
 */
export function muxedBuses(deps: {
  /** Opens the bus the multiplexer is on. */
  open: () => Promise<I2cPort>;
  /** Of the multiplexer, 0x70–0x77. */
  address: number;
}): (channel: number) => Promise<I2cPort> {
  const { open, address } = deps;
  const turn = turnstile();
  let parent: Promise<I2cPort> | undefined;
  let users = 0;

  const acquire = async (): Promise<I2cPort> => {
    parent ??= open();
    users += 1;
    try {
      return await parent;
    } catch (error) {
      await release();
      throw error;
    }
  };
  const release = async (): Promise<void> => {
    users -= 1;
    if (users > 0) return;
    const unused = parent;
    parent = undefined;
    // A bus that could not be opened needs no closing; its opener saw the error.
    await unused?.then(
      (port) => port.close(),
      () => undefined,
    );
  };

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
    const port = await acquire();
    // One of each channel waits for the multiplexer, however many chips wait for the channel.
    const own = turnstile();
    const through = <T>(transfer: () => Promise<T>): Promise<T> =>
      own(() =>
        turn(async () => {
          try {
            await select(port, 1 << channel);
            return await transfer();
          } finally {
            // A channel left open would mix its chips with those of the next.
            await select(port, NONE);
          }
        }),
      );
    let closed = false;
    return {
      write: (chip, bytes) => through(() => port.write(chip, bytes)),
      read: (chip, length) => through(() => port.read(chip, length)),
      writeRead: (chip, bytes, length) => through(() => port.writeRead(chip, bytes, length)),
      close: async () => {
        if (closed) return;
        closed = true;
        await release();
      },
    };
  };
}

/** The channels a control byte opens. */
export function enabledChannels(mask: number): number[] {
  return Array.from({ length: CHANNELS }, (_, n) => n).filter((n) => (mask >> n) & 1);
}
