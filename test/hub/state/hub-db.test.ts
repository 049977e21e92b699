import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HUB_DB_VERSION, HubDbError, openHubDb } from "../../../hub/state/hub-db.ts";
import { afterCommit, transact } from "../../../hub/state/transaction.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "hub-db-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a new file is made with its folder, survives power loss and is private", () => {
  const file = path.join(folder, "deep", "hub.db");
  const db = openHubDb(file);
  expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
  expect(db.pragma("synchronous", { simple: true })).toBe(2);
  expect(db.pragma("user_version", { simple: true })).toBe(HUB_DB_VERSION);
  db.close();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  openHubDb(file).close();
});

test("a file of a newer Plenum is refused and left as it was", () => {
  const file = path.join(folder, "hub.db");
  const db = openHubDb(file);
  db.pragma(`user_version = ${HUB_DB_VERSION + 1}`);
  db.close();
  expect(() => openHubDb(file)).toThrow(/written by a newer Plenum \(format 2, .* knows 1\)/);
  expect(() => openHubDb(file)).toThrow(HubDbError);
});

test("a file that is no database is refused by name", () => {
  const file = path.join(folder, "hub.db");
  writeFileSync(file, "this is a letter, not a database".repeat(100));
  expect(() => openHubDb(file)).toThrow(`${file} is not a database`);
});

test("what should follow a commit follows the outermost one, and only what was kept", () => {
  const db = openHubDb(":memory:");
  db.exec("CREATE TABLE t (n INTEGER)");
  const insert = db.prepare("INSERT INTO t VALUES (?)");
  const heard: string[] = [];
  const say = (word: string) => afterCommit(db, () => heard.push(`${word} ${db.inTransaction}`));
  transact(db, () => {
    insert.run(1);
    say("outer");
    transact(db, () => {
      insert.run(2);
      say("inner");
    });
    expect(() =>
      transact(db, () => {
        insert.run(3);
        say("undone");
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(heard).toEqual([]);
  });
  expect(heard).toEqual(["outer false", "inner false"]);
  expect(db.prepare("SELECT n FROM t").pluck().all()).toEqual([1, 2]);
  expect(() => transact(db, () => say("lost") as never)).not.toThrow();
  expect(() =>
    transact(db, () => {
      say("never");
      throw new Error("again");
    }),
  ).toThrow("again");
  say("at once");
  expect(heard.slice(2)).toEqual(["lost false", "at once false"]);
});
