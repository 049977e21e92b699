import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "../../../hub/cli.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { requestFor } from "../../../hub/external-broker/broker-certificates.ts";
import { openAuthority } from "../../../hub/identity/authority.ts";
import { Register } from "../../../hub/identity/register.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";

const SITE = `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
storage: { path: ./data }
`;
let folder: string;
let site: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-mosquitto-config-"));
  site = path.join(folder, "site.yaml");
  writeFileSync(site, SITE);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function cli(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const worked: (string | undefined)[] = [];
  const code = await runCli(["--config", site, ...args], {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    run: async (_config, worker) => {
      worked.push(worker);
      return 0;
    },
  });
  return { code, out: out.join("\n"), err: err.join("\n"), worked };
}

const written = (file: string) => readFileSync(path.join(folder, "broker", file), "utf8");

test("mosquitto-config writes seven files, the key for its owner only, and lines that site.yaml takes", async () => {
  const { code, out } = await cli(
    ...["mosquitto-config", "--out", path.join(folder, "broker")],
    ...["--name", "broker.example.net", "10.0.0.5", "--port", "8899"],
  );
  expect(code).toBe(0);
  expect(written("plenum.conf")).toContain("\nlistener 8899\n");
  expect(written("plenum.conf")).toContain("\nrequire_certificate true\n");
  expect(written("plenum.acl")).toContain("\npattern write plenum/v1/%u/data\n");
  for (const file of ["ca.crt", "broker.crt", "revoked.crl"])
    expect(written(file)).toMatch(/^-----BEGIN (CERTIFICATE|X509 CRL)-----/);
  expect(statSync(path.join(folder, "broker", "broker.key")).mode & 0o777).toBe(0o600);
  const lines = /mqtt:\n(.*\n)*? +key: .*/.exec(out)?.[0] ?? "";
  const result = checkSite(`${SITE}${lines.replaceAll(/^ {2}/gm, "")}\n`, site);
  expect("config" in result && result.config.mqtt.external?.url).toBe(
    "mqtts://broker.example.net:8899",
  );
});

test("a node whose certificates are all revoked is denied by name; one that has a new one is not", async () => {
  const db = openHubDb(path.join(folder, "data", "hub.db"));
  const register = new Register(db);
  const authority = await openAuthority(path.join(folder, "data", "identity"), Date.now());
  const enrol = async (node: string, at: number) => {
    const { text } = await requestFor(node);
    register.add(await authority.signNode(node, text, at), "enrolled");
  };
  const now = Date.now();
  await enrol("stolen", now);
  await enrol("replaced", now);
  await enrol("good", now);
  register.revoke("stolen", "stolen", now);
  register.revoke("replaced", "lost", now);
  await enrol("replaced", now + 1);
  db.close();
  await cli("mosquitto-config", "--out", path.join(folder, "broker"), "--name", "127.0.0.1");
  const denied = [...written("plenum.acl").matchAll(/^user (.*)\ntopic deny /gm)].map(([, u]) => u);
  expect(denied).toEqual(["stolen"]);
});

test("mosquitto-config without a name or with port 0 says what is missing and writes nothing", async () => {
  const out = path.join(folder, "broker");
  expect(await cli("mosquitto-config", "--out", out)).toMatchObject({
    code: 1,
    err: expect.stringContaining("required option '--name <name...>' not specified"),
  });
  expect(await cli("mosquitto-config", "--out", out, "--name", "a", "--port", "0")).toMatchObject({
    code: 1,
    err: expect.stringContaining("Allowed: 1–65535"),
  });
  expect(() => statSync(out)).toThrow("ENOENT");
});

test("site.yaml: every mistake in mqtt.external is told at its place with what is allowed", () => {
  const problems = (external: string, more = "") => {
    const result = checkSite(`${SITE}mqtt: { external: { ${external} } }\n${more}`, site);
    return "problems" in result
      ? result.problems.map(({ path: at, text }) => `${at}: ${text}`)
      : [];
  };
  expect(problems("url: mqtt://broker.example.net:1883")).toEqual([
    expect.stringContaining("without TLS only on this machine"),
  ]);
  expect(problems("url: mqtt://127.0.0.1:1883")).toEqual([]);
  expect(problems("url: http://127.0.0.1")[0]).toContain("allowed: mqtts://host:port");
  expect(problems("url: mqtts://u:p@broker:8883")[0]).toContain("must not hold a user name");
  expect(problems("url: mqtts://broker:8883, ca: file:ca.crt")).toEqual([
    "mqtt.external.url: needs cert: file:PATH beside it, for TLS",
    "mqtt.external.url: needs key: file:PATH beside it, for TLS",
    `mqtt.external.ca: the file ${path.join(folder, "ca.crt")} is not there`,
  ]);
  expect(problems("url: mqtt://127.0.0.1:1883", "homeAssistant: { points: ['*'] }")).toEqual([
    "homeAssistant: works with the hub's own broker only; take out mqtt.external or this",
  ]);
});

test("--worker needs an external broker, InfluxDB and a short name, and says so before anything starts", async () => {
  expect(await cli("--worker", "w1")).toMatchObject({
    code: 1,
    worked: [],
    err: expect.stringContaining("--worker needs a broker that all workers connect to"),
  });
  writeFileSync(site, `${SITE}mqtt: { external: { url: "mqtt://127.0.0.1:1883" } }\n`);
  expect(await cli("--worker", "w1")).toMatchObject({
    worked: [],
    err: expect.stringContaining("--worker needs storage.influx"),
  });
  const influx = "influx: { url: http://127.0.0.1:8086, database: plenum }";
  writeFileSync(site, readFileSync(site, "utf8").replace("./data", `./data, ${influx}`));
  expect(await cli("--worker", "W 1")).toMatchObject({
    worked: [],
    err: expect.stringContaining("allowed are 1–16 characters"),
  });
  expect(await cli("--worker", "w1")).toMatchObject({ code: 0, worked: ["w1"] });
});
