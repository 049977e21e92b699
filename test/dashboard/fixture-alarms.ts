import type { AlarmView } from "../../contract/api.ts";
import { placeOf } from "../../contract/id.ts";
import { incidentAlarms } from "./fixture-incidents.ts";
import { HOSTILE, type Scenario } from "./fixture-world.ts";

export function fixtureAlarm(
  fields: Partial<AlarmView> & Pick<AlarmView, "id" | "priority" | "title">,
): AlarmView {
  const subject = fields.subject ?? fields.id.slice(fields.id.indexOf(".") + 1);
  return {
    rule: fields.id.split(".")[0] ?? "",
    subject,
    // The hub gives the place's name as people know it, not its id.
    place: placeOf(subject)?.toUpperCase() ?? null,
    detail: "",
    runbook: null,
    state: "active",
    occurrence: 1,
    raisedAt: 0,
    clearedAt: null,
    ack: null,
    shelved: null,
    suppressed: false,
    outOfService: null,
    value: null,
    limit: null,
    unit: "",
    ...fields,
  };
}

function incident(now: number): AlarmView[] {
  const ack = { state: "acknowledged", ack: { at: now - 20_000, by: "Kaisa Nieminen" } } as const;
  return [
    fixtureAlarm({
      id: "on-battery.ups-a.on-battery",
      priority: 1,
      title: "UPS A on battery",
      detail: "On battery (1 = yes) · value 1",
      raisedAt: now - 86_000,
      runbook:
        "Check the utility and the generator. Racks on this feed lose power when the runtime is used up.",
    }),
    fixtureAlarm({
      id: "inlet-critical.b07.inlet-top",
      priority: 1,
      title: "B07 inlet top 32.6 °C",
      detail: "limit 32 °C · inlet top sensor",
      raisedAt: now - 44_000,
      ...ack,
    }),
    fixtureAlarm({
      id: "cooling-stopped.crah-2.running",
      priority: 2,
      title: "CRAH 2 stopped",
      detail: "Running (1 = on or idle) · value 0",
      raisedAt: now - 81_000,
      runbook:
        "Look at the unit's own panel. Restart it once; if it trips again, call the contractor.",
    }),
    fixtureAlarm({
      id: "inlet-high.a05.inlet-top",
      priority: 2,
      title: "A05 inlet top 31.8 °C",
      detail: "limit 27 °C · inlet top sensor",
      raisedAt: now - 49_000,
    }),
    fixtureAlarm({
      id: "inlet-high.a04.inlet-top",
      priority: 2,
      title: "A04 inlet top 29.8 °C",
      detail: "limit 27 °C · inlet top sensor",
      raisedAt: now - 37_000,
      ...ack,
    }),
    fixtureAlarm({
      id: "utility-lost.utility-a.voltage-l1",
      priority: 2,
      title: "Utility A lost",
      detail: "limit 180 V · value 0.4 V",
      raisedAt: now - 86_500,
      ...ack,
    }),
    fixtureAlarm({
      id: "door-open.door-a1.open",
      priority: 3,
      title: "Door A1 south open for more than 3 minutes",
      detail: "Hall A",
      raisedAt: now - 12_000,
    }),
    fixtureAlarm({
      id: "inlet-low.b08.inlet-bottom",
      priority: 3,
      title: "B08 inlet bottom 14.9 °C",
      state: "returned",
      clearedAt: now - 30_000,
      raisedAt: now - 4 * 3_600_000,
    }),
    fixtureAlarm({
      id: "no-reading.gen-1.oil-pressure",
      priority: 4,
      title: "Generator oil pressure: no reading",
      raisedAt: now - 3 * 86_400_000,
      ...ack,
    }),
    fixtureAlarm({
      id: "filter.crah-1.filter",
      priority: 3,
      title: "CRAH 1 filter",
      raisedAt: now - 3_600_000,
      shelved: { until: now + 5_400_000, by: "Kaisa Nieminen", reason: "Filter ordered" },
    }),
  ];
}

function staleAlarms(now: number): AlarmView[] {
  return [
    ["a05.inlet-top", "A05 inlet top", 250_000],
    ["a08.inlet-top", "A08 inlet top", 190_000],
    ["a08.inlet-mid", "A08 inlet middle", 190_000],
    ["crah-3.running", "CRAH 3 running", 90_000],
    ["ups-b.on-battery", "UPS B on battery", 88_000],
  ].map(([subject, label, age]) =>
    fixtureAlarm({
      id: `no-reading.${subject}`,
      priority: 3,
      title: `${label}: no reading`,
      detail: "sensor does not answer",
      raisedAt: now - Number(age),
    }),
  );
}

function flood(now: number): AlarmView[] {
  return Array.from({ length: 40 }, (_, i) => {
    const priority = ([1, 2, 3, 4] as const)[i < 10 ? 0 : i < 22 ? 1 : i < 36 ? 2 : 3] ?? 4;
    return fixtureAlarm({
      id: `flood.p${i}.value`,
      priority,
      title: `${i % 2 ? "Row B" : "Row A"} inlet ${i + 1} over its limit for a long time, sensor ${i}`,
      detail: "limit 32 °C",
      raisedAt: now - i * 13_000,
      ...(i % 3 === 0 ? { state: "acknowledged", ack: { at: now, by: "kn" } } : {}),
    });
  });
}

export function alarmsOf(scenario: Scenario, now: number): AlarmView[] {
  switch (scenario) {
    case "normal":
    case "large":
      return [];
    case "alarm":
      return incident(now);
    case "incident":
      return incidentAlarms(now);
    case "stale":
      return staleAlarms(now);
    case "flood":
      return flood(now);
    case "hostile":
      return [
        fixtureAlarm({
          id: "inlet-high.a03.inlet-top",
          priority: 2,
          title: HOSTILE,
          detail: HOSTILE,
          raisedAt: now - 5_000,
        }),
      ];
  }
}
