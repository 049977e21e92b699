import fc from "fast-check";
import { expect, test } from "vitest";
import type { Condition } from "../../../contract/alarm/rule.ts";
import type { SiteRule } from "../../../hub/config/hub-config.ts";
import { ruleOfText } from "../../../hub/rehearsal/rule-of-text.ts";
import { textOfRule } from "../../../hub/rehearsal/text-of-rule.ts";

const number = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((n) => Number(n.toFixed(3)) + 0);
const delayMs = fc.oneof(
  fc.integer({ min: 0, max: 86_400 }).map((s) => s * 1_000),
  fc.integer({ min: 0, max: 999 }),
);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.tuple(number, number, fc.constantFrom(0, 0.5, 3)).map(([below, more, deadband]): Condition => {
    const above = below + Math.abs(more) + 2 * deadband + 1;
    return { kind: "limit", above, below, deadband };
  }),
  number.map((above): Condition => ({ kind: "limit", above, deadband: 0.5 })),
  number.map((equals): Condition => ({ kind: "digital", equals })),
  fc
    .integer({ min: 1, max: 1_440 })
    .map((min): Condition => ({ kind: "swing", above: 5, windowMs: min * 60_000 })),
  fc.constantFrom<Condition>({ kind: "frozen" }, { kind: "stale" }),
);
const words = fc
  .string({ minLength: 1, maxLength: 60, unit: "grapheme" })
  .filter((text) => /^[^\p{Cc}{}]+$/u.test(text) && text.trim() === text);
const rule: fc.Arbitrary<SiteRule> = fc
  .record({
    id: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/),
    priority: fc.constantFrom(1, 2, 3, 4),
    condition,
    ...{ onDelayMs: delayMs, offDelayMs: delayMs, latch: fc.boolean(), title: words },
    runbook: fc.option(words),
    receivers: fc.subarray(["anna", "desk"]),
  })
  .map((each) => ({ ...each, points: ["*.inlet-*"], nodes: [] }));

test("any rule, written down and read again, is the same rule", () => {
  fc.assert(
    fc.property(rule, (each) => {
      const read = ruleOfText(textOfRule(each), new Set(["anna", "desk"]));
      expect(read).toEqual({ rule: each });
    }),
    { numRuns: 500 },
  );
});
