import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeConfig } from "../../hub/config/describe.ts";
import { checkSite } from "../../hub/config/site-check.ts";

const SECRETS: Record<string, string> = {
  "env:SLACK_URL": "https://hooks.slack.example/services/T/B/x",
  "env:TEAMS_URL": "https://teams.example/workflows/x",
  "env:SIM_PIN": "1234",
};
const REST = `
site: { id: s, label: S, timezone: UTC, rooms: [{ id: h, label: H, widthM: 5, depthM: 5, rows: [] }] }
storage: { path: ./hub }
alarms: []
`;

test("the examples in channels.md are a correct configuration of 15 receivers", () => {
  const text = readFileSync(new URL("../../docs/channels.md", import.meta.url), "utf8");
  const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  const secret = (reference: string) => ({ value: SECRETS[reference] ?? "a-secret-of-16ch" });
  const result = checkSite(REST + yaml, "site.yaml", secret);
  expect("problems" in result ? result.problems : []).toEqual([]);
  if (!("config" in result)) return;
  const { receivers } = result.config;
  expect(receivers.map(({ kind }) => kind)).toEqual([
    ...["email", "webhook", "webhook", "webhook", "webhook", "webhook", "webhook", "webhook"],
    ...["webhook", "sms", "sms", "syslog", "snmp", "snmp", "relay"],
  ]);
  const said = describeConfig(result.config);
  expect(said).toContain("pagerduty (PagerDuty)");
  expect(said).toContain("duty-sms (SMS by /dev/ttyUSB2)");
  expect(said).not.toContain("a-secret");
  expect(said).not.toContain("hooks.slack");
});
