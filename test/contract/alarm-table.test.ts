import { describe, expect, test } from "vitest";
import type { Finding } from "../../contract/alarm/condition.ts";
import {
  type AlarmState,
  annunciates,
  type Command,
  command,
  INITIAL_STATE,
  step,
  tick,
} from "../../contract/alarm/engine.ts";
import type { AlarmRule } from "../../contract/alarm/rule.ts";
import { afterRestart } from "../../contract/alarm/timers.ts";

/** The states of ISA-18.2 by their letters: A normal, B unacknowledged, C acknowledged, D returned, E and F latched. */
type Base = "A" | "B" | "C" | "D" | "E" | "F";
type Event = Finding | "timer" | "restart" | Command["do"];

const SHELVED_FOR_MS = 600_000;
const RULE: AlarmRule = {
  ...{ id: "leak", priority: 1, onDelayMs: 0, offDelayMs: 0, latch: false },
  condition: { kind: "digital", equals: 1 },
};

/** One alarm and its clock: each event comes a second after the one before. */
class Alarm {
  state: AlarmState = INITIAL_STATE;
  now = 0;
  readonly rule: AlarmRule;

  constructor(change: Partial<AlarmRule> = {}) {
    this.rule = { ...RULE, ...change };
  }

  play(...events: Event[]): this {
    for (const event of events) this.state = this.#after(event);
    return this;
  }

  base(): Base {
    const { phase } = this.state;
    switch (phase.name) {
      case "normal":
      case "pending":
        return "A";
      case "active":
        return phase.ack ? "C" : "B";
      case "returned":
        return "D";
      case "latched":
        return phase.ack ? "F" : "E";
    }
  }

  /** G shelved, H suppressed, I out of service. */
  flags(): string {
    const { shelved, suppressed, outOfService } = this.state;
    return `${shelved ? "G" : ""}${suppressed ? "H" : ""}${outOfService ? "I" : ""}`;
  }

  #after(event: Event): AlarmState {
    this.now += event === "timer" ? SHELVED_FOR_MS : 1_000;
    const { state, now, rule } = this;
    switch (event) {
      case "breach":
      case "clear":
      case "hold":
      case "unknown":
        return step(state, event, now, rule).state;
      case "timer":
        return tick(state, now, rule).state;
      case "restart":
        return afterRestart(JSON.parse(JSON.stringify(state)) as AlarmState);
      case "shelve":
        return command(
          state,
          { do: event, by: "kn", reason: "work", until: now + SHELVED_FOR_MS },
          now,
        ).state;
      case "out-of-service":
        return command(state, { do: event, by: "kn", reason: "rebuild" }, now).state;
      default:
        return command(state, { do: event, by: "kn" }, now).state;
    }
  }
}

const PATHS: Record<Base, Event[]> = {
  A: [],
  B: ["breach"],
  C: ["breach", "acknowledge"],
  D: ["breach", "clear"],
  E: ["breach", "clear"],
  F: ["breach", "clear", "acknowledge"],
};
const BASES = Object.keys(PATHS) as Base[];
const inState = (base: Base): Alarm =>
  new Alarm({ latch: base === "E" || base === "F" }).play(...PATHS[base]);

test.each(BASES)("the way to state %s leads there", (base) => {
  expect(inState(base).base()).toBe(base);
});

describe("a state", () => {
  test.each([
    ["A", false],
    ["B", true],
    ["C", true],
    ["D", true],
    ["E", true],
    ["F", true],
  ] as const)("%s stands on the list: %s", (base, stands) => {
    expect(annunciates(inState(base).state)).toBe(stands);
  });

  test.each(
    BASES.flatMap((base) =>
      (["shelve", "suppress", "out-of-service"] as const).map((flag) => [base, flag] as const),
    ),
  )("%s does not stand on it under %s, and stays what it is beneath", (base, flag) => {
    const alarm = inState(base).play(flag);
    expect(annunciates(alarm.state)).toBe(false);
    expect(alarm.base()).toBe(base);
  });
});

describe("a transition of the table", () => {
  test.each<[from: Base, event: Event, to: Base, change?: Partial<AlarmRule>]>([
    ["A", "breach", "B"],
    ["B", "acknowledge", "C"],
    ["B", "clear", "D"],
    ["B", "clear", "E", { latch: true }],
    ["C", "clear", "A"],
    ["C", "clear", "F", { latch: true }],
    ["C", "timer", "B", { reAlarmMs: SHELVED_FOR_MS }],
    ["D", "acknowledge", "A"],
    ["D", "breach", "B"],
    ["E", "acknowledge", "F"],
    ["E", "breach", "B"],
    ["F", "breach", "B"],
    ["F", "reset", "A"],
    ["E", "reset", "E"],
  ])("%s, %s: %s", (from, event, to, change = {}) => {
    const latch = from === "E" || from === "F";
    expect(new Alarm({ latch, ...change }).play(...PATHS[from], event).base()).toBe(to);
  });

  test("A waits for the on-delay, and so does a condition that returns", () => {
    const alarm = new Alarm({ onDelayMs: 2_000 });
    expect(alarm.play("breach", "breach").base()).toBe("A");
    expect(alarm.play("breach").base()).toBe("B");
    expect(alarm.play("clear", "breach", "breach").base()).toBe("D");
    expect(alarm.play("breach").base()).toBe("B");
  });

  test("D, breach is a new occurrence with its own time", () => {
    const alarm = inState("D").play("breach");
    expect(alarm.state.phase).toMatchObject({ occurrence: 2, raisedAt: alarm.now });
  });

  test("F is left by a reset only while the condition is clear", () => {
    expect(inState("F").play("breach", "acknowledge", "reset").base()).toBe("C");
  });

  test.each<[flag: Event, release: Event, letter: string]>([
    ["shelve", "unshelve", "G"],
    ["shelve", "timer", "G"],
    ["suppress", "unsuppress", "H"],
    ["out-of-service", "in-service", "I"],
  ])(
    "any state under %s, %s: B when the condition is true, else A; latched stays latched",
    (flag, release, letter) => {
      for (const base of BASES) {
        const under = inState(base).play(flag);
        expect(under.flags()).toBe(letter);
        const expected = { A: "A", B: "B", C: "B", D: "A", E: "E", F: "F" }[base];
        expect(under.play(release).base(), `from ${base}`).toBe(expected);
        expect(under.flags()).toBe("");
      }
    },
  );
});

describe("what gets lost elsewhere", () => {
  test("an alarm under a flag is judged on, with its times", () => {
    for (const flag of ["shelve", "suppress", "out-of-service"] as const) {
      const alarm = new Alarm().play(flag, "breach");
      expect(alarm.state.phase).toMatchObject({ name: "active", raisedAt: alarm.now });
      expect(alarm.play("clear").state.phase).toMatchObject({ clearedAt: alarm.now });
    }
  });

  test("one that was acknowledged before it was shelved sounds again after it", () => {
    expect(inState("C").play("shelve", "unshelve").base()).toBe("B");
  });

  test("acknowledging twice, or what is normal, changes nothing", () => {
    for (const base of ["A", "C", "F"] as const) {
      const alarm = inState(base);
      const { changes, state } = command(alarm.state, { do: "acknowledge", by: "li" }, 99_000);
      expect([changes, state]).toEqual([[], alarm.state]);
    }
  });

  test("an acknowledgement carries who and when", () => {
    const alarm = inState("C");
    expect(alarm.state.phase).toMatchObject({ ack: { by: "kn", at: alarm.now } });
  });

  test("a shelf without an end, or with one in the past, is none", () => {
    const alarm = inState("B");
    for (const until of [0, alarm.now]) {
      const order = { do: "shelve", by: "kn", reason: "work", until } as const;
      expect(command(alarm.state, order, alarm.now).state.shelved).toBeNull();
    }
    expect(alarm.play("shelve", "timer").flags()).toBe("");
  });

  test("the three flags come and go by themselves", () => {
    const alarm = inState("B").play("shelve", "suppress", "out-of-service");
    expect(alarm.flags()).toBe("GHI");
    expect(alarm.play("unsuppress").flags()).toBe("GI");
    expect(alarm.play("in-service").flags()).toBe("G");
    expect(alarm.play("suppress", "unshelve").flags()).toBe("H");
  });

  test("the loss of the input clears nothing, in no state", () => {
    for (const base of BASES)
      expect(inState(base).play("unknown", "timer", "unknown").base()).toBe(base);
  });

  test("a restart changes no state, and what was acknowledged does not sound anew", () => {
    for (const base of BASES) expect(inState(base).play("restart").base()).toBe(base);
    expect(inState("C").play("restart", "breach").base()).toBe("C");
    const flagged = inState("C").play("shelve", "suppress", "restart");
    expect([flagged.base(), flagged.flags()]).toEqual(["C", "GH"]);
  });
});
