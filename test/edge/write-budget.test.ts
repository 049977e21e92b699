import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { WriteBudget, writtenBytes } from "../../edge/write-budget.ts";

const HOUR_MS = 3_600_000;

test("4 KB a second are 354 MB a day, known after 10 s and not before", () => {
  const budget = new WriteBudget();
  for (let second = 0; second < 10; second += 1) budget.note(second * 4_096, second * 1_000);
  expect(budget.bytesPerDay()).toBeUndefined();
  budget.note(10 * 4_096, 10_000);
  expect(budget.bytesPerDay()).toBe(4_096 * 86_400);
});

test("the rate is that of the last day: a busy first hour is forgotten", () => {
  const budget = new WriteBudget();
  budget.note(0, 0);
  for (let hour = 1; hour <= 26; hour += 1)
    budget.note(1_000_000_000 + (hour - 1) * 1_000, hour * HOUR_MS);
  expect(budget.bytesPerDay()).toBe(24_000);
});

test("bytes come from the kernel's account of this process; where there is none, nothing is said", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-io-"));
  const file = path.join(folder, "io");
  writeFileSync(
    file,
    "rchar: 1\nwchar: 999\nread_bytes: 2\nwrite_bytes: 4096\ncancelled_write_bytes: 7\n",
  );
  expect(await writtenBytes(file)).toBe(4_096);
  expect(await writtenBytes(path.join(folder, "missing"))).toBeUndefined();
  rmSync(folder, { recursive: true });
});
