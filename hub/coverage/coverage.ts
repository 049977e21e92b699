import type { Coverage } from "../../contract/alarm-health.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import { globMatcher } from "../../contract/id.ts";
import type { Receiver, SiteRule } from "../config/hub-config.ts";
import type { AddressBook } from "../delivery/address-book.ts";
import type { LiveNode, LivePoint } from "../live/live-state.ts";
import { isOwnNode } from "../own-nodes.ts";
import type { Proof } from "./proofs.ts";

/** A receiver through which nothing has gone for so long has to be tried. */
export const PROVEN_FOR_MS = 35 * 86_400_000;
/** The most of each list, as in the contract. */
const MAX = { points: 5_000, rules: 1_000, nodes: 500, receivers: 200 };

export interface CoverageDeps {
  rules: readonly SiteRule[];
  /** Rules that the description of a point's device proposes. */
  proposed?: ((point: string) => readonly SiteRule[]) | undefined;
  live: { points(): Iterable<LivePoint>; nodes(): Iterable<LiveNode> };
  receivers: readonly Receiver[];
  book: Pick<AddressBook, "ladderOf" | "waysTo">;
  proofs: { all(): ReadonlyMap<string, Proof> };
  clock: Pick<Clock, "nowMs">;
}

type Matcher = (name: string) => boolean;

/** Finds what nobody would hear of. Patterns are made once; a look goes through every point there is. */
export class CoverageReporter {
  readonly #deps: CoverageDeps;
  readonly #rules: { rule: SiteRule; matches: Matcher }[];

  constructor(deps: CoverageDeps) {
    this.#deps = deps;
    this.#rules = deps.rules.map((rule) => {
      const matchers = [...rule.points, ...rule.nodes].map(globMatcher);
      return { rule, matches: (name) => matchers.some((matches) => matches(name)) };
    });
  }

  report(): Coverage {
    const { live, rules, clock } = this.#deps;
    const at = clock.nowMs();
    const nodes = [...live.nodes()];
    const all = [...live.points()];
    const points = all.filter(({ node }) => !isOwnNode(node));
    const byRule = this.#rules.filter(({ rule }) => rule.points.length > 0);
    const byNode = localMatchers(nodes);
    const judging = ({ info, node }: LivePoint): SiteRule[] => [
      ...byRule.filter(({ matches }) => matches(info.id)).map(({ rule }) => rule),
      ...(this.#deps.proposed?.(info.id) ?? []),
      ...(byNode.get(node) ?? []).filter((matches) => matches(info.id)).map(() => LOCAL),
    ];
    const watched = points.map((point) => ({ point, by: judging(point) }));
    const presence = ({ by }: { by: SiteRule[] }) =>
      by.length > 0 && by.every(({ condition }) => condition.kind === "stale");
    return {
      ...{ at, points: points.length },
      unwatched: named(watched.filter(({ by }) => by.length === 0)),
      presenceOnly: named(watched.filter(presence)),
      rulesWithoutReceiver: rules
        .filter((rule) => !this.#reaches(rule, at))
        .map(({ id }) => id)
        .slice(0, MAX.rules),
      rulesMatchingNothing: this.#idle(all, nodes).slice(0, MAX.rules),
      nodesNotWatched: nodes
        .map(({ id }) => id)
        .filter((id) => !isOwnNode(id) && !this.#isListenedFor(id))
        .slice(0, MAX.nodes),
      receivers: this.#receivers(at),
    };
  }

  /** Somebody is behind at least one name of the rule at this moment. */
  #reaches({ receivers }: SiteRule, at: EpochMs): boolean {
    const { book } = this.#deps;
    const real = new Set(this.#deps.receivers.map(({ id }) => id));
    return book
      .ladderOf(receivers)
      .some(({ to }) => book.waysTo(to, at).some(({ receiver }) => real.has(receiver)));
  }

  #idle(points: readonly LivePoint[], nodes: readonly LiveNode[]): string[] {
    return this.#rules
      .filter(({ rule }) => !isOwnRule(rule))
      .filter(({ rule, matches }) =>
        rule.points.length > 0
          ? !points.some(({ info }) => matches(info.id))
          : !nodes.some(({ id }) => matches(id)),
      )
      .map(({ rule }) => rule.id);
  }

  #isListenedFor = (node: string): boolean =>
    this.#rules.some(({ rule, matches }) => rule.condition.kind === "silent" && matches(node));

  #receivers(at: EpochMs): Coverage["receivers"] {
    const proofs = this.#deps.proofs.all();
    return this.#deps.receivers.slice(0, MAX.receivers).map(({ id, kind }) => {
      const { provenAt = null, failing = null } = proofs.get(id) ?? {};
      return { id, kind, provenAt, overdue: at - (provenAt ?? 0) > PROVEN_FOR_MS, failing };
    });
  }
}

const named = (found: { point: LivePoint }[]) =>
  found.slice(0, MAX.points).map(({ point: { info } }) => ({ point: info.id, label: info.label }));

/** The hub's rules on itself: their points come only when there is something to say. */
const isOwnRule = ({ points }: SiteRule): boolean =>
  points.length > 0 && points.every((glob) => /^(hub\.|worker-)/.test(glob));

/** What each node judges by itself. */
function localMatchers(nodes: readonly LiveNode[]): Map<string, Matcher[]> {
  return new Map(
    nodes.map(({ id, birth }) => [
      id,
      (birth.rules ?? []).flatMap(({ points }) => points.map(globMatcher)),
    ]),
  );
}

/** Stands for a rule that only its node knows; nodes judge values. */
const LOCAL: SiteRule = {
  ...{ id: "local", priority: 4, points: [], nodes: [], title: "", runbook: null, receivers: [] },
  ...{ condition: { kind: "limit", deadband: 0 }, onDelayMs: 0, offDelayMs: 0, latch: false },
};
