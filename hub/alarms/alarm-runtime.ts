import type { Logger } from "pino";
import {
  type Command,
  command,
  INITIAL_STATE,
  type Step,
  step,
} from "../../contract/alarm/engine.ts";
import { afterRestart, onSteppedClock, StepWatch } from "../../contract/alarm/timers.ts";
import type { AlarmView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { AlarmEvent } from "../../contract/message.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { SiteRule } from "../config/hub-config.ts";
import type { Delivery, DeliveryDeps } from "../delivery/delivery.ts";
import { toldOnce } from "../delivery/told-once.ts";
import type { Incidents } from "../incidents/incidents.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LiveChange, LiveNode, LiveState } from "../live/live-state.ts";
import type { HubDb } from "../state/hub-db.ts";
import type { Fence } from "../workers/fence.ts";
import { type Alarm, AlarmBook } from "./alarm-book.ts";
import { AlarmLog } from "./alarm-log.ts";
import { AlarmStore, type StoredAlarm } from "./alarm-store.ts";
import { AlarmSubjects } from "./alarm-subjects.ts";
import { DueOrders } from "./due-orders.ts";
import { type Merge, MergeStore } from "./merge-store.ts";
import { NodeAlarms } from "./node-alarms.ts";
import {
  BY_HUB,
  type Cause,
  RULE_GONE,
  SUBJECT_GONE,
  type Transition,
  tellingsOf,
  transitionOf,
  viewOf,
  withdrawalOf,
} from "./transition.ts";

const TICK_MS = 1_000;

export type AlarmListener = (changed: AlarmView) => void;

export interface Alarms {
  /** Listens to live changes and ticks once a second until `signal` aborts. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  /** All that are not normal, and all shelved, suppressed or out of service; most urgent first, then newest. */
  views(): AlarmView[];
  /** Any alarm a rule has made, also a normal one. */
  view(id: string): AlarmView | undefined;
  /** Carries out an order; one that does not apply changes nothing. Undefined when there is no such alarm. */
  command(id: string, order: Command): AlarmView | undefined;
  /** Takes alarm events of a node's spool, in their order. The same ones again change nothing. */
  nodeEvents(node: LiveNode, epoch: string, events: readonly AlarmEvent[]): void;
  /** Told after every change, and once a second when the words of a standing alarm have changed. */
  onChange(listener: AlarmListener): () => void;
  /** Alarms that could not be made because rule and subject together exceed 64 characters. */
  refused(): number;
  /** Why changes cannot be written down at present; they are kept in memory meanwhile. */
  saveError(): string | null;
  /** Monotonic time at which everything that changes with time alone was last judged. */
  tickedMs(): number;
}

export interface AlarmDeps {
  rules: readonly SiteRule[];
  live: Pick<LiveState, "point" | "points" | "node" | "nodes" | "owner" | "isStale" | "onChange">;
  db: HubDb;
  ledger: Pick<Ledger, "appendOwn">;
  outbox: DeliveryDeps["outbox"];
  /** Who is told, when and how often; without one, whoever a rule names is told once. */
  delivery?: Pick<Delivery, "take">;
  /** Folds alarms of one cause together; without it every alarm stands alone. */
  incidents?: Pick<Incidents, "take" | "forget">;
  clock: Clock;
  log: Logger;
  /** Gives places their names and times their zone. */
  site?: SiteModel;
  /** Address of the dashboard for links in messages, without a slash at the end. */
  linkBase?: string | null;
  /** Who is told of alarms that only a node judges. */
  receivers?: readonly string[];
  /** Rules that the description of a point's device proposes. */
  proposed?: (point: string) => readonly SiteRule[];
  /** Keeps a hub that has been replaced without knowing it from writing. */
  fence?: Fence;
  /** Sends an order on to a node that judges the same alarm itself. */
  order?: (node: string, rule: string, subject: string, order: Command) => void;
}

/**
 * Judges live values by the rules. A change is on disk (state, ledger record and messages in one
 * transaction) before anybody hears of it; only while the disk refuses to write do listeners come first.
 */
export function createAlarms(deps: AlarmDeps): Alarms {
  return new AlarmRuntime(deps);
}

class AlarmRuntime implements Alarms {
  readonly #live: AlarmDeps["live"];
  readonly #clock: Clock;
  readonly #book: AlarmBook;
  readonly #subjects: AlarmSubjects;
  readonly #written: AlarmLog;
  readonly #nodeAlarms: NodeAlarms;
  readonly #steps: StepWatch;
  readonly #listeners = new Set<AlarmListener>();
  /** Alarms that are not simply normal. */
  readonly #restless = new Set<Alarm>();
  /** Standing alarms whose words have changed since listeners last heard. */
  readonly #reworded = new Set<Alarm>();
  #tickedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: AlarmDeps) {
    this.#live = deps.live;
    this.#clock = deps.clock;
    this.#book = new AlarmBook(deps.rules, deps.log, deps.receivers, deps.proposed);
    this.#subjects = new AlarmSubjects(deps);
    const store = new AlarmStore(deps.db);
    const merges = new MergeStore(deps.db);
    const delivery = deps.delivery ?? toldOnce(deps);
    this.#written = new AlarmLog({ ...deps, delivery, store, merges });
    this.#nodeAlarms = new NodeAlarms({
      ...{ live: deps.live, book: this.#book, merges, log: deps.log },
      ...{ due: new DueOrders(deps.db), order: deps.order ?? (() => {}) },
      move: (alarm, done, now, cause) => this.#move(alarm, done, now, cause),
    });
    this.#steps = new StepWatch(deps.clock);
    // What no rule asks for any more ends here, so that nobody goes on waiting for its end.
    const gone = store.load().filter((stored) => !this.#restore(stored));
    const now = deps.clock.nowMs();
    this.#written.write(gone.flatMap((stored) => withdrawalOf(stored, now, RULE_GONE) ?? []));
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#subjects.begin();
    const stop = this.#live.onChange((change) => this.#hear(change));
    try {
      for (const node of this.#live.nodes()) this.#evaluate(this.#book.ofNode(node.id));
      const alarms = [...this.#live.points()].flatMap((point) => this.#book.ofPoint(point.info.id));
      this.#evaluate(alarms);
      while (!signal.aborted) {
        await this.#clock.sleep(TICK_MS, signal);
        if (!signal.aborted) this.#tick();
      }
    } finally {
      stop();
    }
  }

  views(): AlarmView[] {
    const views = [...this.#restless].map((alarm) => this.#view(alarm)).filter(isListed);
    return views.sort((a, b) => a.priority - b.priority || (b.raisedAt ?? 0) - (a.raisedAt ?? 0));
  }

  view(id: string): AlarmView | undefined {
    const alarm = this.#book.get(id);
    return alarm && this.#view(alarm);
  }

  command(id: string, order: Command): AlarmView | undefined {
    const alarm = this.#book.get(id);
    if (!alarm) return undefined;
    const now = this.#now();
    const done = command(alarm.state, order, now);
    const { do: _, ...cause } = order;
    const transition = this.#move(alarm, done, now, cause);
    if (transition) this.#publish([transition]);
    const judge = this.#nodeAlarms.judgeOf(alarm);
    if (judge !== undefined) this.#nodeAlarms.ordered(judge, alarm, order, now);
    return this.#view(alarm);
  }

  nodeEvents(node: LiveNode, epoch: string, events: readonly AlarmEvent[]): void {
    const { transitions, merges } = this.#nodeAlarms.events(node, epoch, events, this.#now());
    this.#publish(transitions, merges);
  }

  onChange(listener: AlarmListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  refused = (): number => this.#book.refused;
  saveError = (): string | null => this.#written.error;
  tickedMs = (): number => this.#tickedMs;

  #hear(change: LiveChange): void {
    if (change.kind === "point") this.#evaluate(this.#book.ofPoint(change.point.info.id));
    else if (change.kind === "node") {
      this.#evaluate(this.#book.ofNode(change.node.id));
      const { transitions, merges } = this.#nodeAlarms.standing(change.node, this.#now());
      this.#publish(transitions, merges);
    } else if (change.kind === "withdrawn") {
      for (const name of change.names) this.#withdraw(this.#book.ofPoint(name));
      if (change.node !== null) this.#withdraw(this.#book.ofNode(change.node));
    }
  }

  /** Ends alarms whose subject is gone, so that nobody goes on waiting for a reading that cannot come. */
  #withdraw(alarms: Iterable<Alarm>): void {
    const now = this.#now();
    const transitions: Transition[] = [];
    for (const alarm of alarms) {
      const face = alarm.face ?? this.#subjects.faceOf(alarm);
      const { id, subject, state, told } = alarm;
      const { id: rule, priority } = alarm.rule;
      const stored = { id, rule, subject, priority, state, face, told };
      const end = withdrawalOf(stored, now, SUBJECT_GONE);
      alarm.state = { ...INITIAL_STATE, count: state.count };
      alarm.told = [];
      this.#restless.delete(alarm);
      this.#reworded.delete(alarm);
      if (end) transitions.push(end);
    }
    this.#publish(transitions);
  }

  #tick(): void {
    this.#written.retry();
    this.#evaluate(new Set([...this.#restless, ...this.#book.timed]));
    const reworded = [...this.#reworded];
    this.#reworded.clear();
    this.#tellListeners(reworded.map((alarm) => this.#view(alarm)));
    this.#tickedMs = this.#clock.monoMs();
  }

  /** Judges these alarms once more and writes down what changed, all in one transaction. */
  #evaluate(alarms: Iterable<Alarm>): void {
    const now = this.#now();
    const transitions: Transition[] = [];
    for (const alarm of alarms) {
      const finding = this.#subjects.judge(alarm, now);
      const judged = step(alarm.state, finding, now, alarm.rule);
      const isSame = judged.state === alarm.state;
      const transition = isSame ? undefined : this.#move(alarm, judged, now, BY_HUB);
      if (transition) transitions.push(transition);
      else if (alarm.state.phase.name === "active") this.#reword(alarm);
    }
    this.#publish(transitions);
  }

  #move(
    alarm: Alarm,
    { state, changes }: Step,
    now: EpochMs,
    cause: Cause,
  ): Transition | undefined {
    alarm.state = state;
    if (isPlain(alarm)) this.#restless.delete(alarm);
    else this.#restless.add(alarm);
    if (changes.length === 0) return undefined;
    const face = this.#subjects.faceOf(alarm);
    alarm.face = face;
    this.#reworded.delete(alarm);
    const { tell, told } = tellingsOf(state, changes, alarm.rule.receivers, alarm.told);
    alarm.told = told;
    return transitionOf(alarm, { at: now, face, changes, cause, tell });
  }

  #publish(transitions: readonly Transition[], merges: readonly Merge[] = []): void {
    if (transitions.length + merges.length === 0) return;
    this.#written.write(transitions, merges);
    this.#tellListeners(transitions.map(({ view }) => view));
  }

  #tellListeners(changed: readonly AlarmView[]): void {
    for (const view of changed) for (const listener of this.#listeners) listener(view);
  }

  #reword(alarm: Alarm): void {
    const face = this.#subjects.faceOf(alarm);
    const same = alarm.face?.title === face.title && alarm.face.detail === face.detail;
    alarm.face = face;
    if (!same) this.#reworded.add(alarm);
  }

  #view(alarm: Alarm): AlarmView {
    const over = alarm.state.phase.name === "normal" || alarm.state.phase.name === "pending";
    const face = over || !alarm.face ? this.#subjects.faceOf(alarm) : alarm.face;
    return viewOf(alarm, face);
  }

  /** The wall clock. When it was set since the last look, running delays are moved along with it. */
  #now(): EpochMs {
    const stepMs = this.#steps.stepMs();
    if (stepMs !== 0)
      for (const alarm of this.#restless) alarm.state = onSteppedClock(alarm.state, stepMs);
    return this.#clock.nowMs();
  }

  #restore(stored: StoredAlarm): boolean {
    const taken = { ...stored, state: afterRestart(stored.state) };
    const alarm = this.#book.restore(taken) ?? this.#nodeAlarms.adopt(stored.rule, stored.subject);
    if (alarm?.judgedBy) this.#book.restore(taken);
    if (alarm && !isPlain(alarm)) this.#restless.add(alarm);
    return alarm !== undefined;
  }
}

function isPlain({ state }: Alarm): boolean {
  const { phase, shelved, suppressed, outOfService } = state;
  return phase.name === "normal" && !shelved && !suppressed && !outOfService;
}

function isListed({ state, shelved, suppressed, outOfService }: AlarmView): boolean {
  return state !== "normal" || shelved !== null || suppressed || outOfService !== null;
}
