import { describe, expect, test } from "vitest";
import { checkSite } from "../../../hub/config/site-check.ts";
import { formatProblem } from "../../../hub/config/source.ts";

const REST = `
site: { id: s, label: S, timezone: UTC, rooms: [{ id: h, label: H, widthM: 5, depthM: 5, rows: [] }] }
storage: { path: ./hub }
alarms: []
receivers:
`;
const SECRETS: Record<string, string> = { "env:SHORT": "1234567", "env:HTTP": "http://10.0.0.1/" };

function problems(...receivers: string[]): string[] {
  const text = REST + receivers.map((one, index) => `  - { id: r${index}, ${one} }\n`).join("");
  const result = checkSite(text, "site.yaml", (reference) => ({
    value: SECRETS[reference] ?? "secret-enough",
  }));
  return "problems" in result ? result.problems.map(formatProblem) : [];
}

describe("one mistake in a receiver", () => {
  test.each([
    [
      "two ways",
      'relay: { node: a, output: b }, snmp: { host: h, community: "env:C" }',
      "one way per receiver",
    ],
    ["no way", "", "says no way to reach anybody"],
    [
      "number without a country",
      'sms: { to: ["0401234567"], modem: { device: /dev/ttyUSB2 } }',
      "+358401234567",
    ],
    ["neither modem nor gateway", 'sms: { to: ["+358401234567"] }', "needs modem or gateway"],
    [
      "device outside /dev",
      'sms: { to: ["+358401234567"], modem: { device: /etc/passwd } }',
      "/dev/ttyUSB2",
    ],
    [
      "PIN that is none",
      'sms: { to: ["+358401234567"], modem: { device: /dev/ttyS0, pin: "env:P" } }',
      "4 to 8 digits",
    ],
    ["baud", 'sms: { to: ["+358401234567"], modem: { device: /dev/ttyS0, baud: 300 } }', "115200"],
    [
      "gateway without the text",
      'sms: { to: ["+358401234567"], gateway: { url: "https://g.example", json: { to: "{to}" } } }',
      "no value holds {text}",
    ],
    [
      "gateway with a strange name",
      'sms: { to: ["+358401234567"], gateway: { url: "https://g.example", json: { to: "{to}{number}", x: "{text}" } } }',
      "{number} is not known",
    ],
    [
      "private gateway",
      'sms: { to: ["+358401234567"], gateway: { url: "https://10.0.0.1", json: { to: "{to}", x: "{text}" } } }',
      "allowPrivate",
    ],
    ["PagerDuty without a key", "webhook: { template: pagerduty }", "pagerduty needs key"],
    [
      "Slack with a password",
      'webhook: { template: slack, url: "https://s.example", password: "env:P" }',
      "slack has no password",
    ],
    [
      "Jira without a project",
      'webhook: { template: jira, url: "https://j.example", user: a, password: "env:P" }',
      "jira needs project",
    ],
    [
      "ntfy without a topic",
      'webhook: { template: ntfy, url: "https://ntfy.example" }',
      "ends with the topic",
    ],
    [
      "a secret that is no public address",
      'webhook: { template: slack, url: "env:HTTP" }',
      "allowPrivate",
    ],
    [
      "a secret in the file",
      'webhook: { template: pagerduty, key: "R0UT1NG" }',
      "does not stand in this file",
    ],
    ["SNMP with neither", "snmp: { host: h }", "needs community (SNMP v2c) or user (v3)"],
    ["SNMP v3 without auth", "snmp: { host: h, user: u }", "needs auth"],
    [
      "SNMP v3 short password",
      'snmp: { host: h, user: u, auth: { password: "env:SHORT" } }',
      "8 characters",
    ],
    ["syslog by http", 'syslog: { server: "http://h" }', "tls://host:6514"],
    [
      "a ca without TLS",
      'syslog: { server: "udp://h", ca: /etc/ca.pem }',
      "udp has no certificates",
    ],
    ["facility", 'syslog: { server: "udp://h", facility: local9 }', "local0"],
  ])("%s is found and says what is allowed", (_name, receiver, text) => {
    const found = problems(receiver);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(text);
    expect(found[0]).toMatch(/^site\.yaml:6:\d+ /);
  });

  test("two receivers with different PINs for one modem are found", () => {
    const sms = (pin: string) =>
      `sms: { to: ["+358401234567"], modem: { device: /dev/ttyS0, pin: "env:${pin}" } }`;
    Object.assign(SECRETS, { "env:A": "1111", "env:B": "2222" });
    expect(problems(sms("A"), sms("A"))).toEqual([]);
    expect(problems(sms("A"), sms("B"))).toEqual([
      expect.stringContaining("with another baud or pin than receiver r0"),
    ]);
  });

  test("mistakes in 3 receivers are told at once", () => {
    expect(problems("snmp: { host: h }", "webhook: { template: pagerduty }", "")).toHaveLength(3);
  });
});
