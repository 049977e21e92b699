import type { QuantityId } from "../../contract/quantity.ts";
import { QUANTITIES } from "../../contract/quantity.ts";
import { suggestion } from "./nearest.ts";
import type { Placed } from "./placed.ts";
import type { Path } from "./source.ts";

/** A larger error is no matter of calibration: the sensor is broken, or hangs in the wrong place. */
const LARGEST: Partial<Record<QuantityId, number>> = {
  temperature: 10,
  humidity: 15,
  pressure: 50,
  airPressure: 2_000,
  co2: 500,
};

/** Offsets of channels that are measured, published and may have one, within its bounds. */
export function checkOffsets(
  { value, path }: Placed,
  channels: Readonly<Record<string, QuantityId>> | undefined,
  report: (at: Path, message: string) => void,
): void {
  const { offset, points = {}, driver = "this driver" } = value;
  for (const [channel, add] of Object.entries(offset ?? {})) {
    const at = [...path, "offset", channel];
    const quantity = channels?.[channel];
    if (channels && !quantity) {
      report(
        at,
        `${driver} does not measure ${channel}; ${suggestion(channel, Object.keys(channels))}`,
      );
      continue;
    }
    if (!(channel in points)) {
      report(at, `${channel} becomes no point here; name one under points, or remove the offset`);
      continue;
    }
    const largest = quantity && LARGEST[quantity];
    if (quantity && largest === undefined)
      report(at, `${QUANTITIES[quantity].label.toLowerCase()} has no offset; remove it`);
    else if (largest !== undefined && quantity && Math.abs(add) > largest)
      report(
        at,
        `${add} is too much; an offset is at most ±${largest} ${QUANTITIES[quantity].unit}: a sensor that is further off is broken or in the wrong place`,
      );
  }
}
