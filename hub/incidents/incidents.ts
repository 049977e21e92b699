import type { Logger } from "pino";
import type { AlarmView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { SiteRule } from "../config/hub-config.ts";
import type { IncidentPart } from "../delivery/incident-part.ts";
import type { DeliveryEvent } from "../delivery/pager.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LiveState } from "../live/live-state.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";
import { afterCommit, transact } from "../state/transaction.ts";
import type { Fence } from "../workers/fence.ts";
import { type Fact, factOf } from "./fact.ts";
import { fold } from "./folding.ts";
import { type Incident, leadOf, mayClose, stateOf } from "./incident.ts";
import { IncidentDesk } from "./incident-desk.ts";
import { IncidentStore } from "./incident-store.ts";
import { type Change, memberOf, partIn, sounds, standingAfter, titleOf } from "./member.ts";
import { deliveryWords, joinedWords, named, takenWords, wordsOf } from "./timeline-words.ts";
import { Topology } from "./topology.ts";

const TICK_MS = 10_000;

export interface IncidentDeps {
  db: HubDb;
  site: SiteModel;
  rules: readonly SiteRule[];
  live: Pick<LiveState, "point">;
  ledger: Pick<Ledger, "appendOwn">;
  clock: Clock;
  log: Logger;
  /** Tells delivery that a standing alarm has another place now, inside the transaction. */
  regroup?: (alarm: string, part: IncidentPart) => void;
  fence?: Fence;
}

/** What a person asked for cannot be done; the message says why. */
export class IncidentRefused extends Error {
  override name = "IncidentRefused";
}

/**
 * Folds alarms into incidents. Everything stands in hub.db, written in the transaction that writes the
 * alarm down; what is in memory is a copy that `forget` throws away when a transaction has failed.
 */
export class Incidents {
  readonly topology: Topology;
  readonly store: IncidentStore;
  readonly #deps: IncidentDeps;
  readonly #desk: IncidentDesk;
  readonly #rules: ReadonlyMap<string, SiteRule>;
  readonly #listeners = new Set<() => void>();
  #isTelling = false;
  #failing = false;

  constructor(deps: IncidentDeps) {
    this.#deps = deps;
    this.topology = new Topology(deps.site);
    this.store = new IncidentStore(deps.db);
    this.#desk = new IncidentDesk(this.store, this.topology, deps.regroup);
    this.#rules = new Map(deps.rules.map((rule) => [rule.id, rule]));
  }

  /** The incidents that are not closed. */
  open = (): Incident[] => this.#desk.book().all();
  find = (id: string): Incident | undefined => this.#desk.book().get(id) ?? this.store.find(id);

  /** What an alarm is in its incident; undefined while it belongs to none. */
  partOf(alarm: string): IncidentPart | undefined {
    const incident = this.#desk.book().ofAlarm(alarm);
    return incident && partIn(incident, alarm);
  }

  /** Takes one change of an alarm. Call it inside the transaction that writes the change down. */
  take(transition: Change): IncidentPart {
    const { view, at } = transition;
    const held = this.#desk.book().ofAlarm(view.id);
    let incident = held;
    if (held) this.#update(held, transition);
    else if (sounds(view)) incident = this.#place(view, at);
    if (!incident) return { incident: "", part: "alone", lead: view.id };
    this.#desk.settle(incident, at);
    this.#changed();
    const { fact } = incident.members.get(view.id)!;
    const mayLead = fact.kind === "cooling" || this.topology.powers(fact.place).size > 0;
    return { ...partIn(incident, view.id), mayLead };
  }

  /** Takes up alarms that stand and belong to none, as after the first start of a hub that knows incidents. */
  adopt(views: readonly AlarmView[]): void {
    const lost = views.filter((view) => sounds(view) && !this.#desk.book().ofAlarm(view.id));
    if (lost.length === 0) return;
    const byAge = lost.sort((a, b) => (a.raisedAt ?? 0) - (b.raisedAt ?? 0));
    this.#act((now) => {
      for (const view of byAge) this.#desk.settle(this.#place(view, view.raisedAt ?? now), now);
    });
  }

  /** Writes what delivery did about an alarm into its incident's story. Joins the open transaction. */
  heard(event: DeliveryEvent): void {
    const incident = this.#desk.book().ofAlarm(event.alarm);
    const member = incident?.members.get(event.alarm);
    if (!incident || !member) return;
    const words = deliveryWords(event, named(member));
    if (words) this.#desk.note(incident, { ...words, at: event.at, alarm: event.alarm, by: null });
  }

  /** After a transaction that failed: what is on disk counts. */
  forget(): void {
    this.#desk.forget();
    this.#isTelling = false;
  }

  merge(id: string, into: string, by: string): Incident {
    return this.#act((now) => {
      const from = this.#known(id);
      const target = this.#known(into);
      if (from === target) throw new IncidentRefused(`${id} cannot be merged into itself.`);
      const text = `${by} put this together with: ${titleOf(from)}`;
      this.#record("incident.merged", now, { incident: into, from: id, by });
      for (const member of from.members.values()) member.byHand = true;
      this.#desk.absorb(from, target, now);
      this.#desk.note(target, { at: now, kind: "merged", text, alarm: null, by });
      this.#desk.settle(target, now);
      return target;
    });
  }

  split(id: string, alarm: string, by: string): Incident {
    return this.#act((now) => {
      const from = this.#known(id);
      const member = from.members.get(alarm);
      if (!member) throw new IncidentRefused(`${alarm} is not part of ${id}.`);
      if (from.members.size === 1) throw new IncidentRefused(`${alarm} is all there is in ${id}.`);
      this.#record("incident.split", now, { incident: id, alarm, by });
      this.#desk.leave(from, member);
      const fresh = this.store.add(alarm, now);
      this.#desk.book().add(fresh);
      this.#desk.join(fresh, { ...member, byHand: true, joinedAt: now });
      const text = `${by} took this out: ${named(member)}`;
      this.#desk.note(from, { at: now, kind: "split", text, alarm, by });
      this.#desk.note(fresh, {
        at: now,
        kind: "split",
        text: `Was part of: ${titleOf(from)}`,
        alarm,
        by,
      });
      for (const incident of [from, fresh]) {
        this.#desk.settle(incident, now);
        this.#desk.regroup(incident);
      }
      return fresh;
    });
  }

  note(id: string, text: string, by: string): Incident {
    return this.#act((now) => {
      const incident = this.find(id);
      if (!incident) throw new IncidentRefused(`No incident is called ${id}.`);
      this.#record("incident.note", now, { incident: id, text, by });
      this.#desk.note(incident, { at: now, kind: "note", text, alarm: null, by });
      return incident;
    });
  }

  /** Told after every change that is on disk. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Closes what is over, acknowledged and calm, and forgets the oldest, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      try {
        this.#close(clock.nowMs());
        if (this.#failing) log.info("incidents can be written down again");
        this.#failing = false;
      } catch (error) {
        this.forget();
        if (!isStorageFault(error)) throw error;
        if (!this.#failing) log.error({ err: error }, "incidents cannot be written down");
        this.#failing = true;
      }
      await clock.sleep(TICK_MS, signal);
    }
  }

  #place(view: AlarmView, at: EpochMs): Incident {
    const fact = this.#factOf(view);
    const book = this.#desk.book();
    const { joins, because, takes } = fold(fact, book.candidates(fact), this.topology);
    const member = memberOf(view, fact, at);
    const what = named(member);
    const incident = joins ?? takes[0] ?? this.#desk.begin(member, at);
    const before = takes.map(titleOf);
    this.#desk.join(incident, member);
    const lead = leadOf(incident);
    // The other phases of a supply that is gone are no news: what speaks for it does.
    const cause = because && lead?.fact.place === because.fact.place ? lead : because;
    const words =
      joins && cause ? joinedWords(what, named(cause)) : { kind: "raised" as const, text: what };
    this.#desk.note(incident, { ...words, at, alarm: view.id, by: null });
    if (!joins && takes.length > 0) incident.lead = member.alarm;
    for (const taken of takes) if (taken !== incident) this.#desk.absorb(taken, incident, at);
    if (before.length > 0) {
      this.#desk.note(incident, { ...takenWords(before), at, alarm: view.id, by: null });
      this.store.save(incident);
      this.#desk.regroup(incident, view.id);
    }
    return incident;
  }

  #update(incident: Incident, transition: Change): void {
    const { view, changes, cause, at } = transition;
    const member = incident.members.get(view.id)!;
    Object.assign(member, standingAfter(member, transition));
    if (changes.includes("raised")) {
      member.fact = this.#factOf(view);
      member.title = view.title;
    }
    for (const change of changes) {
      const words = wordsOf(change, transition);
      const by = cause.by === "hub" ? null : cause.by;
      if (words) this.#desk.note(incident, { ...words, at, alarm: view.id, by });
    }
    this.store.saveMember(incident, member);
  }

  #close(now: EpochMs): void {
    const book = this.#desk.book();
    const done = book.all().filter((incident) => mayClose(incident, now));
    if (done.length === 0) return;
    transact(this.#deps.db, () => {
      this.#deps.fence?.check();
      for (const incident of done) {
        incident.closedAt = now;
        const text = "Everything in it is over and acknowledged";
        this.#desk.note(incident, { at: now, kind: "closed", text, alarm: null, by: null });
        this.store.save(incident);
        book.remove(incident);
      }
      this.store.prune(now);
      this.#changed();
    });
  }

  #factOf({ id: alarm, rule: ruleId, subject, limit, raisedAt }: AlarmView): Fact {
    const rule = this.#rules.get(ruleId);
    const condition = rule?.condition ?? null;
    const live = this.#deps.live.point(subject);
    const isNode = (rule?.nodes.length ?? 0) > 0;
    const bus = live?.info.bus ?? null;
    const point = live ? { node: live.node, quantity: live.info.quantity, bus } : null;
    const at = raisedAt ?? this.#deps.clock.nowMs();
    return factOf({ alarm, subject, raisedAt: at, condition, limit, point, isNode }, this.topology);
  }

  #known(id: string): Incident {
    const incident = this.#desk.book().get(id);
    if (incident) return incident;
    const closed = this.store.find(id);
    throw new IncidentRefused(
      closed
        ? `${id} is ${stateOf(closed)}; only open ones can change.`
        : `No incident is called ${id}.`,
    );
  }

  #act<T>(work: (now: EpochMs) => T): T {
    try {
      return transact(this.#deps.db, () => {
        this.#deps.fence?.check();
        this.#changed();
        return work(this.#deps.clock.nowMs());
      });
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  #record(type: string, at: EpochMs, detail: Record<string, string>): void {
    this.#deps.ledger.appendOwn(type, at, detail);
  }

  #changed(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    afterCommit(this.#deps.db, () => {
      this.#isTelling = false;
      for (const listener of this.#listeners) listener();
    });
  }
}
