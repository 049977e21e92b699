import { isId } from "../../contract/id.ts";
import { outputBus } from "../buses.ts";
import { doorPoint, type EdgeConfig } from "../config/edge-config.ts";
import { outputPoints } from "../outputs/output-loop.ts";
import type { MeteredPoint } from "./progress-meter.ts";

export type Metered = Pick<
  EdgeConfig,
  "points" | "devices" | "doors" | "inputs" | "pulses" | "outputs"
>;

/** Every point with the loop it comes from. A device that names no points publishes all that begin with its own name. */
export function meteredPoints(config: Metered): MeteredPoint[] {
  const { points, devices, doors, inputs, pulses, outputs } = config;
  const buses = new Map<string, string>([
    ...doors.map(({ id, bus }): [string, string] => [doorPoint(id), bus]),
    ...inputs.map(({ point, bus }): [string, string] => [point, bus]),
    ...pulses.map(({ point, bus }): [string, string] => [point, `${bus}.pulses`]),
    ...outputs.map(({ id, bus }): [string, string] => [outputPoints(id).on, outputBus(bus)]),
    ...devices.flatMap((device) =>
      ("points" in device
        ? Object.values(device.points)
        : points.map(({ id }) => id).filter((id) => id.startsWith(`${device.id}.`))
      ).map((point): [string, string] => [point, device.bus]),
    ),
  ]);
  return points.flatMap(({ id, periodMs }) => {
    const bus = buses.get(id);
    return bus === undefined ? [] : [{ point: id, bus, periodMs }];
  });
}

/** What the node announces: each point with the bus it is read through, so that one bus is one cause. */
export function withBuses(config: Metered): EdgeConfig["points"] {
  const buses = new Map(meteredPoints(config).map(({ point, bus }) => [point, bus]));
  return config.points.map((point) => {
    const bus = buses.get(point.id);
    return bus !== undefined && isId(bus) ? { ...point, bus } : point;
  });
}
