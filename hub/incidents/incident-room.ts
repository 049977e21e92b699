import type { AlarmView } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { IncidentDetail, IncidentView, Race } from "../../contract/incident.ts";
import type { Alarms } from "../alarms/alarm-runtime.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { LiveState } from "../live/live-state.ts";
import { RaceClock } from "../race/race-clock.ts";
import type { Incident } from "./incident.ts";
import { incidentReport } from "./incident-report.ts";
import { IncidentViews } from "./incident-views.ts";
import { type IncidentDeps, IncidentRefused, Incidents } from "./incidents.ts";

/** A race is computed anew after so long; between, the last one is shown. */
export const RACE_EVERY_MS = 5_000;

export interface RoomDeps extends Omit<IncidentDeps, "live" | "regroup"> {
  live: Pick<LiveState, "point" | "points" | "isStale" | "onChange">;
  delivery: Pick<Delivery, "regroup" | "onEvent">;
  /** Asked for only once the hub runs: alarms are made after incidents. */
  alarms: () => Pick<Alarms, "view" | "views" | "command">;
}

/** What people can see of incidents and do about them. */
export interface IncidentSource {
  /** Everything that is not closed, and what was closed within a day. */
  list(): IncidentView[];
  closed(limit: number, before?: string): { items: IncidentView[]; next: string | null };
  detail(id: string): IncidentDetail | undefined;
  /** Markdown; undefined when there is no such incident. */
  report(id: string): string | undefined;
  merge(id: string, into: string, by: string): IncidentDetail;
  split(id: string, alarm: string, by: string): IncidentDetail;
  note(id: string, text: string, by: string): IncidentDetail;
  /** Acknowledges every alarm in it that nobody has acknowledged. */
  acknowledge(id: string, by: string): IncidentDetail;
  labelled(view: AlarmView): AlarmView;
}

/** Incidents, their race clock and what is shown of them, put together. */
export class IncidentRoom implements IncidentSource {
  readonly incidents: Incidents;
  readonly #deps: RoomDeps;
  readonly #race: RaceClock;
  readonly #views: IncidentViews;
  readonly #races = new Map<string, { atMs: number; race: Race | null }>();
  readonly #listeners = new Set<() => void>();

  constructor(deps: RoomDeps) {
    const { delivery, clock } = deps;
    this.#deps = deps;
    const regroup: IncidentDeps["regroup"] = (alarm, part) => delivery.regroup(alarm, part);
    this.incidents = new Incidents({ ...deps, regroup });
    delivery.onEvent((event) => this.incidents.heard(event));
    this.#race = new RaceClock({ ...deps, topology: this.incidents.topology });
    this.#views = new IncidentViews({
      incidents: this.incidents,
      alarm: (id) => deps.alarms().view(id),
      race: (incident) => this.#raceOf(incident),
      now: (): EpochMs => clock.nowMs(),
    });
    this.incidents.onChange(() => this.#tell());
  }

  /** Told when the list may read differently. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { live, clock } = this.#deps;
    const stop = live.onChange((change) => {
      if (change.kind === "point") this.#race.hear(change.point);
    });
    this.incidents.adopt(this.#deps.alarms().views());
    const closing = this.incidents.run(signal);
    try {
      while (!signal.aborted) {
        await clock.sleep(RACE_EVERY_MS, signal);
        if (!signal.aborted) this.#runRaces();
      }
    } finally {
      stop();
      await closing;
    }
  }

  list = (): IncidentView[] => this.#views.list();
  closed = (limit: number, before?: string) => this.#views.closed(limit, before);
  labelled = (view: AlarmView): AlarmView => this.#views.labelled(view);

  /** The same alarms, each saying what it is in its incident. */
  labelling(alarms: Alarms): Pick<Alarms, "views" | "view" | "command" | "saveError"> {
    const label = (view: AlarmView | undefined) => view && this.labelled(view);
    return {
      views: () => alarms.views().map(this.labelled),
      view: (id) => label(alarms.view(id)),
      command: (id, order) => label(alarms.command(id, order)),
      saveError: alarms.saveError,
    };
  }

  detail(id: string): IncidentDetail | undefined {
    const incident = this.incidents.find(id);
    return incident && this.#views.detail(incident);
  }

  report(id: string): string | undefined {
    const detail = this.detail(id);
    return detail && incidentReport(detail, this.#deps.site);
  }

  merge(id: string, into: string, by: string): IncidentDetail {
    return this.#views.detail(this.incidents.merge(id, into, by));
  }

  split(id: string, alarm: string, by: string): IncidentDetail {
    return this.#views.detail(this.incidents.split(id, alarm, by));
  }

  note(id: string, text: string, by: string): IncidentDetail {
    return this.#views.detail(this.incidents.note(id, text, by));
  }

  acknowledge(id: string, by: string): IncidentDetail {
    const incident = this.incidents.find(id);
    if (!incident) throw new IncidentRefused(`No incident is called ${id}.`);
    for (const { alarm, ack } of [...incident.members.values()])
      if (ack === null) this.#deps.alarms().command(alarm, { do: "acknowledge", by });
    return this.#views.detail(this.incidents.find(id) ?? incident);
  }

  #raceOf(incident: Incident): Race | null {
    const nowMs = this.#deps.clock.monoMs();
    const known = this.#races.get(incident.id);
    if (known && nowMs - known.atMs < RACE_EVERY_MS) return known.race;
    const race = this.#race.of(incident);
    this.#races.set(incident.id, { atMs: nowMs, race });
    return race;
  }

  /** Computes every race anew and lets the rooms teach; forgets races of incidents that are closed. */
  #runRaces(): void {
    const open = this.incidents.open();
    const had = [...this.#races.values()].some(({ race }) => race !== null);
    this.#races.clear();
    const races = open.flatMap((incident) => this.#raceOf(incident) ?? []);
    for (const race of races) this.#race.learn(race);
    if (had || races.length > 0) this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
