import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import {
  type Check,
  fingerprint,
  SheetWriter,
  sheetKey,
  sheetPage,
  verifySheet,
} from "../../../edge/commission/point-check.ts";

const folder = mkdtempSync(path.join(tmpdir(), "plenum-sheet-"));
afterAll(() => rmSync(folder, { recursive: true }));
const key = sheetKey(path.join(folder, "point-check.key"));

const check = (n: number, seen: number | null = 24.5): Check => ({
  at: `2026-01-02T03:0${n}:00.000Z`,
  point: `a0${n}.inlet-top`,
  device: `a0${n}-top`,
  unit: "°C",
  from: 22.041,
  seen,
  reason: seen === null ? "no-answer" : "",
  raw: "648bc7a1331c",
  initials: "AB",
});

function sheet(checks = 3, signer = key): string[] {
  const lines: string[] = [];
  const start = { node: "pi-1", at: "2026-01-02T03:00:00.000Z", initials: "AB" };
  const writer = new SheetWriter(signer, start, (line) => lines.push(line));
  for (let n = 1; n <= checks; n += 1) writer.add(check(n, n === 3 ? null : 24.5));
  writer.finish("2026-01-02T03:30:00.000Z");
  return lines;
}

const problemsOf = (lines: string[], ownKey?: string) => {
  const found = verifySheet(lines.join("\n"), ownKey);
  return found.is === "wrong" ? found.problems : [];
};

test("a sheet as it was written is genuine and gives its checks back", () => {
  const found = verifySheet(`${sheet().join("\n")}\n`);
  expect(found).toMatchObject({ is: "genuine", start: { node: "pi-1" }, end: { end: 3 } });
  expect(found.is === "genuine" && found.checks[0]).toMatchObject(check(1));
});

test("an altered value is found, with its line", () => {
  const lines = sheet();
  lines[2] = lines[2]!.replace("24.5", "22.5");
  expect(problemsOf(lines)).toEqual([
    "line 3: was altered, or signed by somebody else",
    "line 4: does not follow the line before it",
  ]);
});

test("a line that was removed, doubled, moved or cut off is found", () => {
  const [start, one, two, three, end] = sheet() as [string, string, string, string, string];
  expect(problemsOf([start, one, three, end])[0]).toContain("line 3: does not follow");
  expect(problemsOf([start, one, one, two, three, end])).not.toEqual([]);
  expect(problemsOf([start, two, one, three, end])).not.toEqual([]);
  expect(problemsOf([start, one, two])).toEqual([
    "line 3: the last line is missing; lines may have been cut off",
  ]);
  expect(problemsOf([])).toEqual(["line 1: this is not a point-check sheet"]);
});

test("lines of another sheet of the same node do not fit in", () => {
  const [start, one, , three, end] = sheet() as [string, string, string, string, string];
  const other = sheet(4);
  expect(problemsOf([start, one, other[4]!, three, end])).not.toEqual([]);
});

test("a whole sheet forged with another key is found when the node's key is given", () => {
  const foreign = sheetKey(path.join(folder, "foreign.key"));
  const forged = sheet(3, foreign);
  const own = (JSON.parse(sheet()[0]!) as { key: string }).key;
  expect(verifySheet(forged.join("\n")).is).toBe("genuine");
  expect(problemsOf(forged, own)[0]).toBe(
    "line 1: the sheet was signed with another key than this node's",
  );
});

test("any single changed character is found, and no text makes the check throw", () => {
  const text = sheet(1).join("\n");
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
      const letter = String.fromCharCode(code);
      fc.pre(text[at] !== letter && text[at] !== "\n");
      expect(verifySheet(text.slice(0, at) + letter + text.slice(at + 1)).is).toBe("wrong");
    }),
  );
  fc.assert(
    fc.property(fc.string(), (noise) => {
      expect(verifySheet(noise).is).toBe("wrong");
    }),
  );
});

test("the key is made once, readable by its owner only, and refused when others can read it", () => {
  const file = path.join(folder, "point-check.key");
  expect(existsSync(file) && statSync(file).mode & 0o777).toBe(0o600);
  expect(sheetKey(file).equals(key)).toBe(true);
  chmodSync(file, 0o640);
  expect(() => sheetKey(file)).toThrow(/mode 640/);
  chmodSync(file, 0o600);
});

test("the page reads as a table with times, values, bytes and initials", () => {
  const found = verifySheet(sheet().join("\n"));
  if (found.is !== "genuine") throw new Error("not genuine");
  const page = sheetPage(found, "point-check-pi-1.jsonl");
  expect(page).toContain(fingerprint(found.start.key));
  expect(page.split("\n").slice(0, 7)).toEqual([
    "Point check of node pi-1",
    "Begun 2026-01-02 03:00 UTC by AB, ended 2026-01-02 03:30 UTC; points: 3",
    "",
    "No  Time (UTC)           Point          Device   Seen                             Raw           By",
    "1   2026-01-02 03:01:00  a01.inlet-top  a01-top  22.04 °C → 24.5 °C               648bc7a1331c  AB",
    "2   2026-01-02 03:02:00  a02.inlet-top  a02-top  22.04 °C → 24.5 °C               648bc7a1331c  AB",
    "3   2026-01-02 03:03:00  a03.inlet-top  a03-top  22.04 °C → no value (no-answer)  648bc7a1331c  AB",
  ]);
});
