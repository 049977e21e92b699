import { type PowerUnit, type SiteModel, siteModelSchema } from "../../contract/site.ts";
import type { Spec } from "./fixture-world.ts";

type Place = (i: number) => { x: number; y: number };

function row(id: string, count: number, at: Place) {
  return {
    id,
    label: id.toUpperCase(),
    racks: Array.from({ length: count }, (_, i) => {
      const rack = `${id}${String(i + 1).padStart(2, "0")}`;
      return { id: rack, label: rack.toUpperCase(), at: at(i) };
    }),
  };
}

/** Three rooms, 48 racks, coolers within a row, an upright row, doors in every wall, PDUs that must fold. */
export function largeSite(power: readonly PowerUnit[]): SiteModel {
  const aisle = (kind: "hot" | "cold", label: string, y: number) => {
    return { kind, label, at: { x: 3, y }, widthM: 8.4 };
  };
  return siteModelSchema.parse({
    id: "large",
    label: "Käpylä data centre, building 2",
    timezone: "Asia/Kolkata",
    rooms: [
      {
        id: "hall-a",
        label: "Hall A",
        widthM: 15,
        depthM: 9,
        rows: [1.2, 3.4, 6.4].map((y, r) =>
          row("abc"[r] ?? "a", 12, (i) => ({ x: 3 + 0.6 * i + (i > 5 ? 1.2 : 0), y })),
        ),
        aisles: [aisle("hot", "Hot aisle 1", 0.4), aisle("cold", "Cold aisle 1", 2.8)],
        cooling: [
          { id: "crah-1", label: "CRAH 1", at: { x: 6.7, y: 1.2 } },
          { id: "crah-2", label: "CRAH 2", at: { x: 6.7, y: 3.4 } },
          { id: "crah-3", label: "CRAH 3", at: { x: 13, y: 4 } },
        ],
        doors: [
          { id: "door-a1", label: "A1", at: { x: 0, y: 4 } },
          { id: "door-a2", label: "A2 loading bay", at: { x: 15, y: 2 } },
        ],
      },
      {
        id: "hall-b",
        label: "Hall B",
        widthM: 6,
        depthM: 7,
        rows: [row("d", 8, (i) => ({ x: 1.5, y: 0.8 + 0.65 * i }))],
        doors: [{ id: "door-b1", label: "B1", at: { x: 3, y: 7 } }],
      },
      {
        id: "lobby",
        label: "Meet-me room and lobby",
        widthM: 6,
        depthM: 3,
        rows: [row("m", 4, (i) => ({ x: 1.2 + 0.8 * i, y: 1 }))],
      },
    ],
    power: [
      ...power,
      ...[3, 4, 5].map((n) => {
        return { id: `pdu-a${n}`, label: `PDU A${n}`, kind: "pdu", feed: "A", fedBy: ["ups-a"] };
      }),
    ],
  });
}

export function largeSpecs(): Spec[] {
  return largeSite([])
    .rooms.flatMap((room) => room.rows.flatMap((each) => each.racks))
    .flatMap((rack, i): Spec[] => {
      const top = 21 + ((i * 13) % 9) * 0.6;
      return [
        [`${rack.id}.inlet-top`, "temperature", top, `${rack.label} inlet top`],
        [`${rack.id}.inlet-bottom`, "temperature", top - 2, `${rack.label} inlet bottom`],
      ];
    });
}
