import type { Condition } from "../contract/alarm/rule.ts";
import type { SiteRule } from "./config/hub-config.ts";

type Words = Pick<SiteRule, "id" | "points" | "title" | "runbook">;

/** Codes of `hub.self-check` that no other alarm tells of. */
const FAILING_STAGES = [1, 2, 3, 4, 5, 7];

const above = (limit: number, deadband: number): Condition => ({
  kind: "limit",
  above: limit,
  deadband,
});
const is = (equals: number | readonly number[]): Condition => ({ kind: "digital", equals });

/** On the points the hub measures of itself and of its nodes. Listed in docs/operators.md. */
export function selfWatchRules(receivers: readonly string[]): SiteRule[] {
  const rule = (words: Words, condition: Condition, more: Partial<SiteRule> = {}): SiteRule => ({
    ...{ nodes: [], priority: 3, onDelayMs: 60_000, offDelayMs: 60_000, latch: false },
    ...{ ...words, condition, receivers: [...receivers] },
    ...more,
  });
  return [...hubRules(rule), ...nodeRules(rule)];
}

type MakeRule = (words: Words, condition: Condition, more?: Partial<SiteRule>) => SiteRule;

function hubRules(rule: MakeRule): SiteRule[] {
  const soon = { priority: 2, onDelayMs: 0, offDelayMs: 0 } as const;
  return [
    rule(
      words("hub-self-check", "hub.self-check", "Hub self-check {value}", SELF_CHECK),
      is(FAILING_STAGES),
      soon,
    ),
    rule(
      words(
        "hub-heartbeat",
        "hub.heartbeats-overdue",
        "An outside watcher takes no heartbeat",
        HEARTBEAT,
      ),
      above(0, 0),
    ),
    rule(
      words("hub-store-lag", "hub.store-lag", "Readings wait {value} for the history store", LAG),
      above(15, 5),
    ),
    rule(
      words("hub-queue", "hub.queue", "{value} readings wait for the history store", LAG),
      above(100_000, 20_000),
    ),
    rule(
      words("hub-dropped", "hub.dropped", "The hub did not take {value} messages at once", DROPPED),
      above(1_000, 500),
    ),
    rule(
      words(
        "hub-quarantined",
        "hub.quarantined",
        "{value} rows were put in quarantine",
        QUARANTINED,
      ),
      above(0, 0),
    ),
    rule(
      words(
        "hub-refused",
        "hub.refused",
        "The hub refused {value} messages or connections",
        REFUSED,
      ),
      above(100, 50),
    ),
    rule(
      words("hub-disk", "hub.store-disk-free", "The hub's disk is almost full: {value} free", DISK),
      { kind: "limit", below: 10, deadband: 2 },
      { priority: 2 },
    ),
    rule(
      words("hub-memory", "hub.memory", "The hub uses {value} MB of memory", MEMORY),
      above(1_500, 200),
    ),
    rule(
      words("hub-late", "hub.loop-lag", "The hub's program is {value} late", LATE),
      above(1, 0.5),
    ),
  ];
}

function nodeRules(rule: MakeRule): SiteRule[] {
  const soon = { onDelayMs: 0, offDelayMs: 0 };
  return [
    rule(words("clock-skew", "hub.skew.*", "{label}: {value}", SKEW), above(5, 1)),
    rule(words("node-loud", "hub.loud.*", "{label}", LOUD), is(1), soon),
    rule(words("node-quota", "hub.over-quota.*", "{label}", QUOTA), is(1), soon),
    rule(words("identity-conflict", "hub.identity.*", "{label}", IDENTITY), is(1), {
      ...soon,
      priority: 2,
    }),
  ];
}

const words = (id: string, point: string, title: string, runbook: string): Words => ({
  ...{ id, points: [point], title, runbook },
});

const SELF_CHECK =
  "The hub sends itself a reading every 30 s and lost it on the way; the title says where. Look at the hub's " +
  "log and at that part. While this stands, trust neither the wall nor the silence of alarms.";
const HEARTBEAT =
  "The hub is well, but one of those who are to notice when it is not cannot be reached. Look at the " +
  "network to the outside and at the watcher; GET /api/v1/health names it.";
const LAG =
  "The history store is slower than the readings come. Nothing is lost: what has no room stays on the nodes. " +
  "Look at the store's disk and at what else uses the machine.";
const DROPPED =
  "Nodes send faster than the hub takes; what it does not take, they send again. After an outage this is " +
  "the backlog coming in and ends by itself. Otherwise look for the node that is called loud.";
const QUARANTINED =
  "Rows came that may not be stored: GET /api/v1/quarantine says whose and why. Put the cause right, then release " +
  "them or throw them away.";
const REFUSED =
  "Something sends what the hub does not understand or may not take. The hub's log names who and why.";
const DISK =
  "Make room on the disk the hub's data lies on. When it is full, nothing new is stored: the nodes keep " +
  "their readings until their spools are full.";
const MEMORY =
  "The hub uses more memory than it should. Restart it at a quiet moment; nothing is lost by that.";
const LATE =
  "The hub's program cannot keep up: other work on the machine, a slow disk or too many nodes. Alarms " +
  "come late by as much.";
const SKEW =
  "The node's clock and the hub's differ. Look at the time service of the node, then at the hub's. Readings " +
  "more than 5 minutes ahead are put in quarantine.";
const LOUD =
  "The node sends more rows or bytes than one may; the others are not affected. What was not taken it sends " +
  "again. Look at its configuration: periods that are too short, or a fault.";
const QUOTA =
  "The node offers more points than one may, or new names all the time; those beyond are refused. Look at its " +
  "configuration and at who else may use its identity.";
const IDENTITY =
  "Two machines use one node's name and take turns, for instance after an SD card was copied. Nothing of either is " +
  "taken. Switch one of them off or give it a name of its own; two minutes later the other is heard again.";
