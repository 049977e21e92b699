import { expect, test } from "vitest";
import { judgeWriteAnswer } from "../../../hub/history/influx-answer.ts";

// Texts as InfluxDB 1.6.7 gives them.
test.each([
  ["stored", 204, "", 2_000],
  ["poison", 400, `{"error":"partial write: unable to parse 'x': missing tag value dropped=0"}`, 3],
  [
    "poison",
    400,
    `{"error":"partial write: field type conflict: input field \\"q\\" dropped=1"}`,
    3,
  ],
  ["all-poison", 400, `{"error":"unable to parse 'x': missing fields"}`, 1],
  ["poison", 400, `{"error":"partial write: points beyond retention policy dropped=2"}`, 3],
  ["all-poison", 400, `{"error":"partial write: points beyond retention policy dropped=3"}`, 3],
  ["retry", 400, `{"error":"partial write: max-values-per-tag limit exceeded dropped=3"}`, 3],
  [
    "retry",
    400,
    `{"error":"partial write: write .../_series/00/0000: no space left on device dropped=2000"}`,
    2_000,
  ],
  ["retry", 500, `{"error":"engine: error writing WAL entry: no space left on device"}`, 3],
  ["retry", 500, `{"error":"engine: cache-max-memory-size exceeded: (1/1)"}`, 3],
  ["retry", 500, `{"error":"open /var/lib/influxdb/data: permission denied"}`, 3],
  ["retry", 500, `{"error":"retention policy not found: x"}`, 3],
  ["no-database", 404, `{"error":"database not found: \\"plenum\\""}`, 3],
  ["retry", 404, "404 page not found", 3],
  ["retry", 401, `{"error":"authorization failed"}`, 3],
  ["retry", 403, `{"error":"\\"hub\\" user is not authorized to write"}`, 3],
  ["split", 413, `{"error":"Request Entity Too Large"}`, 3],
  ["all-poison", 413, `{"error":"Request Entity Too Large"}`, 1],
  // A read-only folder, a text of two kinds, and no rows at all.
  ["retry", 500, `{"error":"open /var/lib/influxdb/wal/x.wal: permission denied"}`, 3],
  ["retry", 400, `{"error":"unable to parse 'x': no space left on device dropped=0"}`, 3],
  ["stored", 204, "", 0],
  // As 2.x and 3 Core give them, from their references.
  [
    "poison",
    422,
    `{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=1"}`,
    3,
  ],
  ["no-database", 404, `{"code":"not found","message":"bucket "plenum" not found"}`, 3],
  ["retry", 401, `{"code":"unauthorized","message":"unauthorized access"}`, 3],
  ["retry", 429, `{"code":"too many requests"}`, 3],
  [
    "poison",
    400,
    `{"error":"partial write of line protocol occurred","data":[{"original_line":"x","line_number":1,"error_message":"invalid column type"}]}`,
    3,
  ],
  ["retry", 400, "something never seen before", 3],
  ["retry", 500, "unable to parse its own state", 3],
  ["retry", 503, "", 3],
  ["retry", 302, "", 3],
])("%s: %i %s", (kind, status, body, rows) => {
  expect(judgeWriteAnswer(status, body, rows).kind).toBe(kind);
});

test("what a person reads names the status and at most 300 characters of the text", () => {
  const answer = judgeWriteAnswer(500, "x".repeat(10_000), 1);
  expect(answer).toEqual({ kind: "retry", why: `InfluxDB 500: ${"x".repeat(300)}` });
});
