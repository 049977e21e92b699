import {
  type AlarmState,
  annunciates,
  type Change,
  INITIAL_STATE,
} from "../../contract/alarm/engine.ts";
import { type AlarmView, stateName } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import { roleOf } from "../../contract/id.ts";
import type { SiteRule } from "../config/hub-config.ts";
import type { OwnDetail } from "../ledger/ledger.ts";
import type { ToldChange } from "../notify/notice.ts";
import type { Alarm } from "./alarm-book.ts";
import type { Face } from "./alarm-face.ts";
import type { StoredAlarm } from "./alarm-store.ts";

/** Who made a change and what for; the hub itself when nobody did. */
export interface Cause {
  by: string;
  reason?: string;
  until?: EpochMs;
}
export const BY_HUB: Cause = { by: "hub" };

/** One alarm's step with at least one change: all that has to be written down and told. */
export interface Transition {
  at: EpochMs;
  stored: StoredAlarm;
  view: AlarmView;
  room: string | null;
  changes: readonly (Change | "withdrawn")[];
  cause: Cause;
  tell: Telling[];
}

export interface Telling {
  change: ToldChange;
  receivers: readonly string[];
}

const RELEASES: readonly Change[] = ["unshelved", "unsuppressed", "in-service"];

/** Who is told of an alarm's changes, and who has then been told of this occurrence. */
export function tellingsOf(
  state: AlarmState,
  changes: readonly Change[],
  receivers: readonly string[],
  told: readonly string[],
): { tell: Telling[]; told: string[] } {
  const tell: Telling[] = [];
  let knowing = changes.includes("raised") ? [] : [...told];
  if (changes.includes("cleared")) {
    tell.push({ change: "cleared", receivers: knowing });
    knowing = [];
  }
  const sounds = annunciates(state) && state.phase.name === "active";
  const again = changes.includes("re-alarmed") || changes.some((c) => RELEASES.includes(c));
  if (sounds && (changes.includes("raised") || again)) {
    const first = knowing.length === 0;
    tell.push({ change: first ? "raised" : "re-alarmed", receivers });
    knowing = [...new Set([...knowing, ...receivers])];
  }
  return { tell: tell.filter((telling) => telling.receivers.length > 0), told: knowing };
}

type Viewed = Pick<Alarm, "id" | "subject" | "state"> & {
  rule: Pick<SiteRule, "id" | "priority" | "runbook">;
};

export function viewOf({ id, rule, subject, state }: Viewed, face: Face): AlarmView {
  const { phase } = state;
  const standing = phase.name === "normal" || phase.name === "pending" ? null : phase;
  return {
    ...{ id, subject, rule: rule.id, priority: rule.priority, runbook: rule.runbook },
    title: face.title,
    detail: face.detail,
    place: face.place,
    state: stateName(state),
    occurrence: state.count,
    raisedAt: standing?.raisedAt ?? null,
    clearedAt: standing && "clearedAt" in standing ? standing.clearedAt : null,
    ack: standing?.ack ?? null,
    shelved: state.shelved,
    suppressed: state.suppressed !== null,
    outOfService: state.outOfService,
    value: face.value,
    limit: face.limit,
    unit: face.unit,
  };
}

export interface Happening {
  at: EpochMs;
  face: Face;
  changes: readonly Change[];
  cause: Cause;
  tell: Telling[];
}

/** A snapshot of the alarm as it is now, for writing down. */
export function transitionOf(alarm: Alarm, { face, ...happening }: Happening): Transition {
  const { id, rule, subject, state, told } = alarm;
  const { priority } = rule;
  const stored = { id, rule: rule.id, subject, priority, state, face, told };
  return { ...happening, stored, view: viewOf(alarm, face), room: face.room };
}

/** Why alarms end that cannot be judged any more. */
export const RULE_GONE: Cause = {
  by: "configuration",
  reason: "no rule of site.yaml asks for it any more",
};
export const SUBJECT_GONE: Cause = { by: "hub", reason: "no node offers it any more" };

/** The end of an alarm that nobody judges any more; undefined when there is nothing to end. */
export function withdrawalOf(
  stored: StoredAlarm,
  at: EpochMs,
  cause: Cause,
): Transition | undefined {
  const { id, rule, subject, priority, state, face, told } = stored;
  const flagged = state.shelved || state.suppressed || state.outOfService;
  if (state.phase.name === "normal" && !flagged) return undefined;
  const view = viewOf({ id, subject, state, rule: { id: rule, priority, runbook: null } }, face);
  const tell: Telling[] = told.length > 0 ? [{ change: "withdrawn", receivers: told }] : [];
  const after = { ...INITIAL_STATE, count: state.count };
  return {
    ...{ at, view, tell, room: face.room, changes: ["withdrawn"] },
    stored: { ...stored, state: after, told: [] },
    cause,
  };
}

/** What the ledger keeps of one change of an alarm: who, when, why, and what was seen. */
export function recordOf({ view, cause }: Transition): OwnDetail {
  const { id, rule, subject, occurrence, priority, title, detail, value, limit, unit } = view;
  const { by, reason, until } = cause;
  return {
    ...{ alarm: id, rule, subject, occurrence, priority, title, why: detail, value, limit, unit },
    ...{ by, reason, until },
    ...(roleOf(subject) === "open" && { door: subject.slice(0, -".open".length) }),
  };
}
