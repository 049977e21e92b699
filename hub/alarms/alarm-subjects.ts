import { type Finding, judge, judgeNode } from "../../contract/alarm/condition.ts";
import { type Swing, SwingWindow } from "../../contract/alarm/swing.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import { placeOf } from "../../contract/id.ts";
import { type Reading, staleAfterMs } from "../../contract/reading.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { LiveNode, LivePoint, LiveState } from "../live/live-state.ts";
import type { Alarm } from "./alarm-book.ts";
import { type Face, nodeFace, pointFace } from "./alarm-face.ts";
import { type Place, type PlaceOf, placeNames } from "./place-names.ts";

/** After its start the hub waits this long for nodes to connect before it calls one silent. */
export const START_HOLD_OFF_MS = 15_000;

export interface SubjectDeps {
  live: Pick<LiveState, "point" | "node" | "isStale">;
  clock: Clock;
  site?: SiteModel;
}

/** Looks at points and nodes on behalf of alarms. */
export class AlarmSubjects {
  readonly #live: SubjectDeps["live"];
  readonly #clock: Clock;
  readonly #placeOf: PlaceOf;
  readonly #time: Intl.DateTimeFormat;
  /** One per alarm with a swing condition. */
  readonly #windows = new Map<string, SwingWindow>();
  #judgeSilentFromMono = Number.POSITIVE_INFINITY;

  constructor({ live, clock, site }: SubjectDeps) {
    this.#live = live;
    this.#clock = clock;
    this.#placeOf = placeNames(site);
    this.#time = new Intl.DateTimeFormat("en-GB", {
      timeZone: site?.timezone ?? "UTC",
      ...{ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" },
    });
  }

  /** Starts the hold-off. Until it is over no node is silent. */
  begin(): void {
    this.#judgeSilentFromMono = this.#clock.monoMs() + START_HOLD_OFF_MS;
  }

  judge({ id, rule, subject, judgedBy }: Alarm, now: EpochMs): Finding {
    if (judgedBy !== null) return "unknown";
    const { kind } = rule.condition;
    if (kind === "silent") {
      const node = this.#live.node(subject);
      const starting = this.#clock.monoMs() < this.#judgeSilentFromMono;
      return starting || !node ? "unknown" : judgeNode(node.online);
    }
    if (rule.nodes.length > 0) return judgeDisk(this.#live.node(subject));
    const point = this.#live.point(subject);
    if (!point) return "unknown";
    const stale = this.#live.isStale(point, now);
    if (kind === "stale") {
      if (stale && !this.#shouldSpeak(point, now)) return "hold";
      if (!point.reading) return "breach";
    }
    const { reading } = point;
    if (!reading) return "unknown";
    if (rule.condition.kind !== "swing")
      return judge(rule.condition, { measurement: reading, stale });
    const window = this.#swingOf(id, { reading, windowMs: rule.condition.windowMs, now });
    return judge(rule.condition, { measurement: reading, stale, window });
  }

  /** The window of one alarm, which takes each reading once, as it comes. */
  #swingOf(
    alarm: string,
    { reading, windowMs, now }: { reading: Reading; windowMs: number; now: EpochMs },
  ): Swing {
    let window = this.#windows.get(alarm);
    if (!window) {
      window = new SwingWindow(windowMs);
      this.#windows.set(alarm, window);
    }
    if (reading.quality === "good") window.add(reading.at, reading.value);
    return window.at(now);
  }

  faceOf({ rule, subject, face }: Alarm): Face {
    if (rule.nodes.length > 0) {
      const node = this.#live.node(subject);
      if (!node && face) return face;
      const label = node?.birth.label ?? subject;
      if (rule.condition.kind !== "silent")
        return nodeFace(rule, label, "its disk does not take them");
      const since = node ? this.#time.format(node.since) : "unknown";
      return nodeFace(rule, label, `not connected since ${since}`);
    }
    const point = this.#live.point(subject);
    if (!point) return { ...(face ?? this.#strangerFace(rule, subject)), value: null };
    const { info, reading, receivedAt } = point;
    const lastAt = receivedAt === null ? null : receivedAt - point.ageOnArrivalMs;
    return pointFace(rule, {
      info,
      place: this.#placeOfPoint(point),
      measurement: reading,
      stale: this.#live.isStale(point, this.#clock.nowMs()),
      lastSeen: lastAt === null ? null : this.#time.format(lastAt),
    });
  }

  /** What a node measures of itself is at the node. */
  #placeOfPoint({ info, node }: LivePoint): Place {
    const place = this.#placeOf(info.id);
    if (place.label !== null || placeOf(info.id) !== node) return place;
    return { ...place, label: this.#live.node(node)?.birth.label ?? node };
  }

  /** A point is only missing while its node is there, and has been for as long as it may be silent. */
  #shouldSpeak({ node: id, info }: LivePoint, now: EpochMs): boolean {
    const node = this.#live.node(id);
    return node?.online === true && now - node.since > staleAfterMs(info.periodMs);
  }

  #strangerFace(rule: Alarm["rule"], subject: string): Face {
    const info = { id: subject, quantity: "ratio", label: subject, periodMs: 1_000 } as const;
    const sight = { info, place: this.#placeOf(subject), measurement: null };
    return pointFace(rule, { ...sight, stale: true, lastSeen: null });
  }
}

/** The only rule on nodes besides silence is on what a node says of its disk. */
function judgeDisk(node: LiveNode | undefined): Finding {
  if (!node?.online || !node.status) return "unknown";
  return node.status.durable === false ? "breach" : "clear";
}
