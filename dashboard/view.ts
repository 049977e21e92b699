import { computed, type ReadonlySignal, useComputed } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { AlarmView } from "../contract/api.ts";
import { placeOf } from "../contract/id.ts";
import type { PowerUnit, SiteModel } from "../contract/site.ts";
import { isMarked } from "./alarm-order.ts";
import { allRacks, byPlace, inletsOf, type PointsByPlace, placeLabels } from "./places.ts";
import type { Showing } from "./staleness.ts";
import type { Store } from "./store.ts";

/** What screens need besides the store's facts: names, places and what belongs together. */
export interface View {
  store: Store;
  site: ReadonlySignal<SiteModel | null>;
  timeZone: ReadonlySignal<string>;
  labels: ReadonlySignal<ReadonlyMap<string, string>>;
  places: ReadonlySignal<PointsByPlace>;
  /** Every inlet point of every rack in the model. */
  inlets: ReadonlySignal<readonly string[]>;
  cooling: ReadonlySignal<readonly { id: string; label: string }[]>;
  power: ReadonlySignal<readonly PowerUnit[]>;
  /** The worst marked alarm by id of its place (`a03`) and of its subject (`a03.inlet-top`). */
  worst: ReadonlySignal<ReadonlyMap<string, AlarmView["priority"]>>;
}

export function createView(store: Store): View {
  const site = store.site;
  const places = computed(() => byPlace(store.pointIds.value));
  return {
    store,
    site,
    places,
    timeZone: computed(() => site.value?.timezone ?? "UTC"),
    labels: computed(() => (site.value ? placeLabels(site.value) : new Map())),
    inlets: computed(() =>
      site.value ? allRacks(site.value).flatMap((rack) => inletsOf(places.value, rack.id)) : [],
    ),
    cooling: computed(() => site.value?.rooms.flatMap((room) => room.cooling) ?? []),
    power: computed(() => site.value?.power ?? []),
    worst: computed(() => worstByName(store.alarms.value)),
  };
}

function worstByName(alarms: readonly AlarmView[]): Map<string, AlarmView["priority"]> {
  const worst = new Map<string, AlarmView["priority"]>();
  const note = (name: string | null | undefined, priority: AlarmView["priority"]) => {
    if (name && priority < (worst.get(name) ?? 5)) worst.set(name, priority);
  };
  for (const alarm of alarms) {
    if (!isMarked(alarm)) continue;
    note(alarm.subject, alarm.priority);
    note(placeOf(alarm.subject), alarm.priority);
  }
  return worst;
}

const ViewContext = createContext<View | null>(null);
export const ViewProvider = ViewContext.Provider;

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("a wall component stands outside ViewProvider");
  return view;
}

/** Re-renders only when what is shown changes, not each time a reading differs in the fifth digit. */
export function useSettled<T>(compute: () => T): T {
  const text = useComputed(() => JSON.stringify(compute()));
  return JSON.parse(text.value) as T;
}

export function showAt(view: View, place: string, role: string): Showing {
  return view.store.show(`${place}.${role}`);
}

export function hasPoint(view: View, id: string): boolean {
  const place = placeOf(id);
  return place !== undefined && (view.places.value.get(place)?.includes(id) ?? false);
}
