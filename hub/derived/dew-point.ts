import { dewPointC } from "../../contract/climate/psychrometrics.ts";
import type { PointInfo } from "../../contract/message.ts";
import { type Derivation, known, type Scene } from "./derivation.ts";

/** Where a humidity sensor of a place usually measures its temperature, best first. */
const BESIDE = [
  "temperature",
  "inlet-top",
  "inlet",
  "inlet-mid",
  "inlet-bottom",
  "return",
  "supply",
];

/** A humidity sensor and the temperature of the same air. */
export interface Air {
  place: string;
  humidity: string;
  temperature: string;
}

/** `humidity` goes with the temperature beside it; `humidity-rear` with `temperature-rear` or `inlet-rear`. */
export function airOf({ places }: Pick<Scene, "places">): Air[] {
  return [...places].flatMap(([place, points]) =>
    [...points].flatMap(([role, info]): Air[] => {
      if (info.quantity !== "humidity" || !role.startsWith("humidity")) return [];
      const suffix = role.slice("humidity".length);
      const own = [`temperature${suffix}`, `inlet${suffix}`];
      const beside = suffix === "" ? BESIDE : own;
      const temperature = beside.map((name) => points.get(name)).find(isTemperature);
      return temperature ? [{ place, humidity: info.id, temperature: temperature.id }] : [];
    }),
  );
}

const isTemperature = (info: PointInfo | undefined): info is PointInfo =>
  info?.quantity === "temperature";

/** `<place>.dew-point` wherever humidity is measured and the device does not say its dew point itself. */
export function dewPoints(scene: Scene): Derivation[] {
  return airOf(scene).flatMap(({ place, humidity, temperature }) => {
    const suffix = humidity.slice(`${place}.humidity`.length);
    const id = `${place}.dew-point${suffix}`;
    const says = [...(scene.places.get(place)?.values() ?? [])];
    if (says.some(({ quantity }) => quantity === "dewPoint")) return [];
    return [
      {
        info: { id, quantity: "dewPoint", label: `${scene.label(place)} dew point` },
        inputs: [humidity, temperature],
        derive: (look) => known(dewOf(look(temperature), look(humidity))),
      },
    ];
  });
}

export function dewOf(airC: number | undefined, humidityRh: number | undefined) {
  return airC === undefined || humidityRh === undefined ? undefined : dewPointC(airC, humidityRh);
}
