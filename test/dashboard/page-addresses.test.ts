import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { StaticFiles } from "../../hub/http/static-files.ts";

const webDir = mkdtempSync(join(tmpdir(), "plenum-pages-"));
writeFileSync(join(webDir, "index.html"), "<!doctype html>");
afterAll(() => rmSync(webDir, { recursive: true }));

const ADDRESSES = [
  ...["/", "/wall", "/alarms", "/incidents", "/incidents/inc-12", "/doors", "/rack/a03"],
  ...["/alarm-health", "/problems", "/coverage", "/notifications", "/rehearsal", "/put-aside"],
];
test.each(ADDRESSES)(
  "the hub answers %s with the page, so that a link or a reload leads there",
  (address) => {
    expect(new StaticFiles(webDir).find(address)).toBeDefined();
  },
);
