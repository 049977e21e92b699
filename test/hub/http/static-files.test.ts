import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StandIn } from "./stand-in.ts";

const hub = new StandIn();
const webDir = mkdtempSync(path.join(tmpdir(), "plenum-web-"));
mkdirSync(path.join(webDir, "assets"));
writeFileSync(path.join(webDir, "index.html"), "<!doctype html><title>Plenum</title>");
writeFileSync(path.join(webDir, "assets", "main-a1b2.js"), "export const x = 1;");
hub.webDir = webDir;
beforeAll(() => hub.start());
afterAll(async () => {
  await hub.stop();
  rmSync(webDir, { recursive: true });
});

test.each(["/", "/wall", "/alarms", "/doors", "/rack/a03"])(
  "%s is the page, never cached",
  async (page) => {
    const answer = await hub.fetch(page);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("<title>Plenum</title>");
    expect(answer.headers.get("cache-control")).toBe("no-cache");
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  },
);

test("A file with its hash in its name may be kept for ever", async () => {
  const answer = await hub.fetch("/assets/main-a1b2.js");
  expect(answer.headers.get("cache-control")).toContain("immutable");
  expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  const etag = answer.headers.get("etag") ?? "";
  const again = await hub.fetch("/assets/main-a1b2.js", { headers: { "if-none-match": etag } });
  expect(again.status).toBe(304);
});

test.each([
  "/assets/gone.js",
  "/..%2fpackage.json",
  "/%2e%2e/package.json",
  "/wall/x",
  "/rack/A B",
  "/.env",
])("%s is not found", async (page) => {
  expect((await hub.fetch(page)).status).toBe(404);
});

test.each(["/", "/api/v1/points", "/nowhere", "/healthz"])(
  "%s carries the security headers",
  async (page) => {
    const { headers } = await hub.fetch(page);
    const policy = headers.get("content-security-policy") ?? "";
    for (const part of [
      "default-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ])
      expect(policy).toContain(part);
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("strict-transport-security")).toBeNull();
    expect(headers.get("access-control-allow-origin")).toBeNull();
  },
);
