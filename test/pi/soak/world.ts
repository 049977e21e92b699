import {
  DeviceError,
  type GpioPort,
  type I2cPort,
  type OneWirePort,
} from "../../../edge/bus/port.ts";
import { FakeGpio } from "../../edge/doors/fake-gpio.ts";
import type { I2cChip } from "../../room/chips/chip.ts";
import { w1SlaveText } from "../../room/chips/ds18b20.ts";
import { Sht3x } from "../../room/chips/sht3x.ts";
import { Tmp117 } from "../../room/chips/tmp117.ts";
import type { VirtualClock } from "./virtual-clock.ts";

const SHT31_ADDRESS = 0x44;
const TMP117_ADDRESS = 0x48;
/** The kernel gives a stuck bus up after this. */
const STUCK_MS = 1_000;
const CONVERSION_MS = 750;

/** The node's sensors at byte level, as in test/room, and what is wrong with them. */
export class NodeWorld {
  corrupt = false;
  stuck = false;
  oneWireEmpty = false;
  airC = 21.5;
  gpio = new FakeGpio();
  readonly #clock: VirtualClock;
  readonly #chips = new Map<string, I2cChip>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    for (const bus of ["i2c-1", "i2c-3"]) {
      this.#chips.set(`${bus} ${SHT31_ADDRESS}`, this.#sht31());
      const feels = { monoMs: clock.monoMs, temperatureC: () => this.airC - 2 };
      this.#chips.set(`${bus} ${TMP117_ADDRESS}`, new Tmp117(feels));
    }
  }

  unplug(): void {
    this.#chips.delete(`i2c-1 ${SHT31_ADDRESS}`);
  }

  plugIn(): void {
    this.#chips.set(`i2c-1 ${SHT31_ADDRESS}`, this.#sht31());
  }

  loseGpio(): void {
    const { levels } = this.gpio;
    this.gpio.die();
    this.gpio = new FakeGpio();
    for (const [line, level] of levels) this.gpio.set(line, level);
  }

  openGpio = async (): Promise<GpioPort> => this.gpio;

  openI2c = async (bus: string): Promise<I2cPort> => {
    const write = async (address: number, bytes: Uint8Array) => {
      if (!(await this.#chip(bus, address)).write(bytes)) throw noAnswer(address);
    };
    const read = async (address: number, length: number) => {
      const bytes = (await this.#chip(bus, address)).read(length);
      if (!bytes) throw noAnswer(address);
      return bytes;
    };
    return {
      write,
      read,
      writeRead: async (address, bytes, length) => {
        await write(address, bytes);
        return read(address, length);
      },
      close: async () => undefined,
    };
  };

  openOneWire = async (id: string): Promise<OneWirePort> => ({
    list: async () => [id],
    read: async () => {
      await this.#clock.sleep(CONVERSION_MS);
      return this.oneWireEmpty ? "" : w1SlaveText(this.airC + 10);
    },
    close: async () => undefined,
  });

  async #chip(bus: string, address: number): Promise<I2cChip> {
    if (this.stuck && bus === "i2c-3") {
      await this.#clock.sleep(STUCK_MS);
      throw new DeviceError("bus", `${bus} timed out`);
    }
    const chip = this.#chips.get(`${bus} ${address}`);
    if (!chip) throw noAnswer(address);
    return chip;
  }

  #sht31(): Sht3x {
    const corrupt = () => ({ temperature: this.corrupt, humidity: this.corrupt });
    return new Sht3x(
      {
        ...{ monoMs: this.#clock.monoMs, corrupt },
        ...{ temperatureC: () => this.airC, humidityRh: () => 30 + this.airC / 2 },
      },
      1,
    );
  }
}

function noAnswer(address: number): DeviceError {
  return new DeviceError("no-answer", `nothing acknowledges at 0x${address.toString(16)}`);
}
