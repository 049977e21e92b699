import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "./free-port.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { Program } from "./process.ts";
import { topFolder } from "./top-folder.ts";
import { until } from "./until.ts";

const SILENT_AFTER_S = 10;

let folder: string;
let mailbox: Mailbox;
let hub: Program;
let watcher: Program;
let stateFile: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-watcher-"));
  mkdirSync(path.join(folder, "hub"), { mode: 0o700 });
  mailbox = await openMailbox();
  const port = await freePort();
  const secretFile = path.join(folder, "beat.secret");
  writeFileSync(secretFile, "a-secret-of-watcher-and-hub\n", { mode: 0o600 });
  const hall = { name: "hall", path: "/beat/hall", silentAfterS: SILENT_AFTER_S, secretFile };
  stateFile = path.join(folder, "state.json");
  const webhook = mailbox.hookUrl;
  const watched = { host: "127.0.0.1", port, sites: [hall], webhook, stateFile };
  writeFileSync(path.join(folder, "watcher.json"), JSON.stringify(watched));
  const beat = `{ url: "http://127.0.0.1:${port}/beat/hall", every: 30s, secret: "file:${secretFile}", allowPrivate: true }`;
  const site = `
site: { id: hall, label: Hall, timezone: Europe/Berlin, rooms: [{ id: hall-1, label: Hall 1, widthM: 4, depthM: 3, rows: [] }] }
storage: { path: ${JSON.stringify(path.join(folder, "hub"))} }
http: { port: ${await freePort()} }
mqtt: { port: ${await freePort()} }
heartbeat:
  - ${beat}
`;
  writeFileSync(path.join(folder, "site.yaml"), site);
  const program = (name: string, ...command: string[]) =>
    new Program(name, { command, logFile: path.join(folder, `${name}.log`) });
  hub = program("hub", "hub/main.js", "--config", path.join(folder, "site.yaml"));
  const script = path.join(topFolder(), "deploy", "watcher", "plenum-watcher.mjs");
  const toScript = path.relative(path.join(topFolder(), "dist"), script);
  watcher = program("watcher", toScript, path.join(folder, "watcher.json"));
});

afterAll(async () => {
  await hub?.kill();
  await watcher?.kill();
  await mailbox?.close();
  rmSync(folder, { recursive: true, force: true });
});

const told = (state: string) => mailbox.hooks.find(({ text }) => text.includes(`"${state}"`));

test("a hub that dies is told of by the watcher, and that it is back", async () => {
  hub.start();
  watcher.start();
  await until(
    "the first heartbeat",
    () => existsSync(stateFile) && readFileSync(stateFile, "utf8").includes(`"heardAt":"`),
    60_000,
  );
  const killedAt = performance.now();
  await hub.kill("SIGKILL");
  const silent = await until("somebody told", () => told("silent"), 30_000);
  const afterS = (silent.at - killedAt) / 1_000;
  expect(afterS).toBeGreaterThan(SILENT_AFTER_S - 3);
  expect(afterS).toBeLessThan(SILENT_AFTER_S + 5);
  expect(silent.text).toContain("Nobody may be watching the room");
  hub.start();
  await until("told that it is back", () => told("back"), 60_000);
});
