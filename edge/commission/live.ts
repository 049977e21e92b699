import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { PointInfo } from "../../contract/message.ts";
import type { Measurement } from "../../contract/reading.ts";
import type { Catalogue } from "../config/catalogue.ts";
import type { DeviceConfig, EdgeConfig } from "../config/edge-config.ts";
import { doorPoint } from "../config/edge-config.ts";
import type { BusLoop, Sample, Sink } from "../poll/loop.ts";
import { nutRoles } from "../poll/nut-loop.ts";
import { i2cPlace, modbusPlace, type Tap } from "./tap.ts";

/** A point as it is just now. */
export interface LivePoint {
  info: PointInfo;
  bus: string;
  /** Points of one device share it; a contact is its own device. */
  device: string;
  /** Undefined before the first measurement. */
  newest: { measurement: Measurement; at: EpochMs; monoMs: number; raw: string } | undefined;
}

type Watched = Pick<EdgeConfig, "devices" | "doors" | "inputs" | "pulses">;
type Listener = (point: LivePoint) => void;

/** The newest measurement of every point of a configuration, with the bytes it came from. */
export class Live {
  readonly #clock: Clock;
  readonly #points = new Map<string, LivePoint & { places: readonly string[] }>();
  /** Newest bytes by place; as many as the devices have frames and registers. */
  readonly #raw = new Map<string, string>();
  readonly #listeners: Listener[] = [];

  constructor(config: Watched & Pick<EdgeConfig, "points">, catalogue: Catalogue, clock: Clock) {
    this.#clock = clock;
    const sources = pointSources(config, catalogue);
    for (const info of config.points) {
      // Some points are made from others of their device, and come from no register of their own.
      const maker = config.devices.find(({ id }) => info.id.startsWith(`${id}.`));
      const made = { bus: maker?.bus ?? "", device: maker?.id ?? info.id, places: [] };
      this.#points.set(info.id, { info, ...(sources.get(info.id) ?? made), newest: undefined });
    }
  }

  readonly tap: Tap = (place, raw) => {
    this.#raw.set(place, raw);
  };

  readonly sink: Sink = (samples: Sample[]) => {
    for (const { point, measurement } of samples) {
      const live = this.#points.get(point);
      if (!live) continue;
      // Bytes of an earlier, good answer must not stand beside a failure.
      const bytes = live.places.map((place) => this.#raw.get(place) ?? "").join("");
      const raw = measurement.quality === "bad" ? "" : bytes;
      const { nowMs, monoMs } = { nowMs: this.#clock.nowMs(), monoMs: this.#clock.monoMs() };
      live.newest = { measurement, at: nowMs, monoMs, raw };
      for (const listener of this.#listeners) listener(live);
    }
  };

  points(): LivePoint[] {
    return [...this.#points.values()];
  }

  onSample(listener: Listener): void {
    this.#listeners.push(listener);
  }
}

type Source = { bus: string; device: string; places: string[] };

function pointSources(config: Watched, catalogue: Catalogue): Map<string, Source> {
  const contact = (point: string, bus: string): [string, Source] => [
    point,
    { bus, device: point, places: [] },
  ];
  return new Map([
    ...config.doors.map(({ id, bus }) => contact(doorPoint(id), bus)),
    ...config.inputs.map(({ point, bus }) => contact(point, bus)),
    ...config.pulses.map(({ point, bus }) => contact(point, bus)),
    ...config.devices.flatMap((device) => deviceSources(device, catalogue)),
  ]);
}

function deviceSources(device: DeviceConfig, catalogue: Catalogue): [string, Source][] {
  const { id, bus } = device;
  const named = (point: string, places: string[]): [string, Source] => [
    point,
    { bus, device: id, places: places.map((place) => `${bus}/${place}`) },
  ];
  switch (device.kind) {
    case "i2c":
      return Object.values(device.points).map((point) => named(point, [i2cPlace(device.address)]));
    case "one-wire":
      return Object.values(device.points).map((point) => named(point, [id]));
    case "modbus":
      return catalogue.profile(device.profile).points.map((point) => {
        const { fc, address, count } = point.field;
        const places = Array.from({ length: count }, (_, i) =>
          modbusPlace(device.unit, fc, address + i),
        );
        return named(`${id}.${point.id}`, places);
      });
    case "kernel":
      return Object.values(device.points).map((point) => named(point, []));
    case "nut":
      return nutRoles(device.values).map((role) => named(`${id}.${role}`, []));
  }
}

/** Runs bus loops until `signal` aborts. */
export async function runLoops(loops: readonly BusLoop[], signal: AbortSignal): Promise<void> {
  await Promise.all(loops.map((loop) => loop.run(signal)));
}
