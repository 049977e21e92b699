import { execFileSync } from "node:child_process";
import { afterEach, expect, test, vi } from "vitest";
import { takeServiceEnv } from "../../edge/service-env.ts";

afterEach(() => vi.unstubAllEnvs());

test("a program that the node starts does not learn how systemd is told, the node itself does", () => {
  vi.stubEnv("NOTIFY_SOCKET", "/run/systemd/notify");
  vi.stubEnv("WATCHDOG_USEC", "60000000");
  vi.stubEnv("KEPT", "yes");
  const own = takeServiceEnv(process.env);
  const child = execFileSync("env", { encoding: "utf8" });
  expect(child).not.toMatch(/^(NOTIFY_SOCKET|WATCHDOG_)/m);
  expect(child).toContain("KEPT=yes");
  expect(own).toMatchObject({ NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "60000000" });
});
