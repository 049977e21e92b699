import { good } from "../../contract/reading.ts";
import type { NutPort } from "../bus/nut-client.ts";
import {
  isOutOfTouch,
  UPS_FLAGS,
  UPS_VALUES,
  type UpsFlag,
  type UpsRole,
  type UpsValue,
  USUAL_UPS_VALUES,
} from "../ups/model.ts";
import { upsFromNut } from "../ups/nut.ts";
import type { BusLoop, Sample, Sink } from "./loop.ts";
import { type LoopDeps, readLoop } from "./read-loop.ts";

/** One UPS that an upsd knows. It publishes `<id>.<role>` for every flag and for its values. */
export interface NutDeviceSpec {
  id: string;
  /** Its name in upsd's `ups.conf`. */
  ups: string;
  everyMs: number;
  /** What this UPS measures; a value it has no variable for is bad. */
  values: readonly UpsValue[];
}

export const ALL_UPS_VALUES = Object.keys(UPS_VALUES) as UpsValue[];

/** The roles a UPS read by NUT publishes, in the order of the model. */
export function nutRoles(values: readonly UpsValue[] = USUAL_UPS_VALUES): UpsRole[] {
  return [...(Object.keys(UPS_FLAGS) as UpsFlag[]), ...values];
}

/**
 * Reads the UPSes of one upsd. While one cannot be read, everything about it is bad but the flag that
 * says so.
 */
export function nutLoop(deps: LoopDeps<NutPort> & { devices: readonly NutDeviceSpec[] }): BusLoop {
  const sink: Sink = (samples) =>
    deps.sink(
      samples.map((sample) => (isLost(sample) ? { ...sample, measurement: good(1) } : sample)),
    );
  const items = deps.devices.map(({ id, ups, everyMs, values }) => ({
    id,
    everyMs,
    points: nutRoles(values).map((role) => `${id}.${role}`),
    read: async (port: NutPort) => {
      const measured = upsFromNut(await port.list(ups), values);
      return [...measured].map(([role, measurement]) => ({ point: `${id}.${role}`, measurement }));
    },
  }));
  return readLoop({ ...deps, sink }, items);
}

/** upsd refuses a UPS it does not know, or a client it does not let in: the UPS is out of touch as well. */
function isLost({ point, measurement }: Sample): boolean {
  const refused = measurement.quality === "bad" && measurement.reason === "refused";
  return point.endsWith(".communication-lost") && (refused || isOutOfTouch(measurement));
}
