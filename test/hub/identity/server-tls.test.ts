import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkSite } from "../../../hub/config/site-check.ts";
import { formatProblem } from "../../../hub/config/source.ts";
import { type Authority, openAuthority } from "../../../hub/identity/authority.ts";
import { openServerTls } from "../../../hub/identity/server-tls.ts";
import { FakeClock } from "../../fake-clock.ts";

const DAY_MS = 86_400_000;
let folder: string;
let clock: FakeClock;
let authority: Authority;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-server-tls-"));
  clock = new FakeClock();
  authority = await openAuthority(folder, clock.nowMs());
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (names: string[]) =>
  openServerTls(
    { names },
    { authority, folder, name: "mqtt", clock, log: pino({ level: "silent" }) },
  );

test("the server's certificate is kept for a restart, and made anew when a name changes or 60 days are left", async () => {
  const first = await open(["hub.example.net"]);
  const file = path.join(folder, "server-mqtt.pem");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await open(["hub.example.net"])).current()).toEqual(first.current());
  expect((await open(["other.example.net"])).current()).not.toEqual(first.current());
  const wider = await open(["hub.example.net", "192.0.2.1"]);
  expect(wider.current()).not.toEqual(first.current());
  const told: string[] = [];
  wider.onChange(({ cert }) => told.push(cert));
  await clock.advance(304 * DAY_MS);
  await wider.refresh();
  expect(told).toEqual([]);
  await clock.advance(2 * DAY_MS);
  await wider.refresh();
  expect(told).toEqual([wider.current().cert]);
  expect(readFileSync(file, "utf8")).toContain(told[0]);
});

const site = (more: string) => {
  const text = `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
storage: { path: ./data }
${more}
`;
  const checked = checkSite(text, path.join(folder, "site.yaml"));
  return "config" in checked
    ? checked.config
    : checked.problems.map((problem) => formatProblem(problem).replace(/^.*site.yaml:/, ""));
};

test("beyond loopback a listener needs TLS, or the words that accept the risk", () => {
  const refused = site('http: { host: 0.0.0.0 }\nmqtt: { host: "::" }');
  expect(refused).toEqual([
    expect.stringMatching(/^3:15 http.host: found "0.0.0.0"; can be reached from other machines/),
    expect.stringMatching(/^4:15 mqtt.host: found "::"; can be reached from other machines/),
  ]);
  const tls = site("http: { host: 0.0.0.0, tls: { names: [hub.example.net, 192.0.2.1] } }");
  expect(tls).toMatchObject({ http: { tls: { names: ["hub.example.net", "192.0.2.1"] } } });
  const plain = site("mqtt: { host: 0.0.0.0, plain: i-accept-the-risk }");
  expect(plain).toMatchObject({ mqtt: { plain: true } });
});

test.each([
  ["other words", "mqtt: { host: 0.0.0.0, plain: yes }", /allowed: i-accept-the-risk/],
  ["plain on loopback", "mqtt: { plain: i-accept-the-risk }", /is for hosts beyond this machine/],
  [
    "plain and TLS",
    "mqtt: { host: 0.0.0.0, plain: i-accept-the-risk, tls: { names: [a] } }",
    /does not go with tls/,
  ],
  [
    "a name with a slash",
    "http: { tls: { names: [https://hub] } }",
    /allowed: a host name or an IP address/,
  ],
  ["no names", "http: { tls: {} }", /needs names, or certificate and key, not both/],
  [
    "a certificate without key",
    'http: { tls: { certificate: "file:a.pem" } }',
    /needs names, or certificate and key/,
  ],
  [
    "a missing file",
    'http: { tls: { certificate: "file:a.pem", key: "file:b.pem" } }',
    /a\.pem is not there/,
  ],
  [
    "a key in the file",
    'http: { tls: { certificate: "-----BEGIN", key: "file:b.pem" } }',
    /write "file:PATH"/,
  ],
])("%s is a problem that says what is allowed", (_, more, words) => {
  const problems = site(more);
  expect(problems).toEqual([expect.stringMatching(words)]);
});

test("the site's own certificate and key are taken when they are a pair, and for MQTT with the whole chain", async () => {
  const [own, other] = [
    await authority.signServer(["a"], clock.nowMs()),
    await authority.signServer(["b"], clock.nowMs()),
  ];
  writeFileSync(path.join(folder, "chain.pem"), own.cert);
  writeFileSync(
    path.join(folder, "leaf.pem"),
    own.cert.slice(0, own.cert.indexOf("-----END CERT") + 25),
  );
  writeFileSync(path.join(folder, "own.key"), own.key);
  writeFileSync(path.join(folder, "other.key"), other.key);
  const tls = (cert: string, key: string) =>
    `tls: { certificate: "file:${cert}", key: "file:${key}" }`;
  expect(site(`mqtt: { ${tls("chain.pem", "own.key")} }`)).toMatchObject({
    mqtt: { tls: { keyFile: path.join(folder, "own.key") } },
  });
  expect(site(`http: { ${tls("chain.pem", "other.key")} }`)).toEqual([
    expect.stringContaining("do not make a pair"),
  ]);
  expect(site(`mqtt: { ${tls("leaf.pem", "own.key")} }`)).toEqual([
    expect.stringContaining("must hold the whole chain up to the root"),
  ]);
});
