import { placeOf, roleOf } from "../../../contract/id.ts";
import type { PointInfo } from "../../../contract/message.ts";
import type { QuantityId } from "../../../contract/quantity.ts";
import { type SiteModel, siteModelSchema } from "../../../contract/site.ts";
import { USUAL_CLIMATE } from "../../../hub/derived/climate.ts";
import type { Derivation, Deriver, Scene } from "../../../hub/derived/derivation.ts";

export const SITE: SiteModel = siteModelSchema.parse({
  id: "t",
  label: "T",
  timezone: "Europe/Helsinki",
  rooms: [
    {
      id: "hall-a",
      label: "Hall A",
      widthM: 12,
      depthM: 7,
      rows: [
        {
          id: "a",
          label: "A",
          racks: [
            { id: "a01", label: "A01", at: { x: 1, y: 1 }, feeds: ["pdu-a", "pdu-b"] },
            { id: "a02", label: "A02", at: { x: 2, y: 1 }, feeds: ["pdu-a", "pdu-b"] },
          ],
        },
      ],
      cooling: [1, 2, 3].map((n) => ({ id: `crah-${n}`, label: `CRAH ${n}`, at: { x: n, y: 0 } })),
      doors: [
        { id: "door-a1", label: "A1 south", at: { x: 3, y: 7 }, hours: ["Mo-Fr 07:00-18:00"] },
      ],
    },
  ],
  power: [
    { id: "ups-a", label: "UPS A", kind: "ups", feed: "A" },
    { id: "ups-b", label: "UPS B", kind: "ups", feed: "B" },
    { id: "pdu-a", label: "PDU A", kind: "pdu", feed: "A", fedBy: ["ups-a"], ratingA: 32 },
    { id: "pdu-b", label: "PDU B", kind: "pdu", feed: "B", fedBy: ["ups-b"], ratingA: 32 },
  ],
});

export type Offered = Record<string, QuantityId>;

export function infos(offered: Offered): PointInfo[] {
  return Object.entries(offered).map(([id, quantity]) => ({
    ...{ id, quantity, label: id, periodMs: 2_000 },
  }));
}

export function sceneOf(offered: Offered, site = SITE): Scene {
  const places = new Map<string, Map<string, PointInfo>>();
  for (const info of infos(offered)) {
    const place = placeOf(info.id) ?? "";
    places.set(place, (places.get(place) ?? new Map()).set(roleOf(info.id), info));
  }
  return { site, climate: USUAL_CLIMATE, places, label: (place) => place.toUpperCase() };
}

/** The derivations of one kind, by the name of their point. */
export function derived(deriver: Deriver, offered: Offered, site = SITE): Map<string, Derivation> {
  return new Map(deriver(sceneOf(offered, site)).map((each) => [each.info.id, each]));
}

/** What a derivation says of these values; what is not among them is not known. */
export function say(
  derivation: Derivation | undefined,
  values: Record<string, number>,
  now = 0,
): number | string {
  if (!derivation) return "not derived";
  const measured = derivation.derive((point) => values[point], now);
  if (measured.quality === "bad") return measured.reason;
  return derivation.info.states?.[String(measured.value)] ?? measured.value;
}
