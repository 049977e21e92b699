import path from "node:path";
import { describe, expect, test } from "vitest";
import { describeConfig } from "../../../hub/config/describe.ts";
import type { HubConfig } from "../../../hub/config/hub-config.ts";
import { nearest } from "../../../hub/config/nearest.ts";
import type { ReadSecret } from "../../../hub/config/secret.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { formatProblem } from "../../../hub/config/source.ts";

const SITE = `site:
  id: demo
  label: Demo site
  timezone: Europe/Helsinki
  rooms:
    - id: hall-a
      label: Hall A
      widthM: 12
      depthM: 7
      rows: [{ id: a, label: A, racks: [{ id: a01, label: A01, at: { x: 1, y: 1 } }] }]
      cooling: [{ id: crah-1, label: CRAH 1, at: { x: 0, y: 0 } }]
  power:
    - { id: utility-a, label: Utility A, kind: utility, feed: A }
    - { id: ups-a, label: UPS A, kind: ups, feed: A, fedBy: [utility-a] }
storage: { path: ./data/hub }
`;
const SECRETS: Record<string, string> = { "env:DEMO": "demo-token", "env:OTHER": "other-token" };
const readSecret: ReadSecret = (reference) =>
  SECRETS[reference] ? { value: SECRETS[reference] } : { why: "is not set" };

function problems(text: string): string[] {
  const result = checkSite(text, "/etc/plenum/site.yaml", readSecret);
  return "config" in result ? [] : result.problems.map(formatProblem).map(withoutFolder);
}
const withoutFolder = (line: string) => line.replaceAll("/etc/plenum/", "");
function config(text: string): HubConfig {
  const result = checkSite(text, "/etc/plenum/site.yaml", readSecret);
  if ("problems" in result) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.config;
}

test("a complete file becomes milliseconds, absolute paths and resolved secrets", () => {
  const full =
    config(`${SITE.replace("path: ./data/hub", "path: ./data/hub, influx: { url: 'http://127.0.0.1:8086', database: plenum }")}
http: { host: "::1", port: 0, publicUrl: "https://plenum.example.net/" }
tokens: [{ name: demo, role: admin, token: "env:DEMO" }]
alarms:
  - { id: inlet-high, points: ["*.inlet-*"], above: 27, below: 15, deadband: 0.5, onDelay: 60s, offDelay: 1.5m, reAlarm: 1h, priority: 2, title: "{place} {value}", runbook: "Look.", receivers: [duty, desk, duty] }
  - { id: no-reading, points: ["*"], stale: true, priority: 3, title: "{label}: no reading" }
  - { id: node-silent, nodes: ["*"], silent: true, onDelay: 500ms, priority: 2, title: "{label} silent" }
  - { id: leak, points: [leak.rope], equals: 1, latch: true, local: true, priority: 1, title: Water }
receivers:
  - { id: duty, email: { to: [duty@example.net], from: plenum@example.net, server: "smtps://mail.example.net", user: plenum, password: "env:OTHER" } }
  - { id: desk, webhook: { url: "http://127.0.0.1:9999/hook", secret: "env:DEMO", allowPrivate: true } }
`);
  expect(full.http).toEqual({ host: "::1", port: 0, publicUrl: "https://plenum.example.net" });
  expect(full.mqtt).toEqual({ host: "127.0.0.1", port: 1883 });
  expect(full.storage).toEqual({
    path: path.resolve("/etc/plenum/data/hub"),
    influx: { url: "http://127.0.0.1:8086", database: "plenum" },
  });
  expect(full.tokens).toEqual([{ name: "demo", role: "admin", token: "demo-token" }]);
  expect(full.alarms[0]).toEqual({
    id: "inlet-high",
    priority: 2,
    condition: { kind: "limit", above: 27, below: 15, deadband: 0.5 },
    onDelayMs: 60_000,
    offDelayMs: 90_000,
    reAlarmMs: 3_600_000,
    latch: false,
    points: ["*.inlet-*"],
    nodes: [],
    title: "{place} {value}",
    runbook: "Look.",
    receivers: ["duty", "desk"],
  });
  expect(full.alarms.map(({ local }) => local)).toEqual([undefined, undefined, undefined, true]);
  expect(full.alarms.map((rule) => rule.condition.kind)).toEqual([
    "limit",
    "stale",
    "silent",
    "digital",
  ]);
  expect(full.receivers).toEqual([
    {
      kind: "email",
      id: "duty",
      to: ["duty@example.net"],
      from: "plenum@example.net",
      server: {
        host: "mail.example.net",
        port: 465,
        secure: true,
        user: "plenum",
        password: "other-token",
      },
    },
    {
      kind: "webhook",
      id: "desk",
      url: "http://127.0.0.1:9999/hook",
      secret: "demo-token",
      allowPrivate: true,
    },
  ]);
  const words = describeConfig(full);
  expect(words).toContain("Demo site, Europe/Helsinki: 1 room, 1 rack, 1 cooling unit, 0 doors");
  expect(words).toContain("4 rules, 1 of them told to somebody");
  expect(words).not.toMatch(/demo-token|other-token/);
});

test("the shortest file is enough", () => {
  const { alarms, receivers, tokens, http } = config(SITE);
  expect([alarms, receivers, tokens]).toEqual([[], [], []]);
  expect(http).toEqual({ host: "127.0.0.1", port: 8080, publicUrl: null });
});

test("every problem of a file is found in one run, in the file's order, with its place", () => {
  expect(
    problems(`site:
  id: Demo
  label: Demo site
  timezone: Europe/Helsinky
  rooms: []
http: { host: 0.0.0.0, port: 70000 }
mqttt: { port: 1 }
storage: { path: ./x, influxx: {} }
tokens:
  - { name: demo, role: boss, token: hunter2 }
alarms:
  - { id: a, points: ["*"], above: 10, below: 20, priority: 2, title: "{plaec}", receivers: [dutty] }
  - { id: a, points: ["*"], onDeley: 60, onDelay: 60, priority: 9, title: x }
receivers:
  - { id: duty, email: { to: [nobody], from: p@example.net, server: "http://x" } }
`),
  ).toEqual([
    'site.yaml:2:7 site.id: found "Demo"; allowed: 1–64 characters of a–z 0–9 _ . - beginning with a letter or digit',
    'site.yaml:4:13 site.timezone: "Europe/Helsinky" is not an IANA time zone such as Europe/Helsinki',
    "site.yaml:5:10 site.rooms: found []; allowed: at least 1 entries",
    'site.yaml:6:15 http.host: found "0.0.0.0"; can be reached from other machines, so it needs TLS: add tls: { names: [the host name or address by which they call this hub] }. Without TLS allowed: 127.0.0.1, ::1, localhost',
    "site.yaml:6:30 http.port: found 70000; allowed: at most 65535",
    'site.yaml:7:1 unknown key "mqttt"; did you mean "mqtt"?',
    'site.yaml:8:23 storage: unknown key "influxx"; did you mean "influx"?',
    'site.yaml:10:25 tokens[0].role: found "boss"; allowed: viewer, operator, engineer, auditor, admin, wall',
    'site.yaml:10:38 tokens[0].token: write "env:NAME" or "file:PATH"; a secret does not stand in this file',
    "site.yaml:12:36 alarms[0].above: 10 is not higher than below (20), so every value would alarm",
    "site.yaml:12:71 alarms[0].title: {plaec} means nothing; did you mean {place}?",
    'site.yaml:12:93 alarms[0].receivers: "dutty" is not a receiver; did you mean "duty"?',
    'site.yaml:13:11 alarms[1].id: "a" is taken by alarms[0]; choose another',
    'site.yaml:13:29 alarms[1]: unknown key "onDeley"; did you mean "onDelay"?',
    "site.yaml:13:51 alarms[1].onDelay: 60 is not allowed; write a number and a unit, from 0ms to 24h, such as 500ms, 2s or 5m",
    "site.yaml:13:65 alarms[1].priority: 9 is not allowed; a priority is 1 (act now), 2, 3 or 4 (note)",
    'site.yaml:15:31 receivers[0].email.to[0]: found "nobody"; allowed: one address such as duty@example.net',
    'site.yaml:15:69 receivers[0].email.server: found "http://x"; allowed: smtp://host:port, or smtps://host:port for TLS from the start',
  ]);
});

describe("one mistake", () => {
  const rule = (text: string) => `${SITE}alarms: [{ id: r, priority: 1, title: t, ${text} }]\n`;
  const hook = (text: string) => `${SITE}receivers: [{ id: w, webhook: { ${text} } }]\n`;
  const mail = (text: string) =>
    `${SITE}receivers: [{ id: m, email: { to: [a@b.c], from: a@b.c, ${text} } }]\n`;
  const token = (text: string) => `${SITE}tokens: [{ name: t, role: admin, token: ${text} }]\n`;
  const stories: [string, string, RegExp][] = [
    ["no condition", rule('points: ["*"]'), /alarms\[0\]: says no condition; allowed: above and/],
    ["two conditions", rule('points: ["*"], above: 1, equals: 1'), /says 2 kinds of condition/],
    ["no points", rule("above: 1"), /alarms\[0\]: points is missing/],
    ["points and nodes", rule('points: ["*"], nodes: ["*"], silent: true'), /not both/],
    ["silent points", rule('points: ["*"], silent: true'), /alarms\[0\].silent: is about nodes/],
    [
      "local silence",
      rule('nodes: ["*"], silent: true, local: true'),
      /local: a silent node cannot/,
    ],
    ["local: false", rule('points: ["*"], equals: 1, local: false'), /alarms\[0\].local/],
    ["limit on nodes", rule('nodes: ["*"], above: 1'), /only a rule with silent: true/],
    ["deadband alone", rule('points: ["*"], equals: 1, deadband: 1'), /only belongs to above/],
    [
      "deadband too wide",
      rule('points: ["*"], above: 20, below: 18, deadband: 2'),
      /nothing between/,
    ],
    [
      "stale: false",
      rule('points: ["*"], stale: false'),
      /stale: false is not allowed; stale is true, or left out/,
    ],
    [
      "a dot in a rule id",
      rule('points: ["*"], above: 1').replace("id: r", "id: r.x"),
      /without dots/,
    ],
    [
      "not a glob",
      rule('points: ["A B"], above: 1'),
      /points\[0\]: "A B" is not allowed; a pattern is a name/,
    ],
    [
      "limit infinite",
      rule('points: ["*"], above: .inf'),
      /above: .*is not allowed; above is a number/,
    ],
    [
      "two-line title",
      rule('points: ["*"], above: 1').replace("title: t", 'title: "a\\nb"'),
      /one line/,
    ],
    [
      "25 h",
      rule('points: ["*"], above: 1, onDelay: 25h'),
      /"25h" is not allowed; write a number and a unit/,
    ],
    [
      "priority missing",
      rule('points: ["*"], above: 1').replace("priority: 1, ", ""),
      /priority: is missing; a priority is 1 \(act now\)/,
    ],
    ["private webhook", hook('url: "https://10.1.2.3/x"'), /10\.1\.2\.3 is a private address/],
    ["decimal loopback", hook('url: "https://2130706433/x"'), /127\.0\.0\.1 is a private address/],
    ["mapped loopback", hook('url: "https://[::ffff:127.0.0.1]/x"'), /private address/],
    ["localhost", hook('url: "https://localhost/x"'), /localhost is this machine/],
    [
      "metadata service",
      hook('url: "http://169.254.169.254/x", allowPrivate: true'),
      /not an address of a receiver/,
    ],
    ["plain http", hook('url: "http://example.net/x"'), /not encrypted; write https/],
    ["ftp", hook('url: "ftp://example.net/x"'), /allowed: an address such as https/],
    ["password in URL", hook('url: "https://a:b@example.net/x"'), /must not hold a user name/],
    [
      "user without password",
      mail('server: "smtp://h", user: u'),
      /email.user: needs password as well/,
    ],
    ["password in server", mail('server: "smtp://u:p@h"'), /use the keys user and password/],
    ["no way", `${SITE}receivers: [{ id: x }]\n`, /says no way to reach anybody/],
    [
      "both ways",
      `${SITE}receivers: [{ id: x, email: { to: [a@b.c], from: a@b.c, server: "smtp://h" }, webhook: { url: "https://e.net" } }]`,
      /one way per receiver/,
    ],
    ["secret not set", token('"env:NOPE"'), /tokens\[0\].token: env:NOPE: is not set/],
    [
      "same token twice",
      `${SITE}tokens: [{ name: t, role: admin, token: "env:DEMO" }, { name: u, role: wall, token: "env:DEMO" }]`,
      /same secret as that of "t"/,
    ],
    ["same port", `${SITE}http: { port: 1883 }\n`, /1883 is the HTTP port already/],
    [
      "two places, one name",
      SITE.replace("id: crah-1", "id: a01"),
      /cooling\[0\].id: "a01" is taken by rooms\[0\].rows\[0\].racks\[0\]/,
    ],
    [
      "feed from nowhere",
      SITE.replace("fedBy: [utility-a]", "fedBy: [utlity-a]"),
      /power\[1\].fedBy\[0\]: "utlity-a" is not a power unit; did you mean "utility-a"/,
    ],
    [
      "feeding itself",
      SITE.replace("kind: utility, feed: A", "kind: utility, fedBy: [ups-a]"),
      /"ups-a" ends up feeding itself/,
    ],
    [
      "inlet band",
      SITE.replace(
        "storage:",
        "  inletBand: { minC: 28, maxC: 27, lowC: 15, highC: 32 }\nstorage:",
      ),
      /inletBand: found lowC 15, minC 28/,
    ],
    ["no storage", SITE.replace(/storage.*/, ""), /storage: is missing; needs a map/],
    ["list where a map is", "- a\n- b\n", /is not a map; allowed keys: site, http/],
    ["empty file", "", /is not a map/],
    ["list missing its dashes", `${SITE}alarms: { id: a }\n`, /alarms: needs a list/],
    ["same key twice", `${SITE}storage: { path: x }\n`, /16:1 Map keys must be unique/],
    ["not YAML", `${SITE}http: { host: [\n`, /site\.yaml:17:1 Flow sequence in block collection/],
    ["prototype", `${SITE}__proto__: { a: 1 }\n`, /unknown key "__proto__"/],
    ["a million characters", "#".repeat(1_000_001), /1000001 characters; allowed: 1000000/],
  ];
  test.each(stories)("%s", (_name, text, expected) => {
    expect(problems(text).filter((line) => expected.test(line))).toHaveLength(1);
  });

  test("a bomb of aliases is refused", () => {
    const levels = [..."bcdefgh"].map((name, i) => {
      const before = "abcdefg"[i];
      return `${name}: &${name} [${`*${before},`.repeat(9)}*${before}]`;
    });
    expect(problems(`a: &a [1,1]\n${levels.join("\n")}\n`)).toEqual([
      expect.stringContaining("write the repeated part out"),
    ]);
  });
});

test("a secret is never repeated in a message", () => {
  const text = `${SITE}tokens: [{ name: t, role: admin, token: "hunter2" }]
receivers: [{ id: m, email: { to: [a@b.c], from: a@b.c, server: "smtp://h", user: u, password: "hunter2" } }, { id: w, webhook: { url: "https://e.net", secret: hunter2 } }]`;
  expect(problems(text)).toHaveLength(3);
  expect(problems(text).join()).not.toContain("hunter2");
});

test.each([
  ["onDeley", "onDelay"],
  ["reciever", "receiver"],
  ["abvoe", "above"],
  ["xyz", undefined],
  ["a", undefined],
])("nearest to %s is %s", (word, expected) => {
  expect(nearest(word, ["onDelay", "receiver", "above", "inlet"])).toBe(expected);
});

test("the configuration of the demonstration is accepted", async () => {
  const { readFileSync } = await import("node:fs");
  const file = new URL("../../../deploy/demo/site.yaml", import.meta.url).pathname;
  const result = checkSite(readFileSync(file, "utf8"), file, () => ({ value: "a-token" }));
  expect(result).toHaveProperty("config");
});
