import { conditionOf } from "../../contract/alarm/rule-text.ts";
import { QUANTITIES } from "../../contract/quantity.ts";
import type { Problem } from "./check.ts";
import type { ProfileAlarm, RawPoint, RawProfile } from "./schema.ts";

/** The condition an alarm means: of a flag, 1 is the alarm unless something else is said. */
export function alarmCondition({ equals, above, below, deadband }: ProfileAlarm, flag: boolean) {
  const plain = flag && equals === undefined && above === undefined && below === undefined;
  return {
    ...(plain ? { equals: 1 } : {}),
    ...(equals === undefined ? {} : { equals }),
    ...(above === undefined ? {} : { above }),
    ...(below === undefined ? {} : { below }),
    ...(deadband === undefined ? {} : { deadband }),
  };
}

const MOST_PER_POINT = 4;

/** Whether each alarm is of a published point, says one condition, and one that its values can meet. */
export function checkAlarms({ alarms, points }: RawProfile): Problem[] {
  return alarms.flatMap((alarm, index) => {
    const found: Problem[] = [];
    const report = (message: string, key?: string) =>
      found.push({ path: key ? ["alarms", index, key] : ["alarms", index], message });
    if (alarms.findIndex(({ id }) => id === alarm.id) < index)
      report(`"${alarm.id}" is used twice; each alarm has its own id`, "id");
    if (
      alarms.slice(0, index).filter(({ point }) => point === alarm.point).length >= MOST_PER_POINT
    )
      report(`"${alarm.point}" has more than ${MOST_PER_POINT} alarms`, "point");
    const point = points.find(({ id }) => id === alarm.point);
    if (!point?.quantity) report(`"${alarm.point}" is not a published point`, "point");
    else checkCondition(alarm, point, report);
    return found;
  });
}

function checkCondition(
  alarm: ProfileAlarm,
  { quantity, min, max, states }: RawPoint,
  report: (message: string, key?: string) => void,
): void {
  if (!quantity) return;
  const judged = conditionOf(alarmCondition(alarm, quantity === "flag"));
  if ("problems" in judged) {
    for (const [key, text] of judged.problems) report(text, key ?? undefined);
    return;
  }
  const { condition } = judged;
  if (quantity === "flag" && !(alarm.equals === undefined || [0, 1].includes(alarm.equals)))
    report("a flag is 0 or 1", "equals");
  if (quantity === "state" && (condition.kind !== "digital" || !states?.[String(alarm.equals)]))
    report("a state alarms by equals, with one of its codes", "equals");
  if (quantity !== "state" && quantity !== "flag" && condition.kind !== "limit")
    report("a measured value alarms by above or below", "equals");
  const least = Math.max(QUANTITIES[quantity].min, min ?? Number.NEGATIVE_INFINITY);
  const most = Math.min(QUANTITIES[quantity].max, max ?? Number.POSITIVE_INFINITY);
  if (alarm.above !== undefined && alarm.above >= most)
    report(`${alarm.above} is never exceeded; the point ends at ${most}`, "above");
  if (alarm.below !== undefined && alarm.below <= least)
    report(`nothing is below ${alarm.below}; the point begins at ${least}`, "below");
}
