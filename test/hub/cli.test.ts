import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../contract/clock.ts";
import { runCli } from "../../hub/cli.ts";
import type { HubConfig } from "../../hub/config/hub-config.ts";
import { createLedger } from "../../hub/ledger/ledger.ts";
import { openHubDb } from "../../hub/state/hub-db.ts";
import { VERSION } from "../../hub/version.ts";
import { topFolder } from "../system/top-folder.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-cli-"));
  file = path.join(folder, "site.yaml");
  writeFileSync(
    file,
    `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
storage: { path: ./data }
`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

async function cli(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const ran: HubConfig[] = [];
  const code = await runCli(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    run: async (config) => {
      ran.push(config);
      return 7;
    },
  });
  return { code, out: out.join("\n"), err: err.join("\n"), ran };
}

test("check of a sound file says so and starts nothing", async () => {
  const { code, out, ran } = await cli("check", "--config", file);
  expect(out).toContain("no problems");
  expect([code, ran]).toEqual([0, []]);
});

test("check lists every problem with file, line and column", async () => {
  writeFileSync(file, `${readFileSync(file, "utf8")}http: { port: 99999 }\nmqtt: { prt: 1 }\n`);
  const { code, err } = await cli("check", "--config", file);
  expect(err).toMatch(/site\.yaml:3:\d+ /);
  expect(err).toMatch(/site\.yaml:4:\d+ /);
  expect(err).toContain("2 problems");
  expect(code).toBe(1);
});

test("With --config the hub runs and its exit code is the command's", async () => {
  const { code, ran } = await cli("--config", file);
  expect(ran[0]?.storage.path).toBe(path.join(folder, "data"));
  expect(code).toBe(7);
});

test("A hub with a wrong file does not run", async () => {
  writeFileSync(file, "site: 5\n");
  const { code, ran } = await cli("--config", file);
  expect([code, ran]).toEqual([1, []]);
});

test.each([
  ["a file that is not there", ["--config", "/nowhere/site.yaml"], "ENOENT"],
  ["an unknown option", ["--nonsense"], "unknown option"],
  ["an unknown command", ["chekc"], ""],
])("With %s it ends with an error", async (_, args, text) => {
  const { code, err, ran } = await cli(...args);
  expect(code).not.toBe(0);
  expect(err).toContain(text);
  expect(ran).toEqual([]);
});

test("--version is that of the package", async () => {
  const { version } = JSON.parse(
    readFileSync(path.join(topFolder(), "hub", "package.json"), "utf8"),
  ) as { version: string };
  const { code, out } = await cli("--version");
  expect([code, out, VERSION]).toEqual([0, version, version]);
});

test("doors verify finds the whole chain, and the record that somebody altered", async () => {
  const none = await cli("doors", "verify", "--config", file);
  expect([none.code, none.err.includes("is not there")]).toEqual([1, true]);

  const dbFile = path.join(folder, "data", "hub.db");
  const db = openHubDb(dbFile);
  const ledger = createLedger({ db, clock: systemClock });
  for (let i = 0; i < 3; i += 1) ledger.appendOwn("test.entry", i, { i });
  db.close();
  const whole = await cli("doors", "verify", "--config", file);
  expect([whole.code, whole.out]).toEqual([0, expect.stringContaining("3 records, chain whole")]);

  const thief = new Database(dbFile);
  thief.exec("DROP TRIGGER ledger_no_update; UPDATE ledger SET record = '{}' WHERE seq = 2");
  thief.close();
  const broken = await cli("doors", "verify", "--config", file);
  expect(broken.err).toContain("chain broken at record 2");
  expect(broken.code).toBe(1);
});
