import { alarmCondition } from "../check-alarms.ts";
import type { Profile } from "../schema.ts";

/** The profile's alarms for one device, as rules to be pasted into site.yaml. */
export function rulesText({ id, alarms, points }: Profile, device: string): string {
  if (alarms.length === 0) return `${id} proposes no alarms: its document names none`;
  const rules = alarms.map((alarm) => {
    const point = points.find((other) => other.id === alarm.point);
    const condition = Object.entries(alarmCondition(alarm, point?.quantity === "flag"));
    const parts = [
      `id: ${device}-${alarm.id}`.slice(0, "id: ".length + LONGEST_ID),
      `points: ["${device}.${alarm.point}"]`,
      ...condition.map(([key, value]) => `${key}: ${value}`),
      ...(alarm.delay === undefined ? [] : [`onDelay: ${alarm.delay}ms`]),
      `priority: ${alarm.priority}`,
      `title: ${JSON.stringify(alarm.title ?? `{label}`)}`,
    ];
    return `  - { ${parts.join(", ")} }`;
  });
  return ["alarms:", ...rules].join("\n");
}

/** Of a rule's id. */
const LONGEST_ID = 32;
