import { placeOf, roleOf } from "../../contract/id.ts";
import { bad, good, type Measurement } from "../../contract/reading.ts";
import type { Sample, Sink } from "../poll/loop.ts";
import { isOutOfTouch, judgeUps, type UpsFlag } from "./model.ts";

/** What profiles of UPSes publish and the model judges anew. */
const SIGNS = [
  ...(["online", "on-battery", "low-battery", "shutdown-imminent", "testing"] as const),
  /** The battery is nearly empty, whether or not it carries the load; passed on as it is. */
  "battery-low",
] as const;
type Sign = (typeof SIGNS)[number];

/** Flags that the model adds to what the profile of a UPS publishes under these point ids. */
export function addedUpsFlags(published: readonly string[]): UpsFlag[] {
  const added: UpsFlag[] = ["communication-lost"];
  const nearEmpty = ["shutdown-imminent", "battery-low"].some((sign) => published.includes(sign));
  if (!published.includes("low-battery") && nearEmpty) added.push("low-battery");
  return published.includes("on-battery") ? added : [];
}

/**
 * Stands before the sink of a Modbus loop and judges the states of its UPSes as `judgeUps` does, so that
 * the points mean the same as those of a UPS read by NUT. Samples of other devices pass unchanged.
 */
export function upsSink(units: readonly string[], sink: Sink): Sink {
  const signs = new Map(units.map((unit) => [unit, new Map<Sign, Measurement>()]));
  return (samples) => {
    const judged = [...signs].flatMap(([unit, known]) => {
      const heard = samples.filter(({ point }) => placeOf(point) === unit && isSign(point));
      if (heard.length === 0) return [];
      for (const { point, measurement } of heard) known.set(roleOf(point) as Sign, measurement);
      return judge(unit, known, heard);
    });
    const points = new Set(judged.map(({ point }) => point));
    sink([...samples.filter(({ point }) => !points.has(point)), ...judged]);
  };
}

function judge(
  unit: string,
  known: ReadonlyMap<Sign, Measurement>,
  heard: readonly Sample[],
): Sample[] {
  const onBattery = known.get("on-battery");
  if (!onBattery) return [];
  const testing = known.get("testing");
  const isTesting = testing?.quality === "good" && testing.value === 1;
  const nearEmpty =
    known.get("low-battery") ?? known.get("battery-low") ?? known.get("shutdown-imminent");
  const imminent = known.get("shutdown-imminent");
  const flags = judgeUps({
    online: known.get("online") ?? bad("unsupported"),
    onBattery,
    batteryNearEmpty: nearEmpty ?? bad("unsupported"),
    // A device signals the end of a calibration in the same way as the end of the battery.
    ...(imminent ? { shutdownOrdered: isTesting ? good(0) : imminent } : {}),
    ...(testing ? { testing } : {}),
  });
  const measured = new Map<UpsFlag, Measurement>([
    ...(Object.entries(flags) as [UpsFlag, Measurement][]),
    // A device that refuses or has no value still answers.
    ["communication-lost", good(isOutOfTouch(onBattery) ? 1 : 0)],
  ]);
  const wanted = new Set<string>([
    ...heard.map(({ point }) => roleOf(point)),
    ...addedUpsFlags([...known.keys()]),
  ]);
  return [...measured]
    .filter(([flag]) => wanted.has(flag))
    .map(([flag, measurement]) => ({ point: `${unit}.${flag}`, measurement }));
}

const isSign = (point: string) => SIGNS.some((sign) => sign === roleOf(point));
