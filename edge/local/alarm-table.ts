import { type AlarmState, INITIAL_STATE } from "../../contract/alarm/engine.ts";
import { SwingWindow } from "../../contract/alarm/swing.ts";
import { afterRestart } from "../../contract/alarm/timers.ts";
import { globMatcher } from "../../contract/id.ts";
import type { PointInfo } from "../../contract/message.ts";
import type { Measurement } from "../../contract/reading.ts";
import type { Spool } from "../spool/spool.ts";
import type { LocalRule } from "./local-rule.ts";

/** What is known of a point, for its rules. */
export interface Sight {
  info: PointInfo;
  /** The newest measurement; null before the first. */
  measurement: Measurement | null;
  /** When it was taken, or the program began, on the monotonic clock. */
  sinceMs: number;
}

/** One rule on one point. Changed in place. */
export interface LocalAlarm {
  rule: LocalRule;
  subject: string;
  state: AlarmState;
  sight: Sight;
  /** What a swing condition looks at. */
  window: SwingWindow | null;
}

const factOf = ({ rule, subject }: Pick<LocalAlarm, "rule" | "subject">) =>
  `alarm.${rule.id}.${subject}`;

/** Every alarm the local rules make, each with the state it had when the program ended. */
export function localAlarms(
  rules: readonly LocalRule[],
  sights: ReadonlyMap<string, Sight>,
  spool: Pick<Spool, "recall">,
): LocalAlarm[] {
  return rules.flatMap((rule) => {
    const tests = rule.points.map(globMatcher);
    return [...sights.values()]
      .filter(({ info }) => tests.some((matches) => matches(info.id)))
      .map((sight) => {
        const subject = sight.info.id;
        const state = recalled(spool.recall(factOf({ rule, subject })));
        const { condition } = rule;
        const window = condition.kind === "swing" ? new SwingWindow(condition.windowMs) : null;
        return { rule, subject, sight, state, window };
      });
  });
}

export function rememberAlarm(alarm: LocalAlarm, spool: Pick<Spool, "remember">): void {
  spool.remember(factOf(alarm), JSON.stringify(alarm.state));
}

/** Only this program writes these facts, into a file that is checked when it is opened. */
function recalled(fact: string | undefined): AlarmState {
  return fact === undefined ? INITIAL_STATE : afterRestart(JSON.parse(fact) as AlarmState);
}
