import type { Logger } from "pino";
import { StepWatch } from "../../contract/alarm/timers.ts";
import type { AlarmView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { Telling, Transition } from "../alarms/transition.ts";
import type { DeliveryConfig } from "../config/delivery-config.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { Bell } from "../notify/bell.ts";
import type { Outbox, Page } from "../notify/outbox.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";
import { afterCommit, transact } from "../state/transaction.ts";
import type { Fence } from "../workers/fence.ts";
import { AckLinks } from "./ack-link.ts";
import { AddressBook } from "./address-book.ts";
import { type Call, CallTable, type EndReason } from "./call-table.ts";
import { DigestTable } from "./digest.ts";
import { FloodGauge } from "./flood.ts";
import { alone, type IncidentPart } from "./incident-part.ts";
import { OnePage, OUTLAST_MS } from "./one-page.ts";
import { type DeliveryEvent, Pager } from "./pager.ts";
import { Windows } from "./windows.ts";

/** What others may follow from waits so long for them: a symptom may be more urgent than its cause. */
const CAUSE_GATHER_MS = 10_000;
const LONGEST_WAIT_MS = 60_000;
const FLOOD_LOOK_MS = 15_000;
const STORAGE_RETRY_MS = 5_000;

export interface DeliveryDeps {
  config: DeliveryConfig;
  db: HubDb;
  outbox: Pick<Outbox, "enqueue" | "supersede" | "acknowledged" | "isLost" | "onTrouble">;
  ledger: Pick<Ledger, "appendOwn">;
  clock: Clock;
  log: Logger;
  siteLabel: string;
  /** Address of the dashboard for links in messages, without a slash at the end. */
  linkBase: string | null;
  /** Address before `/ack/`, when there are links that acknowledge. */
  ackBase?: string | null;
  /** How an alarm stands now, so that a later page does not tell of old values. */
  current?: (alarm: string) => AlarmView | undefined;
  fence?: Fence;
}

/** Decides who is told of an alarm, when, by which ladder and how often. Its whole state is in hub.db. */
export interface Delivery {
  /** Takes one change of an alarm. Call it inside the transaction that writes the change down. */
  take(transition: Transition, part?: IncidentPart): void;
  /** Moves a standing alarm to another place in an incident. Joins the open transaction. */
  regroup(alarm: string, part: IncidentPart): void;
  /** Sends what becomes due until `signal` aborts. Without it only first pages go out. */
  run(signal: AbortSignal): Promise<void>;
  /** Every alarm somebody is being told of. */
  calls(): Call[];
  call(alarm: string): Call | undefined;
  /** The alarms that an answer to a page of this one speaks for: what it leads, or its lead and what that leads. */
  together(alarm: string): string[];
  /** Told of each event, inside the transaction that writes it down. */
  onEvent(listener: (event: DeliveryEvent) => void): () => void;
  readonly book: AddressBook;
  readonly links: AckLinks;
}

export function createDelivery(deps: DeliveryDeps): Delivery {
  return new Desk(deps);
}

class Desk implements Delivery {
  readonly book: AddressBook;
  readonly links: AckLinks;
  readonly #deps: DeliveryDeps;
  readonly #calls: CallTable;
  readonly #digests: DigestTable;
  readonly #flood: FloodGauge;
  readonly #pager: Pager;
  readonly #onePage: OnePage;
  readonly #steps: StepWatch;
  readonly #bell = new Bell();
  readonly #listeners = new Set<(event: DeliveryEvent) => void>();
  #failing = false;

  constructor(deps: DeliveryDeps) {
    const { config, db, outbox, clock } = deps;
    this.#deps = deps;
    this.book = new AddressBook(config);
    this.links = new AckLinks(db);
    this.#calls = new CallTable(db);
    this.#digests = new DigestTable(db);
    this.#flood = new FloodGauge(db, config.flood);
    this.#steps = new StepWatch(clock);
    this.#pager = new Pager({
      ...deps,
      ackBase: deps.ackBase ?? null,
      ...{ book: this.book, links: this.links, windows: new Windows(config) },
      ...{ calls: this.#calls, digests: this.#digests, flood: this.#flood },
      tell: (event) => this.#tell(event),
    });
    this.#onePage = new OnePage({ calls: this.#calls, outbox, tell: (event) => this.#tell(event) });
    outbox.onTrouble((page) => this.#hearTrouble(page));
  }

  calls = (): Call[] => this.#calls.all();
  call = (alarm: string): Call | undefined => this.#calls.get(alarm);
  together = (alarm: string): string[] => this.#onePage.together(alarm);

  onEvent(listener: (event: DeliveryEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  take(transition: Transition, part: IncidentPart = alone(transition.view)): void {
    const { view, changes, tell, at, cause } = transition;
    const known = this.#calls.get(view.id);
    if (known?.occurrence === view.occurrence) this.#calls.save({ ...known, view });
    for (const change of changes) {
      const call = this.#calls.get(view.id);
      if (change === "acknowledged") this.#acknowledged(call, view, { at, by: cause.by });
      else if (change === "cleared" || change === "withdrawn") {
        const telling = tell.find((one) => one.change === change);
        this.#over(transition, telling, call);
      } else if (change === "shelved" || change === "suppressed" || change === "out-of-service")
        this.#withhold(call, at, `${change} by ${cause.by}`);
      else if (change === "ended" || change === "reset") this.#forget(view.id, at);
    }
    const sounding = tell.find(({ change }) => change === "raised" || change === "re-alarmed");
    if (sounding) this.#begin(transition, sounding, part);
    afterCommit(this.#deps.db, () => this.#bell.ring());
  }

  regroup(alarm: string, part: IncidentPart): void {
    const call = this.#calls.get(alarm);
    if (!call || call.state === "ended") return;
    this.#onePage.regroup(call, part, this.#deps.clock.nowMs());
    afterCommit(this.#deps.db, () => this.#bell.ring());
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    this.#write(() => this.#shorten(clock.nowMs()));
    while (!signal.aborted) {
      this.#write(() => this.#tick());
      await this.#bell.wait(clock, this.#waitMs(clock.nowMs()), signal);
    }
  }

  #begin({ view, at, room }: Transition, { change, receivers }: Telling, part: IncidentPart): void {
    const known = this.#calls.get(view.id);
    const same = known?.occurrence === view.occurrence ? known : undefined;
    const gatherMs = this.#gatherMs(view, part);
    const call: Call = {
      ...{ alarm: view.id, occurrence: view.occurrence, state: "running", why: null },
      ...{ nextAt: at + gatherMs, targets: [...receivers], steps: 0, repeats: 0 },
      ...{ pages: same?.pages ?? 0, told: same?.told ?? [], asked: same?.asked ?? [] },
      ...{ incident: part.incident, lead: null, isAgain: change === "re-alarmed", held: null },
      ...{ room, view, cause: part.part === "alone" ? view.rule : part.incident },
      urgency: view.priority,
    };
    this.#calls.save(call);
    const { spokenFor, page } = this.#onePage.begin(call, part, at);
    if (page) this.#pager.fire(this.#fresh(page), at);
    else if (!spokenFor && gatherMs === 0) this.#pager.fire(call, at);
  }

  #gatherMs({ priority }: AlarmView, { mayLead }: IncidentPart): number {
    if (priority === 1) return 0;
    return this.#deps.config.paging.gatherMs ?? (mayLead ? CAUSE_GATHER_MS : 0);
  }

  #acknowledged(call: Call | undefined, view: AlarmView, ack: { at: EpochMs; by: string }): void {
    const { id: alarm, occurrence } = view;
    this.#end(call, alarm, occurrence, { why: "acknowledged", text: `acknowledged by ${ack.by}` });
    this.#deps.outbox.acknowledged(alarm, occurrence, ack);
    if (call?.state === "running")
      this.#tell({ at: ack.at, alarm, occurrence, kind: "acknowledged", text: `by ${ack.by}` });
  }

  #withhold(call: Call | undefined, at: EpochMs, text: string): void {
    if (!call) return;
    this.#end(call, call.alarm, call.occurrence, { why: "withheld", text });
    this.#onePage.release(call.alarm, at);
  }

  /** Sends no further page. Who had only one still waiting has not been told. */
  #end(
    call: Call | undefined,
    alarm: string,
    occurrence: number,
    { why, text }: { why: EndReason; text: string },
  ): void {
    const waiting = this.#digests.forget(alarm);
    const untold = new Set(this.#deps.outbox.supersede(alarm, occurrence, text));
    if (!call || call.occurrence !== occurrence) return;
    if (call.pages === 1) for (const receiver of waiting) untold.add(receiver);
    const told = call.told.filter((receiver) => !untold.has(receiver));
    const lead = why === "acknowledged" ? call.lead : null;
    this.#calls.save({ ...call, told, lead, state: "ended", why, nextAt: null });
  }

  /** The condition is over, or nobody watches it any more: those who were told hear of it. */
  #over(
    { view, at, room }: Transition,
    telling: Telling | undefined,
    call: Call | undefined,
  ): void {
    const own = call?.occurrence === view.occurrence ? call : undefined;
    const named = () => this.book.waysTo(this.#atOnce(telling?.receivers ?? []), at);
    const receivers = own ? own.told : named().map(({ receiver }) => receiver);
    const cause = own?.cause ?? view.rule;
    const told = { ...view, priority: own?.urgency ?? view.priority };
    if (telling) this.#pager.tellEnd(told, telling.change, at, { receivers, room, cause });
    // A latched alarm has to be looked at, although its condition is over.
    if (own && view.state === "latched") this.#calls.save({ ...own, told: [] });
    else this.#forget(view.id, at);
  }

  #atOnce = (names: readonly string[]): string[] => this.book.ladderOf(names)[0]?.to ?? [];

  #forget(alarm: string, at: EpochMs): void {
    this.#calls.remove(alarm);
    this.#onePage.release(alarm, at);
  }

  #hearTrouble({ alarm, occurrence, step }: Page): void {
    const call = this.#calls.get(alarm);
    const isNewest = call?.occurrence === occurrence && call.pages === step + 1;
    if (!isNewest || call.state !== "running") return;
    if (!this.#deps.outbox.isLost({ alarm, occurrence, step })) return;
    this.#pager.hurry(this.#fresh(call), this.#deps.clock.nowMs());
    afterCommit(this.#deps.db, () => this.#bell.ring());
  }

  #tick(): void {
    const now = this.#deps.clock.nowMs();
    const stepMs = this.#steps.stepMs();
    if (stepMs !== 0) this.#shift(stepMs, now);
    if (this.#flood.judge(now) === "ended") {
      this.#digests.flush(now);
      this.#deps.log.info("flood of alarms over: single pages again");
    }
    for (const call of this.#calls.due(now)) this.#pager.fire(this.#fresh(call), now);
    this.#pager.sendDigests(now);
  }

  #fresh(call: Call): Call {
    const view = this.#deps.current?.(call.alarm);
    return view?.occurrence === call.occurrence ? { ...call, view } : call;
  }

  /** Keeps waits their length when the wall clock was set; what waits for an hour of the day is judged anew. */
  #shift(stepMs: number, now: EpochMs): void {
    this.#digests.shift(stepMs);
    for (const call of this.#calls.all())
      if (call.nextAt !== null)
        this.#calls.save({ ...call, nextAt: call.held ? now : call.nextAt + stepMs });
  }

  /** After a restart: no wait is longer than it can be, whatever the clock was when it was written. */
  #shorten(now: EpochMs): void {
    for (const call of this.#calls.all()) {
      if (call.nextAt === null) continue;
      const longest = now + Math.max(this.#pager.gapMs(call) ?? 0, OUTLAST_MS.other);
      const nextAt = call.held ? now : Math.min(call.nextAt, longest);
      this.#calls.save({ ...call, nextAt });
    }
  }

  #waitMs(now: EpochMs): number {
    if (this.#failing) return STORAGE_RETRY_MS;
    const longest = this.#flood.since() === null ? LONGEST_WAIT_MS : FLOOD_LOOK_MS;
    const next = [this.#calls.nextAt(), this.#digests.nextAt()].filter((at) => at !== null);
    return Math.max(1, Math.min(longest, ...next.map((at) => at - now)));
  }

  /** All of it is on disk, or, while the disk refuses, none; then it is tried again. */
  #write(work: () => void): void {
    const { db, fence, log } = this.#deps;
    try {
      transact(db, () => {
        fence?.check();
        work();
      });
      if (this.#failing) log.info("pages can be written down again");
      this.#failing = false;
    } catch (error) {
      if (!isStorageFault(error)) throw error;
      if (!this.#failing) log.error({ err: error }, "pages cannot be written down");
      this.#failing = true;
    }
  }

  #tell(event: DeliveryEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
