import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { secretsFrom } from "../../../hub/config/secret.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "secrets-"));
  writeFileSync(path.join(folder, "hook"), "s3cret key\r\n");
  writeFileSync(path.join(folder, "empty"), "\n");
  writeFileSync(path.join(folder, "binary"), Buffer.from([1, 2, 3]));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["env:TOKEN", { value: "abc" }],
  ["file:hook", { value: "s3cret key" }],
  ["env:MISSING", { why: "the environment variable MISSING is not set" }],
  ["env:BLANK", { why: "the environment variable BLANK is empty" }],
  ["file:empty", { why: expect.stringMatching(/empty is empty$/) }],
  ["file:gone", { why: expect.stringMatching(/gone is not there$/) }],
  ["file:.", { why: expect.stringMatching(/cannot be read \(EISDIR\)$/) }],
  ["file:binary", { why: expect.stringMatching(/printable ASCII$/) }],
])("%s", (reference, expected) => {
  expect(secretsFrom(folder, { TOKEN: "abc", BLANK: "" })(reference)).toEqual(expected);
});
