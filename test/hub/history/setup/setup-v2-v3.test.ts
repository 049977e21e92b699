import { mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCli } from "../../../../hub/cli.ts";
import { openInfluxHistory } from "../../../../hub/history/influx-history.ts";
import type { StoredReading } from "../../../../hub/history/store.ts";
import type { StandIn } from "./stand-in.ts";
import { startV2 } from "./stand-in-v2.ts";
import { startV3 } from "./stand-in-v3.ts";

const ADMIN = "operator-token-of-the-server";
const never = new AbortController().signal;
const log = pino({ level: "silent" });
let folder: string;
let standIn: StandIn;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-setup-"));
  writeFileSync(path.join(folder, "admin-token"), `${ADMIN}\n`);
});
afterEach(async () => {
  await standIn.stop();
  rmSync(folder, { recursive: true });
});

async function setUp(...more: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const token = `file:${path.join(folder, "admin-token")}`;
  const code = await runCli(
    ["influx-setup", "--url", standIn.url, "--secrets", folder, "--admin-token", token, ...more],
    { out: (line) => out.push(line), err: (line) => err.push(line), run: async () => 0 },
  );
  return { code, out: out.join("\n"), err: err.join("\n") };
}
const fileOf = (name: string) => path.join(folder, `influx-${name}.password`);
const secret = (name: string) => readFileSync(fileOf(name), "utf8").trim();
const target = () => ({
  ...{ url: standIn.url, database: "dc_raw", log },
  ...{ username: "plenum_writer", password: secret("writer") },
  reader: { username: "plenum_reader", password: secret("reader") },
});
const row = (at: number): StoredReading => ({
  node: "edge-a",
  reading: { point: "a01.t", at, quality: "good", value: 21 },
});

describe("InfluxDB 2.x, played by a stand-in written from its API reference", () => {
  const org = ["--org", "site"];
  let state: Awaited<ReturnType<typeof startV2>>["state"];
  beforeEach(async () => {
    ({ standIn, state } = await startV2(ADMIN));
  });

  test("gets three buckets with retention, mappings of its own and v1 logins that are tried out", async () => {
    const { code, out, err } = await setUp(...org);
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out.split("\n").filter((line) => line.startsWith("ok  "))).toHaveLength(9);
    expect(state().buckets.map((one) => [one.name, one.retentionRules[0]?.everySeconds])).toEqual([
      ["dc_raw", 90 * 86_400],
      ["dc_5m", 730 * 86_400],
      ["dc_1h", 0],
    ]);
    expect(state().mappings.map(({ database }) => database)).toEqual(["dc_raw", "dc_5m", "dc_1h"]);
    expect(state().logins.map((one) => one.permissions.map(({ action }) => action))).toEqual([
      ["write", "write", "write"],
      ["read", "read", "read"],
    ]);
    expect(statSync(fileOf("writer")).mode & 0o777).toBe(0o600);
    expect(out).not.toContain(secret("writer"));
    expect(standIn.asked.filter(({ path: at }) => at === "/api/v2/delete")).toHaveLength(3);
  });

  test("run again it changes nothing; a bucket, mapping, right or file that is off is mended", async () => {
    await setUp(...org);
    const before = [secret("writer"), secret("reader")];
    expect((await setUp(...org)).out).not.toMatch(/- (made|mapped|changed|removed)/);
    expect([secret("writer"), secret("reader")]).toEqual(before);
    state().buckets[0]!.retentionRules = [{ everySeconds: 3_600 }];
    state().mappings.splice(1, 1);
    state().logins[1]!.permissions.push({ action: "write", resource: { id: "0000000000000001" } });
    unlinkSync(fileOf("writer"));
    const { code, out } = await setUp(...org);
    expect(code).toBe(0);
    expect(out).toMatch(/changed bucket dc_raw, which kept 3600 s, to 7776000 s/);
    expect(out).toMatch(/mapped database dc_5m/);
    expect(out).toMatch(/removed login plenum_reader/);
    expect(out).toMatch(/made login plenum_writer/);
  });

  test("the hub's own client finds the databases, writes and does not ask for a retention it cannot set", async () => {
    await setUp(...org);
    const store = openInfluxHistory(target());
    await store.prepare(never);
    await store.write([row(1_000)]);
    await store.dropOld(Date.now(), never);
    expect(state().lines.at(-1)).toBe(
      "dc_raw: point,node=edge-a,place=a01,point=a01.t value=21,q=0i 1000",
    );
    state().mappings.length = 0;
    await expect(store.write([row(1_000)])).rejects.toMatchObject({ kind: "retry" });
  });

  test("without a token or organization, or with a wrong one, it says which option to give", async () => {
    expect((await setUp()).err).toMatch(/--org NAME/);
    expect((await setUp("--org", "nobody")).err).toMatch(/organization/);
    writeFileSync(path.join(folder, "admin-token"), "wrong");
    expect((await setUp(...org)).err).toMatch(/--admin-token is not taken/);
  });
});

describe("InfluxDB 3 Core, played by a stand-in written from its API reference", () => {
  let state: Awaited<ReturnType<typeof startV3>>["state"];
  beforeEach(async () => {
    ({ standIn, state } = await startV3(ADMIN));
  });

  test("gets three databases, tables with all their tags, and two tokens; says that the reader may write", async () => {
    const { code, out, err } = await setUp();
    expect(code).toBe(0);
    expect([...state().databases]).toEqual([
      ["dc_raw", "90d"],
      ["dc_5m", "730d"],
      ["dc_1h", null],
    ]);
    expect([...state().tables].map(([name, { tags }]) => [name, tags.length])).toEqual([
      ["dc_raw.point", 3],
      ["dc_5m.rollup", 1],
      ["dc_1h.rollup", 1],
    ]);
    expect(err).toMatch(/reader's token may write/);
    expect(out).not.toContain(secret("writer"));
    const store = openInfluxHistory(target());
    await store.prepare(never);
    await store.write([row(1_000)]);
    await store.dropOld(Date.now(), never);
  });

  test("run again it keeps tokens that are taken, and replaces one whose file is lost", async () => {
    await setUp();
    const [writer, reader] = [secret("writer"), secret("reader")];
    unlinkSync(fileOf("reader"));
    const { code, out } = await setUp();
    expect(code).toBe(0);
    expect(out).toMatch(/found the token plenum_writer/);
    expect(out).toMatch(/made the token plenum_reader/);
    expect(secret("writer")).toBe(writer);
    expect(secret("reader")).not.toBe(reader);
  });
});
