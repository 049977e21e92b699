import type { DoorView, NodeView, PointView, Snapshot } from "../../contract/api.ts";
import { QUANTITIES, type QuantityId } from "../../contract/quantity.ts";
import { staleAfterMs } from "../../contract/reading.ts";
import { type SiteModel, siteModelSchema } from "../../contract/site.ts";
import { alarmsOf } from "./fixture-alarms.ts";
import { fixtureIncidents } from "./fixture-incidents.ts";
import { largeSite, largeSpecs } from "./fixture-large.ts";

/** A scripted hub state. Every time in it is relative to `now`, so that it is always fresh. */
export type Scenario = "normal" | "alarm" | "incident" | "stale" | "flood" | "hostile" | "large";

const PERIOD_MS = 5_000;
const MINUTE = 60_000;
export const HOSTILE = "<img src=x onerror=document.title='owned'>";

export function fixtureSite(scenario: Scenario = "normal"): SiteModel {
  if (scenario === "large") return largeSite(fixtureSite("normal").power);
  const row = (id: string, y: number) => ({
    id,
    label: id.toUpperCase(),
    racks: Array.from({ length: 8 }, (_, i) => {
      const rack = `${id}0${i + 1}`;
      const label = scenario === "hostile" && rack === "a03" ? HOSTILE : rack.toUpperCase();
      return { id: rack, label, at: { x: 2.6 + 0.8 * i, y }, budgetW: 6_000 };
    }),
  });
  return siteModelSchema.parse({
    id: "demo",
    label: scenario === "hostile" ? HOSTILE : "Demo site",
    timezone: "Europe/Helsinki",
    rooms: [
      {
        id: "hall-a",
        label: "Hall A",
        widthM: 12,
        depthM: 7.2,
        points: ["leak.rope"],
        rows: [row("a", 1.3), row("b", 4.7)],
        aisles: [
          { kind: "hot", label: "Hot aisle 1", at: { x: 2.6, y: 0.4 }, widthM: 6.4 },
          { kind: "cold", label: "Cold aisle", at: { x: 2.6, y: 3 }, widthM: 6.4 },
          { kind: "hot", label: "Hot aisle 2", at: { x: 2.6, y: 6.4 }, widthM: 6.4 },
        ],
        cooling: [
          { id: "crah-1", label: "CRAH 1", at: { x: 0.3, y: 1 } },
          { id: "crah-2", label: "CRAH 2", at: { x: 0.3, y: 4.2 } },
          { id: "crah-3", label: "CRAH 3", at: { x: 10, y: 2.6 } },
        ],
        doors: [
          { id: "door-a1", label: "A1 south", at: { x: 3, y: 7.2 } },
          { id: "door-a2", label: "A2 south", at: { x: 8, y: 7.2 } },
          { id: "door-b1", label: "B1 north", at: { x: 3, y: 0 } },
          { id: "door-ups", label: "UPS room", at: { x: 8, y: 0 } },
        ],
      },
    ],
    power: [
      { id: "utility-a", label: "Utility A", kind: "utility", feed: "A" },
      { id: "gen-1", label: "Generator", kind: "generator" },
      { id: "utility-b", label: "Utility B", kind: "utility", feed: "B" },
      { id: "ups-a", label: "UPS A", kind: "ups", feed: "A", fedBy: ["utility-a", "gen-1"] },
      { id: "ups-b", label: "UPS B", kind: "ups", feed: "B", fedBy: ["utility-b", "gen-1"] },
      { id: "pdu-a1", label: "PDU A1", kind: "pdu", feed: "A", fedBy: ["ups-a"] },
      { id: "pdu-a2", label: "PDU A2", kind: "pdu", feed: "A", fedBy: ["ups-a"] },
      { id: "pdu-b1", label: "PDU B1", kind: "pdu", feed: "B", fedBy: ["ups-b"] },
      { id: "pdu-b2", label: "PDU B2", kind: "pdu", feed: "B", fedBy: ["ups-b"] },
    ],
  });
}

export type Spec = [id: string, quantity: QuantityId, value: number, label: string];

function rackSpecs(scenario: Scenario): Spec[] {
  if (scenario === "large") return largeSpecs();
  const hot: Record<string, number> =
    scenario === "alarm"
      ? { a03: 27.4, a04: 29.8, a05: 31.8, a06: 29.2, b07: 32.6, b08: 17.2 }
      : scenario === "incident"
        ? { a03: 27.4, a04: 27.7, b01: 28, b02: 28.3, b05: 28.6 }
        : {};
  return ["a", "b"].flatMap((row, r) =>
    Array.from({ length: 8 }, (_, i): Spec[] => {
      const rack = `${row}0${i + 1}`;
      const top = hot[rack] ?? 22.4 + r * 0.9 + ((i * 7) % 5) * 0.55;
      return [
        [`${rack}.inlet-top`, "temperature", top, `${rack.toUpperCase()} inlet top`],
        [`${rack}.inlet-mid`, "temperature", top - 1.1, `${rack.toUpperCase()} inlet middle`],
        [`${rack}.inlet-bottom`, "temperature", top - 2.3, `${rack.toUpperCase()} inlet bottom`],
        [`${rack}.exhaust`, "temperature", top + 11, `${rack.toUpperCase()} exhaust`],
        [`${rack}.humidity`, "humidity", 44, `${rack.toUpperCase()} humidity`],
      ];
    }).flat(),
  );
}

function plantSpecs(scenario: Scenario): Spec[] {
  const isAlarm = scenario === "alarm" || scenario === "incident";
  const cooling = [1, 2, 3].flatMap((n): Spec[] => {
    const stopped = isAlarm && n === 2;
    return [
      [`crah-${n}.running`, "flag", stopped ? 0 : 1, "Running (1 = on or idle)"],
      [`crah-${n}.supply`, "temperature", stopped ? 27.8 : 18 + n / 10, "Supply air"],
      [`crah-${n}.cooling`, "power", stopped ? 0 : 24_300, "Cooling output"],
      [`crah-${n}.return`, "temperature", stopped ? 34.1 : 28.9 + n / 10, "Return air"],
    ];
  });
  const feeds = (["a", "b"] as const).flatMap((feed): Spec[] => {
    const isDead = isAlarm && feed === "a";
    const volts = isDead ? 0.4 : 230;
    return [
      ...["l1", "l2", "l3"].map((l): Spec => [`utility-${feed}.voltage-${l}`, "voltage", volts, l]),
      [`utility-${feed}.frequency`, "frequency", isDead ? 0 : 50, "Frequency"],
      [`utility-${feed}.power`, "power", isDead ? 0 : 41_300, "Power"],
      [`ups-${feed}.on-battery`, "flag", isDead ? 1 : 0, "On battery (1 = yes)"],
      [`ups-${feed}.runtime`, "runtime", isDead ? 683 : 1_480, "Battery runtime"],
      [`ups-${feed}.load`, "load", feed === "a" ? 46 : 45, "Load"],
      [`ups-${feed}.charge`, "charge", isDead ? 62 : 100, "Charge"],
      [`ups-${feed}.output-voltage`, "voltage", 230, "Output"],
      ...[1, 2].flatMap((n): Spec[] => [
        [`pdu-${feed}${n}.power`, "power", 15_100 + 1_200 * n, "Power"],
        ...["l1", "l2", "l3"].map(
          (l): Spec => [`pdu-${feed}${n}.voltage-${l}`, "voltage", 229.6, l],
        ),
      ]),
    ];
  });
  return [
    ...cooling,
    ...feeds,
    ["gen-1.fuel", "level", 92, "Fuel level"],
    ["gen-1.speed", "speed", 0, "Engine speed"],
    ["gen-1.voltage-l1", "voltage", 0, "Voltage"],
    ["door-a1.open", "flag", isAlarm ? 1 : 0, "Door A1 (1 = open)"],
    ["door-a2.open", "flag", 0, "Door A2 (1 = open)"],
    ["door-b1.open", "flag", 0, "Door B1 (1 = open)"],
    ["door-ups.open", "flag", 0, "Door UPS (1 = open)"],
    ["leak.rope", "flag", 0, "Leak rope (1 = wet)"],
  ];
}

function node(id: string): string {
  return /^(crah|utility|ups|pdu|gen)/.test(id) ? "edge-plant" : "edge-hall";
}

function toPoint([id, quantity, value, label]: Spec, now: number): PointView {
  return {
    id,
    node: node(id),
    label,
    quantity,
    unit: QUANTITIES[quantity].unit,
    value,
    quality: "good",
    reason: null,
    at: now - 1_200,
    ageMs: 1_200,
    periodMs: PERIOD_MS,
    staleAfterMs: staleAfterMs(PERIOD_MS),
    stale: false,
  };
}

/** What is wrong with the sensors in the stale scenario. */
function damage(point: PointView, now: number): PointView {
  const old = (ageMs: number): PointView => ({ ...point, at: now - ageMs, ageMs, stale: true });
  if (
    point.id === "a05.inlet-top" ||
    point.id === "ups-b.on-battery" ||
    point.id === "pdu-b2.power"
  )
    return { ...point, value: null, quality: "bad", reason: "no-answer" };
  if (point.id.startsWith("pdu-b2.") || point.id === "ups-b.output-voltage") return old(3 * MINUTE);
  if (point.id === "a06.inlet-bottom") return old(50_000);
  if (/^a08\.inlet/.test(point.id)) return { ...point, value: null, quality: "bad", reason: "bus" };
  if (/^b0[234]\.inlet/.test(point.id)) return old(4 * MINUTE + 10_000);
  if (/^b07\.inlet/.test(point.id))
    return { ...point, value: null, at: null, ageMs: null, quality: "never" };
  if (/^crah-3\.(running|supply)/.test(point.id)) return old(2 * MINUTE);
  if (point.id === "door-a2.open") return old(7 * MINUTE);
  return point;
}

function doorsOf(scenario: Scenario, now: number): DoorView[] {
  return ["door-a1", "door-a2", "door-b1", "door-ups"].map((id, i) => {
    const isOpen = (scenario === "alarm" || scenario === "incident") && i === 0;
    return {
      id,
      node: "edge-hall",
      label: id,
      state: isOpen ? "open" : "closed",
      since: isOpen ? now - 192_000 : now - (i + 1) * 34 * MINUTE,
      at: now - 1_000,
    };
  });
}

function nodesOf(points: readonly PointView[], now: number): NodeView[] {
  return ["edge-hall", "edge-plant"].map((id) => ({
    id,
    label: id,
    software: "0.1.0",
    online: true,
    since: now - 3_600_000,
    lastSeenAt: now,
    backlog: 0,
    clock: "synced",
    points: points.filter((point) => point.node === id).length,
    stored: 1,
    refused: 0,
    quarantined: 0,
    ...{ heldBack: 0, skewMs: 12, overQuota: false, inConflict: false },
    health: {},
  }));
}

export function fixtureSnapshot(scenario: Scenario, now: number): Snapshot {
  const sound = [...rackSpecs(scenario), ...plantSpecs(scenario)].map((spec) => toPoint(spec, now));
  const points = scenario === "stale" ? sound.map((point) => damage(point, now)) : sound;
  return {
    site: fixtureSite(scenario),
    points,
    nodes: nodesOf(points, now),
    alarms: alarmsOf(scenario, now),
    // The others are of a hub that knows no incidents.
    ...(scenario === "incident" ? { incidents: fixtureIncidents(now) } : {}),
    doors: doorsOf(scenario, now),
    health: {
      status: "ok",
      version: "0.1.0",
      at: now,
      uptimeMs: 41 * 86_400_000,
      store: { kind: "sqlite", ok: true, lagMs: 400, error: null },
      nodes: { online: 2, total: 2 },
      points: { fresh: points.length, total: points.length },
      quarantined: 0,
      refused: 0,
      notifications: { queued: 0, failed: 0 },
      selfCheck: { ok: true, at: now, stage: null, why: null, tookMs: 60 },
      heartbeats: [],
    },
  };
}
