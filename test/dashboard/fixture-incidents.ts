import type { AlarmView } from "../../contract/api.ts";
import type {
  IncidentDetail,
  IncidentMember,
  IncidentView,
  Race,
  RaceRack,
} from "../../contract/incident.ts";
import { fixtureAlarm } from "./fixture-alarms.ts";

export const POWER_INCIDENT = "inc-utility-a";
const DOOR_INCIDENT = "inc-door-a1";
const LEAD = "utility-lost.utility-a.voltage-l1";

/** A lost utility with seven alarms behind it, one of them P1; a door by itself. */
export function incidentAlarms(now: number): AlarmView[] {
  const symptom = { incident: POWER_INCIDENT, part: "symptom" } as const;
  const ack = { state: "acknowledged", ack: { at: now - 20_000, by: "Kaisa Nieminen" } } as const;
  const inlets = ["a03", "a04", "b01", "b02", "b05"].map((rack, i) =>
    fixtureAlarm({
      id: `inlet-high.${rack}.inlet-top`,
      priority: 2,
      title: `${rack.toUpperCase()} inlet top ${(27.4 + i * 0.3).toFixed(1)} °C`,
      detail: "limit 27 °C · inlet top sensor",
      raisedAt: now - 49_000 + i * 4_000,
      ...symptom,
    }),
  );
  return [
    fixtureAlarm({
      id: LEAD,
      priority: 2,
      title: "Utility A lost",
      detail: "limit 180 V · value 0.4 V",
      raisedAt: now - 86_500,
      runbook: "Check the generator and the transfer switch. Call the grid operator: 0800 000 000.",
      ...{ incident: POWER_INCIDENT, part: "cause" },
      ...ack,
    }),
    fixtureAlarm({
      id: "on-battery.ups-a.on-battery",
      priority: 1,
      title: "UPS A on battery",
      detail: "On battery (1 = yes) · value 1",
      raisedAt: now - 86_000,
      ...symptom,
    }),
    fixtureAlarm({
      id: "cooling-stopped.crah-2.running",
      priority: 2,
      title: "CRAH 2 stopped",
      detail: "Running (1 = on or idle) · value 0",
      raisedAt: now - 81_000,
      ...symptom,
    }),
    ...inlets,
    fixtureAlarm({
      id: "door-open.door-a1.open",
      priority: 3,
      title: "Door A1 south open for more than 3 minutes",
      detail: "Hall A",
      raisedAt: now - 12_000,
      ...{ incident: DOOR_INCIDENT, part: "alone" },
    }),
  ];
}

export function fixtureRack(
  label: string,
  inletC: number | null,
  band: [soonest: number, latest: number] | string,
): RaceRack {
  const rack = { rack: label.toLowerCase(), label, inletC, limitC: 32 };
  if (typeof band === "string")
    return { ...rack, minutes: null, earliestMinutes: null, latestMinutes: null, why: band };
  const [earliestMinutes, latestMinutes] = band;
  const minutes = (earliestMinutes + latestMinutes) / 2;
  return { ...rack, minutes, earliestMinutes, latestMinutes, why: null };
}

function race(now: number): Race {
  return {
    at: now - 2_000,
    racks: [
      fixtureRack("B05", 28.6, [5.2, 8.4]),
      fixtureRack("B02", 28.3, [6.1, 9.8]),
      fixtureRack("B01", 28, [8.5, 13]),
      fixtureRack("A04", 27.7, "not rising"),
      fixtureRack("A03", 27.4, "rising so slowly that it takes more than four hours"),
    ],
    ups: [{ ups: "ups-a", label: "UPS A", minutes: 11.4 }],
    first: { kind: "heat", label: "B05", minutes: 6.8 },
  };
}

export function fixtureIncident(fields: Partial<IncidentView>): IncidentView {
  return {
    id: POWER_INCIDENT,
    title: "Utility A lost",
    state: "open",
    priority: 1,
    lead: LEAD,
    symptoms: 0,
    activeAlarms: 1,
    places: [],
    openedAt: 0,
    overAt: null,
    closedAt: null,
    ack: null,
    race: null,
    ...fields,
  };
}

export function fixtureIncidents(now: number): IncidentView[] {
  return [
    fixtureIncident({
      symptoms: 7,
      activeAlarms: 8,
      places: ["UPS A", "CRAH 2", "A03", "A04", "B01", "B02", "B05"],
      openedAt: now - 86_500,
      ack: { at: now - 20_000, by: "Kaisa Nieminen" },
      race: race(now),
    }),
    fixtureIncident({
      id: DOOR_INCIDENT,
      title: "Door A1 south open for more than 3 minutes",
      priority: 3,
      lead: "door-open.door-a1.open",
      openedAt: now - 12_000,
    }),
    fixtureIncident({
      id: "inc-crah-3",
      title: "CRAH 3 no airflow",
      state: "over",
      priority: 2,
      lead: "no-air.crah-3.airflow",
      symptoms: 3,
      activeAlarms: 0,
      openedAt: now - 3 * 3_600_000,
      overAt: now - 7_200_000,
      ack: { at: now - 3 * 3_600_000 + 90_000, by: "Kaisa Nieminen" },
    }),
    fixtureIncident({
      id: "inc-edge",
      title: "Edge node edge-hall silent",
      state: "closed",
      priority: 2,
      lead: "node-silent.edge-hall",
      activeAlarms: 0,
      openedAt: now - 20 * 3_600_000,
      overAt: now - 19.5 * 3_600_000,
      closedAt: now - 19 * 3_600_000,
    }),
  ];
}

/** Members and story of the first one. */
export function fixtureDetail(view: IncidentView, now: number): IncidentDetail {
  const members = incidentAlarms(now)
    .filter(({ incident }) => incident === view.id)
    .map(
      (alarm): IncidentMember => ({
        alarm: alarm.id,
        occurrence: 1,
        part: alarm.part === "symptom" ? "symptom" : "cause",
        title: alarm.title,
        place: alarm.place,
        priority: alarm.priority,
        active: true,
        acknowledged: alarm.ack !== null,
        joinedAt: alarm.raisedAt ?? now,
        byHand: false,
      }),
    );
  const story = members.map(({ joinedAt, part, title, alarm }) => ({
    at: joinedAt,
    kind: part === "cause" ? ("raised" as const) : ("joined" as const),
    text: part === "cause" ? title : `${title}, which follows from: Utility A lost`,
    ...{ alarm, by: null },
  }));
  const by = "Kaisa Nieminen";
  const told = "Told Kaisa Nieminen by e-mail (Utility A lost and 7 more)";
  return {
    ...view,
    runbook: "Check the generator and the transfer switch. Call the grid operator: 0800 000 000.",
    members,
    feeds: [
      { id: "ups-a", label: "UPS A", kind: "ups" },
      { id: "pdu-a1", label: "PDU A1", kind: "pdu" },
      ...["A01", "A02", "A03", "A04", "B01", "B02", "B05"].map((label) => ({
        ...{ id: label.toLowerCase(), label, kind: "rack" },
      })),
    ],
    timeline: [
      ...story,
      { at: now - 80_000, kind: "told" as const, text: told, alarm: LEAD, by: null },
      {
        at: now - 20_000,
        kind: "acknowledged" as const,
        text: `${by} acknowledged Utility A lost`,
        ...{ alarm: LEAD, by },
      },
      {
        at: now - 9_000,
        kind: "note" as const,
        text: "Generator started by hand.",
        alarm: null,
        by,
      },
    ].sort((a, b) => a.at - b.at),
  };
}
