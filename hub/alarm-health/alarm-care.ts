import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { Duty, RuleText } from "../../contract/duty.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { Alarms } from "../alarms/alarm-runtime.ts";
import type { DeliveryConfig } from "../config/delivery-config.ts";
import type { HubConfig, SiteRule } from "../config/hub-config.ts";
import { CoverageReporter } from "../coverage/coverage.ts";
import { Proofs } from "../coverage/proofs.ts";
import type { AnswersDeps } from "../delivery/answers.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { dutyNow } from "../delivery/duty.ts";
import { Drills } from "../drill/drills.ts";
import type { HistoryStore } from "../history/store.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LiveState } from "../live/live-state.ts";
import type { Outbox } from "../notify/outbox.ts";
import { Problems } from "../problems/problems.ts";
import { canRehearse, Rehearsals } from "../rehearsal/rehearsals.ts";
import { ruleOfText } from "../rehearsal/rule-of-text.ts";
import { textOfRule } from "../rehearsal/text-of-rule.ts";
import type { HubDb } from "../state/hub-db.ts";
import { AlarmHealthReporter } from "./alarm-health.ts";

export interface AlarmCareDeps {
  config: Pick<HubConfig, "receivers" | "drill">;
  delivering: Pick<DeliveryConfig, "escalations" | "people" | "groups" | "rota">;
  db: HubDb;
  live: LiveState;
  ledger: Ledger;
  outbox: Outbox;
  delivery: Delivery;
  alarms: Alarms;
  rules: readonly SiteRule[];
  proposed?: ((point: string) => readonly SiteRule[]) | undefined;
  store: Pick<HistoryStore, "aggregate">;
  site: SiteModel;
  linkBase: string | null;
  clock: Clock;
  log: Logger;
}

/** All that looks after the alarm system itself: its figures, its gaps, its drills, its problems, its rehearsals. */
export class AlarmCare {
  readonly health: AlarmHealthReporter;
  readonly coverage: CoverageReporter;
  readonly drills: Drills;
  readonly problems: Problems;
  readonly rehearsals: Rehearsals;

  readonly #deps: AlarmCareDeps;
  readonly #names: ReadonlySet<string>;

  constructor(deps: AlarmCareDeps) {
    this.#deps = deps;
    const { config, delivery, db, delivering } = deps;
    const { people, groups, rota, escalations } = delivering;
    const named = [config.receivers, people, groups, rota, escalations].flat();
    this.#names = new Set(named.map(({ id }) => id));
    this.health = new AlarmHealthReporter(deps);
    const { receivers, drill: times } = config;
    const proofs = new Proofs(db);
    this.coverage = new CoverageReporter({ ...deps, receivers, book: delivery.book, proofs });
    const ackBase = deps.linkBase;
    this.drills = new Drills({ ...deps, ladders: delivering, receivers, ackBase, times });
    this.problems = new Problems({ ...deps, table: this.health.table });
    this.rehearsals = new Rehearsals({ ...deps, table: this.health.table, book: delivery.book });
  }

  /** Follows the ledger, begins drills that are due and plays rehearsals until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.health.run(signal), this.drills.run(signal)]);
  }

  /** A rule as people write it; names are those of receivers, people, groups, rotas and ladders. */
  ruleOf = (text: string) => ruleOfText(text, this.#names);

  duty = (now: EpochMs): Duty[] => dutyNow(this.#deps.delivering, now);

  ruleTexts = (): RuleText[] =>
    this.#deps.rules.map((rule) => {
      const { id, title, priority, condition } = rule;
      const can = canRehearse(rule);
      return {
        id,
        title,
        priority,
        kind: condition.kind,
        canRehearse: can,
        text: textOfRule(rule),
      };
    });

  gauges = () => this.drills.gauges();

  /** What those see who answer from a message: a drill's test is answered like an alarm. */
  answering({ delivery, alarms }: Omit<AnswersDeps, "clock">): Omit<AnswersDeps, "clock"> {
    const { drills } = this;
    return {
      delivery: {
        book: delivery.book,
        links: delivery.links,
        calls: () => [...delivery.calls(), ...drills.calls()],
        call: (alarm) => delivery.call(alarm),
        together: (alarm) => delivery.together(alarm),
      },
      alarms: {
        view: (id) => drills.asAlarm(id) ?? alarms.view(id),
        command: (id, order) => {
          if (!drills.asAlarm(id)) return alarms.command(id, order);
          drills.acknowledgeAlarm(id, order.by);
          return drills.asAlarm(id);
        },
      },
    };
  }
}
