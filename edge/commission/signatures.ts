import { DeviceError } from "../bus/port.ts";
import { checkedWord, sensirionCrc8 } from "../drivers/crc8.ts";
import { type I2cDevice, word } from "../drivers/driver.ts";

/** How one model of chip is recognised without changing anything in it. */
export interface Signature {
  /** The driver's name; a model without a driver is told by its own. */
  model: string;
  addresses: readonly number[];
  /**
   * `identity`: an id register, or frames with their own check bytes. `likeness`: only the values registers
   * hold after power-up, which another chip may hold too.
   */
  proof: "identity" | "likeness";
  /** Throws `DeviceError` when the chip does not answer or its bytes are damaged: then it is not this model. */
  matches(device: I2cDevice): Promise<boolean>;
}

/** At these a byte written may switch a relay or a multiplexer, so a plain read comes first. */
export const SWITCHING_ADDRESSES = [
  ...range(0x20, 0x27),
  ...range(0x38, 0x3f),
  ...range(0x70, 0x77),
];
/** Two EEPROM families keep write protection and page registers here; nothing is said to them. */
export const LEFT_ALONE = [...range(0x30, 0x37), ...range(0x50, 0x57)];

const COMMAND_MS = 2;
const WAKE_MS = 1;
const TEXAS_INSTRUMENTS = 0x5449;

/**
 * In the order in which they are asked: first what only reads registers, and never a word that starts
 * something in another chip of the same address (0x24 heats an SHT4x, so an SHT3x is asked for its status).
 */
export const SIGNATURES: readonly Signature[] = [
  ids("ina226", range(0x40, 0x4f), { 254: TEXAS_INSTRUMENTS, 255: 0x2260 }),
  ids("ina3221", range(0x40, 0x43), { 254: TEXAS_INSTRUMENTS, 255: 0x3220 }),
  ids("hdc1080", [0x40], { 254: TEXAS_INSTRUMENTS, 255: 0x1050 }),
  ids("ina228", range(0x40, 0x4f), { 62: TEXAS_INSTRUMENTS, 63: 0x2280 }, 0xfff0),
  ids("tmp117", range(0x48, 0x4b), { 15: 0x0117 }, 0x0fff),
  {
    model: "mcp9808",
    addresses: range(0x18, 0x1f),
    proof: "identity",
    matches: async (device) =>
      (await register(device, 6)) === 0x0054 && (await register(device, 7)) >> 8 === 0x04,
  },
  {
    model: "hdc302x",
    addresses: range(0x44, 0x47),
    proof: "identity",
    matches: async (device) => (await words(device, [0x37, 0x81], 1))[0] === 0x3000,
  },
  // Its status word; an HDC302x has the same one and was asked before.
  checked("sht31", [0x44, 0x45], { command: [0xf3, 0x2d], words: 1 }),
  checked("sht4x", [0x44, 0x45, 0x46], { command: [0x89], words: 2 }),
  checked("scd4x", [0x62], { command: [0xe4, 0xb8], words: 1 }),
  bosch("bme280", 0x60),
  bosch("bmp280", 0x58),
  { model: "aht20", addresses: [0x38], proof: "identity", matches: isAht20 },
  { model: "shtc3", addresses: [0x70], proof: "identity", matches: isShtc3 },
  {
    model: "sdp3x",
    addresses: [0x21, 0x22, 0x23, 0x25, 0x26],
    proof: "identity",
    matches: isSdp3x,
  },
  likeness("ads1115", range(0x48, 0x4b), { 2: 0x8000, 3: 0x7fff }),
  // Thresholds of 75 and 80 °C: both families wake with them, only a TMP102 also with 12 bits set.
  likeness("tmp102", range(0x48, 0x4b), { 1: 0x60a0, 2: 0x4b00, 3: 0x5000 }),
  likeness("lm75", range(0x48, 0x4f), { 2: 0x4b00, 3: 0x5000 }),
  likeness("ina219", range(0x40, 0x4f), { 0: 0x399f, 5: 0 }),
];

/** What commonly sits at an address but has nothing that would tell it apart. */
export const NAMELESS: readonly { model: string; addresses: readonly number[] }[] = [
  { model: "mcp23017", addresses: range(0x20, 0x27) },
  { model: "pcf8574", addresses: [...range(0x20, 0x27), ...range(0x38, 0x3f)] },
  { model: "tca9548a", addresses: range(0x70, 0x77) },
];

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

type Registers = Record<number, number>;

function ids(model: string, addresses: number[], expected: Registers, mask = 0xffff): Signature {
  return { model, addresses, proof: "identity", matches: holds(expected, mask) };
}

function likeness(model: string, addresses: number[], expected: Registers): Signature {
  return { model, addresses, proof: "likeness", matches: holds(expected, 0xffff) };
}

function holds(expected: Registers, mask: number) {
  return async (device: I2cDevice): Promise<boolean> => {
    for (const [pointer, value] of Object.entries(expected)) {
      const found = await register(device, Number(pointer));
      // The mask belongs to the last register, which tells model and revision; the maker's is exact.
      const whole = value === TEXAS_INSTRUMENTS ? 0xffff : mask;
      if ((found & whole) !== value) return false;
    }
    return true;
  };
}

async function register(device: I2cDevice, pointer: number): Promise<number> {
  return word(await device.writeRead([pointer], 2), 0);
}

function checked(
  model: string,
  addresses: number[],
  ask: { command: number[]; words: number },
): Signature {
  const matches = async (device: I2cDevice) => {
    await words(device, ask.command, ask.words);
    return true;
  };
  return { model, addresses, proof: "identity", matches };
}

/** Words that each carry a Sensirion check byte. Throws `DeviceError` "checksum". */
async function words(device: I2cDevice, command: number[], count: number): Promise<number[]> {
  await device.write(command);
  await device.pause(COMMAND_MS);
  const frame = await device.read(3 * count);
  return Array.from({ length: count }, (_, i) => checkedWord(frame, 3 * i));
}

function bosch(model: string, id: number): Signature {
  return {
    model,
    addresses: [0x76, 0x77],
    proof: "identity",
    matches: async (device) => {
      const before = (await device.read(1))[0] ?? 0;
      const [found] = await device.writeRead([0xd0], 1);
      // A multiplexer took the register number for its channels and says it back: put them as they were.
      if (found === 0xd0) await device.write([before]);
      return found === id;
    },
  };
}

/** Its last frame, with the check byte. */
async function isAht20(device: I2cDevice): Promise<boolean> {
  const frame = await device.read(7);
  return varied(frame) && sensirionCrc8(frame.subarray(0, 6)) === frame[6];
}

/** Asleep it refuses a plain read, which a multiplexer at this address never does. */
async function isShtc3(device: I2cDevice): Promise<boolean> {
  if (await readable(device)) return false;
  await device.write([0x35, 0x17]);
  await device.pause(WAKE_MS);
  const [id = 0] = await words(device, [0xef, 0xc8], 1);
  await device.write([0xb0, 0x98]);
  return (id & 0x083f) === 0x0807;
}

/** Measuring, it gives checked frames; idle, it refuses a plain read, which an I/O expander never does. */
async function isSdp3x(device: I2cDevice): Promise<boolean> {
  if (await readable(device)) {
    const frame = await device.read(9);
    return varied(frame) && [0, 3, 6].every((at) => Number.isInteger(checkedWord(frame, at)));
  }
  await device.write([0x36, 0x7c]);
  const [product = 0] = await words(device, [0xe1, 0x02], 2);
  return product === 0x0301 || product === 0x0302;
}

/** An I/O expander gives the same byte over and over, and some bytes are their own check byte. */
const varied = (frame: Uint8Array): boolean => frame.some((byte) => byte !== frame[0]);

async function readable(device: I2cDevice): Promise<boolean> {
  try {
    await device.read(1);
    return true;
  } catch (error) {
    if (error instanceof DeviceError && error.reason === "no-answer") return false;
    throw error;
  }
}
