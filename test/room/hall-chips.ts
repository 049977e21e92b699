import type { Clock } from "../../contract/clock.ts";
import type { I2cChip } from "./chips/chip.ts";
import { w1SlaveText } from "./chips/ds18b20.ts";
import { Sht3x } from "./chips/sht3x.ts";
import { Tmp117 } from "./chips/tmp117.ts";
import { CHIPS, type ChipPlace, I2C_BUSES, PROBES } from "./layout.ts";
import type { Sensors } from "./sensors.ts";
import type { I2cBus } from "./wire/hall-wire.ts";

/** Standard deviation of a single measurement. */
const SHT31_NOISE_C = 0.02;
const SHT31_NOISE_RH = 0.05;
const TMP117_NOISE_C = 0.008;
const DS18B20_NOISE_C = 0.03;

/** The chips of the hall on their buses. */
export class HallChips {
  readonly buses: ReadonlyMap<string, I2cBus>;
  readonly #chips = new Map<ChipPlace, I2cChip>();

  constructor(sensors: Sensors, clock: Clock) {
    CHIPS.forEach((place, i) => {
      this.#chips.set(place, makeChip(place, { sensors, clock, serial: 0x0550_0000 + i }));
    });
    this.buses = new Map(
      I2C_BUSES.map((bus) => [
        bus,
        {
          hung: false,
          chip: (address) => {
            const place = CHIPS.find((chip) => chip.bus === bus && chip.address === address);
            if (!place || sensors.fault(place.temperature).unplugged) return undefined;
            return this.#chips.get(place);
          },
        },
      ]),
    );
  }

  /** Power-up of the chip that has one of these points. */
  reset(points: readonly string[]): void {
    for (const [place, chip] of this.#chips) if (points.includes(place.temperature)) chip.reset();
  }
}

function makeChip(
  { model, temperature, humidity }: ChipPlace,
  { sensors, clock, serial }: { sensors: Sensors; clock: Clock; serial: number },
): I2cChip {
  const monoMs = () => clock.monoMs();
  if (model === "tmp117")
    return new Tmp117({
      monoMs,
      temperatureC: () => sensors.measure(temperature, TMP117_NOISE_C),
    });
  const moist = humidity ?? temperature;
  return new Sht3x(
    {
      monoMs,
      temperatureC: () => sensors.measure(temperature, SHT31_NOISE_C),
      humidityRh: () => sensors.measure(moist, SHT31_NOISE_RH),
      corrupt: () => ({
        temperature: sensors.fault(temperature).corrupt,
        humidity: sensors.fault(moist).corrupt,
      }),
    },
    serial,
  );
}

/** What each 1-Wire probe's file says now; undefined for one that is unplugged. */
export function probeTexts(sensors: Sensors): [rom: string, text: string | undefined][] {
  return PROBES.map(({ rom, point }) => {
    const { unplugged, corrupt } = sensors.fault(point);
    if (unplugged) return [rom, undefined];
    return [rom, w1SlaveText(sensors.measure(point, DS18B20_NOISE_C), corrupt)];
  });
}
