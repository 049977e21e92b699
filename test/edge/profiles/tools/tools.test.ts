import { describe, expect, test } from "vitest";
import { PROFILE_IDS } from "../../../../edge/profiles/index.ts";
import { loadProfile } from "../../../../edge/profiles/load.ts";
import { linePlan, lineShare, speedOf } from "../../../../edge/profiles/tools/line-plan.ts";
import { experimentalNote, lintProfile, lintText } from "../../../../edge/profiles/tools/lint.ts";
import { planText } from "../../../../edge/profiles/tools/plan-text.ts";

describe("the plan of a profile", () => {
  test("an SDM630 takes 3 requests of 42 registers and 144 ms at 9600 baud", () => {
    // (3 × 13 + 2 × 42) bytes of 10 bits are 128.1 ms, and 3 × 5 ms the meter's own silence.
    const [first, ...lines] = planText("eastron-sdm630", 9_600).split("\n");
    expect(first).toBe("eastron-sdm630: 3 requests, 42 registers, 144 ms at 9600");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(
      /every 5 s +unit 1 function 4 +0–17 +18 registers +56 ms +voltage-l1 … power-l3/,
    );
    expect(lines.at(-1)).toContain("2.4 % of a line at 9600 baud 8N1");
  });

  test("twice the speed takes half the time, but for the device's own silence", () => {
    const meter = loadProfile("eastron-sdm630");
    const ms = (baud: number) =>
      linePlan(meter, speedOf(meter, baud)).reduce((sum, { lineMs }) => sum + lineMs, 0);
    expect(ms(9_600) - 15).toBeCloseTo(2 * (ms(19_200) - 15), 5);
  });

  test("even parity takes eleven bits for each byte", () => {
    const meter = loadProfile("schneider-iem3000");
    const [read] = linePlan(meter, speedOf(meter));
    const bytes = 13 + 2 * (read?.count ?? 0);
    expect(read?.lineMs).toBeCloseTo((bytes * 11 * 1_000) / 19_200 + (3.5 * 11) / 19.2, 6);
  });

  test("inputs are counted as bits, and both unit numbers of a device are planned", () => {
    expect(planText("stulz-c7000")).toMatch(/requests, \d+ bits, \d+ ms at 9600/);
    expect(planText("schneider-bcpm")).toMatch(/unit 1 function 3[\s\S]*unit 2 function 3/);
  });

  test("every profile has one, at every usual speed", () => {
    for (const id of PROFILE_IDS)
      for (const baud of [1_200, 9_600, 115_200])
        expect(planText(id, baud)).toContain(`at ${baud}`);
  });

  test("a profile nobody wrote has none", () => {
    expect(() => planText("nothing", 9_600)).toThrow(/known are/);
  });
});

describe("the lint of a profile", () => {
  test("finds no problem in any that comes with Plenum", () => {
    for (const id of PROFILE_IDS) expect(lintProfile(id).problems, id).toEqual([]);
  });

  test("says of a thin source that it is one, and why", () => {
    const lint = lintProfile("schneider-bcpm");
    expect(lint.experimental).toBe(true);
    expect(lintText(lint)).toMatch(
      /^schneider-bcpm: is right\n {2}schneider-bcpm is experimental \(the FAQ; type, order/,
    );
    expect(experimentalNote(loadProfile("eastron-sdm630"))).toBeUndefined();
  });

  test("names a profile that cannot be used with all its problems", () => {
    const lint = lintProfile("nothing");
    expect(lint.problems).toHaveLength(1);
    expect(lintText(lint)).toMatch(/^nothing: 1 problem\n.*known are/);
  });

  test("warns of alarm bits that are read too seldom, and of devices without identity", () => {
    const { notes } = lintProfile("stulz-c7000");
    expect(notes.join("\n")).toContain("13 flags read every 5 s; what lasts shorter is missed");
    expect(notes.join("\n")).toContain("has no identity");
    const ups = lintProfile("apc-smartups-990-9840").notes.join("\n");
    expect(ups).not.toContain("flags read every");
    expect(ups).not.toContain("has no identity");
  });

  test("no profile takes more than half of its own line", () => {
    for (const id of PROFILE_IDS) {
      const profile = loadProfile(id);
      if (profile.link.rtu) expect(lineShare(profile, speedOf(profile)), id).toBeLessThan(0.5);
    }
  });
});
