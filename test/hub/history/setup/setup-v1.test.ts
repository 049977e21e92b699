import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { runCli } from "../../../../hub/cli.ts";
import { checkSite } from "../../../../hub/config/site-check.ts";
import { openInfluxHistory } from "../../../../hub/history/influx-history.ts";
import type { StoredReading } from "../../../../hub/history/store.ts";
import { type Influxd, startInfluxd } from "../influxd.ts";

const log = pino({ level: "silent" });
const never = new AbortController().signal;
let folder: string;
let secrets: string;
let influxd: Influxd;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-setup-"));
  secrets = path.join(folder, "secrets");
  influxd = await startInfluxd({ auth: true });
}, 60_000);
afterAll(async () => {
  await influxd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function setUp(...more: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCli(["influx-setup", "--url", influxd.url, "--secrets", secrets, ...more], {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    run: async () => 0,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}
const secret = (name: string) =>
  readFileSync(path.join(secrets, `influx-${name}.password`), "utf8").trim();

/** The target as a site that pasted what the set-up printed gets it. */
function target(printed: string) {
  const { storage } = parse(printed.slice(printed.indexOf("storage:"))) as {
    storage: { influx: unknown };
  };
  const site = {
    site: {
      id: "t",
      label: "T",
      timezone: "UTC",
      rooms: [{ id: "r", label: "R", widthM: 1, depthM: 1, rows: [] }],
    },
    storage: { path: "./data", ...storage },
  };
  const result = checkSite(JSON.stringify(site), path.join(folder, "site.yaml"));
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result.config.storage.influx ?? expect.fail("no influx in the configuration");
}
const ask = async (user: string, q: string, db = "dc_raw") => {
  const answer = await fetch(`${influxd.url}/query`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`plenum_${user}:${secret(user)}`)}` },
    body: new URLSearchParams({ db, q }),
  });
  return `${answer.status} ${await answer.text()}`;
};
const row = (at: number): StoredReading => ({
  node: "edge-a",
  reading: { point: "a01.t", at, quality: "good", value: 21 },
});
let printed = "";

test("a bare server gets an administrator, three databases with retention, a writer and a reader", async () => {
  const { code, out, err } = await setUp();
  expect(err).toBe("");
  expect(code).toBe(0);
  expect(out.split("\n").filter((line) => line.startsWith("ok  "))).toHaveLength(9);
  for (const name of ["admin", "writer", "reader"]) {
    const file = path.join(secrets, `influx-${name}.password`);
    expect(statSync(file).mode & 0o777, file).toBe(0o600);
    expect(secret(name)).toMatch(/^[\w-]{32}$/);
    expect(out, "no password is printed").not.toContain(secret(name));
  }
  const policies = async (db: string) => await ask("admin", `SHOW RETENTION POLICIES ON ${db}`);
  expect(await policies("dc_raw")).toContain('["autogen","2160h0m0s","24h0m0s",1,true]');
  expect(await policies("dc_5m")).toContain('["autogen","17520h0m0s","168h0m0s",1,true]');
  expect(await policies("dc_1h")).toContain('["autogen","0s","720h0m0s",1,true]');
  expect(await ask("admin", "SHOW MEASUREMENTS"), "trying out left nothing").not.toContain(
    "plenum",
  );
  printed = out;
});

test("run again it changes nothing and keeps the passwords", async () => {
  const before = ["admin", "writer", "reader"].map(secret);
  const { code, out } = await setUp();
  expect(code).toBe(0);
  expect(out).not.toMatch(/- (made|gave|changed)/);
  expect(["admin", "writer", "reader"].map(secret)).toEqual(before);
  expect(readdirSync(secrets)).toHaveLength(3);
});

test("the hub writes, asks, rolls up and keeps house with these logins, without a right to make anything", async () => {
  const store = openInfluxHistory({ ...target(printed), log });
  await store.prepare(never);
  const at = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  await store.write([row(at), row(at + 1_000)]);
  const aggregate = { at, low: 1, high: 2, sum: 3, good: 2, rows: 2 };
  await store.saveRollups("1h", [{ point: "a01.t", aggregate }]);
  await store.dropOld(Date.now(), never);
  const range = { fromMs: at, toMs: at + 3_600_000 };
  expect(await store.totals({ point: "a01.t", ...range })).toMatchObject({ rows: 2, sum: 42 });
  const hourly = { tier: "1h", points: ["a01.t"], ...range, stepMs: 3_600_000 } as const;
  expect((await store.aggregate(hourly)).get("a01.t")).toEqual([aggregate]);
  expect(await ask("writer", "CREATE DATABASE mine")).toMatch(/^403/);
});

test("the writer cannot read, the reader cannot write, drop or make; the writer can delete, as 1.x has it", async () => {
  expect(await ask("writer", "SELECT count(value) FROM point")).toMatch(/not authorized/);
  expect(await ask("reader", "SELECT count(value) FROM point")).toMatch(/^200 .*\[.*,2\]/);
  for (const q of [
    "DROP MEASUREMENT point",
    "DELETE FROM point",
    "CREATE DATABASE mine",
    "SHOW USERS",
  ])
    expect(await ask("reader", q), q).toMatch(/^403|not authorized|requires admin/);
  expect(await ask("writer", "DELETE FROM point")).toMatch(/^200/);
  expect(await ask("reader", "SELECT count(value) FROM point")).not.toContain("series");
});

test("a database that is missing and may not be made is told with what to do, and waited for", async () => {
  const { reader: _, ...writer } = target(printed);
  const warned: unknown[] = [];
  const warn = (about: unknown) => warned.push(about);
  const quiet = Object.assign(pino({ level: "silent" }), { warn });
  const store = openInfluxHistory({ ...writer, database: "elsewhere", log: quiet });
  const stop = new AbortController();
  const waiting = store.prepare(stop.signal);
  await expect.poll(() => warned.length).toBe(1);
  expect(warned[0]).toMatchObject({
    error: expect.stringMatching(/elsewhere is missing.*influx-setup/),
  });
  stop.abort();
  await waiting;
});

test("a retention somebody changed is told at run time and mended by the set-up", async () => {
  await ask("admin", "ALTER RETENTION POLICY autogen ON dc_raw DURATION 48h SHARD DURATION 24h");
  const store = openInfluxHistory({ ...target(printed), log });
  await expect(store.dropOld(Date.now(), never)).rejects.toThrow(
    /dc_raw keeps readings for 48 h, not 2160 h.*influx-setup/,
  );
  expect((await setUp()).out).toMatch(/changed database dc_raw, which keeps 90 days/);
  await store.dropOld(Date.now(), never);
});

test("a lost password file means a new password; an administrator's login is taken by reference only", async () => {
  const before = secret("writer");
  unlinkSync(path.join(secrets, "influx-writer.password"));
  const reference = `file:${path.join(secrets, "influx-admin.password")}`;
  const named = ["--admin-user", "plenum_admin", "--admin-password"];
  expect((await setUp(...named, secret("admin"))).err).toMatch(/not the secret itself/);
  const { code, out } = await setUp(...named, reference);
  expect(code).toBe(0);
  expect(out).toMatch(/gave a new password to user plenum_writer/);
  expect(secret("writer")).not.toBe(before);
});

test("where another administrator is already, it says which options name him", async () => {
  const elsewhere = path.join(folder, "other");
  const { code, err } = await setUp("--secrets", elsewhere);
  expect(code).toBe(1);
  expect(err).toMatch(/administrator already.*--admin-user/);
});

test("a server that lets anybody do anything is refused with the setting to change", async () => {
  const open = await startInfluxd();
  try {
    const { code, err } = await setUp("--url", open.url, "--secrets", path.join(folder, "open"));
    expect(code).toBe(1);
    expect(err).toMatch(/auth-enabled = true/);
    expect(existsSync(path.join(folder, "open", "influx-writer.password"))).toBe(false);
  } finally {
    await open.stop();
  }
});
