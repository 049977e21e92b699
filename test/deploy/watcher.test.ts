import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Heartbeat } from "../../hub/probe/heartbeat.ts";
import { FakeClock } from "../fake-clock.ts";
import { silent } from "../hub/http/stand-in.ts";
import { until } from "../system/until.ts";

const PROGRAM = fileURLToPath(new URL("../../deploy/watcher/plenum-watcher.mjs", import.meta.url));
const SECRET = "a-shared-secret-0123456789";
let folder: string;
let duty: Server;
let told: { site: string; state: string; text: string }[];
let watcher: ChildProcess | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "plenum-watcher-"));
  told = [];
  duty = createServer((request, answer) => {
    let body = "";
    request.on("data", (part: Buffer) => {
      body += part.toString();
    });
    request.on("end", () => {
      told.push(JSON.parse(body));
      answer.end();
    });
  }).listen(0, "127.0.0.1");
  await once(duty, "listening");
});
afterEach(async () => {
  if (watcher && watcher.exitCode === null) {
    watcher.kill();
    await once(watcher, "exit");
  }
  watcher = undefined;
  duty.closeAllConnections();
  await new Promise((resolve) => duty.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

function hall(): object {
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, `${SECRET}\n`);
  return { name: "hall", path: "/beat/hall", silentAfterS: 1, secretFile };
}

function configure(more: object): string {
  const webhook = `http://127.0.0.1:${portOf(duty)}/`;
  const file = join(folder, "watcher.json");
  writeFileSync(
    file,
    JSON.stringify({ host: "127.0.0.1", port: 0, sites: [hall()], webhook, ...more }),
  );
  return file;
}

/** Starts the program and gives the address of its one site. */
async function start(more: object = {}): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, configure(more)]);
  watcher = child;
  let printed = "";
  child.stdout.on("data", (part: Buffer) => {
    printed += part.toString();
  });
  const port = await until("listening", () => /on 127\.0\.0\.1:(\d+)/.exec(printed)?.[1]);
  return `http://127.0.0.1:${port}/beat/hall`;
}

/** A hub's heartbeat, signed with this secret at the right time. */
function heartbeat(url: string, secret: string | null): Heartbeat {
  const clock = new FakeClock(Date.now());
  const target = { url, everyMs: 30_000, secret, allowPrivate: true };
  return new Heartbeat({ targets: [target], site: "hall", clock, log: silent });
}

test("When the beat stops, somebody is told within 2 s of the limit, once; and when it is back", async () => {
  const url = await start();
  await until("silent", () => told[0]);
  expect(told[0]).toMatchObject({ site: "hall", state: "silent" });
  const hub = heartbeat(url, SECRET);
  hub.beat();
  await until("back", () => told[1]);
  expect(told[1]).toMatchObject({ state: "back" });
  expect(hub.views()[0]?.error).toBeNull();
  await until("silent again", () => told[2]);
  expect(told.map(({ state }) => state)).toEqual(["silent", "back", "silent"]);
});

test("A beat without the right signature, or one heard before, is no sign of life", async () => {
  const url = await start();
  const wrong = heartbeat(url, "another-secret-0123456789");
  wrong.beat();
  const views = await until("refused", () => (wrong.views()[0]?.error ? wrong.views() : undefined));
  expect(views[0]?.error).toMatch(/403/);
  expect((await fetch(url)).status).toBe(403);
  expect((await fetch(new URL("/other", url))).status).toBe(404);
});

test("It tells by mail through a relay", async () => {
  const lines: string[] = [];
  const relay = createTcp((socket) => {
    socket.write("220 relay\r\n");
    let isText = false;
    socket.on("data", (part) => {
      for (const line of part.toString().split("\r\n").slice(0, -1)) {
        lines.push(line);
        if (line === ".") isText = false;
        if (!isText) socket.write(line === "DATA" ? "354 go on\r\n" : "250-a\r\n250 ok\r\n");
        if (line === "DATA") isText = true;
      }
    });
  }).listen(0, "127.0.0.1");
  await once(relay, "listening");
  const mail = { host: "127.0.0.1", port: portOf(relay), from: "w@x.net", to: ["duty@x.net"] };
  await start({ mail });
  await until("the mail's end", () => lines.includes("QUIT") || undefined);
  relay.close();
  expect(lines).toContain("RCPT TO:<duty@x.net>");
  expect(lines).toContain("Subject: Plenum hall: silent");
});

test("A program on the watcher's own machine is told in its environment, not in a shell", async () => {
  const heardFile = join(folder, "heard");
  const words = `require("fs").writeFileSync(${JSON.stringify(heardFile)}, JSON.stringify([
    process.env.PLENUM_SITE, process.env.PLENUM_STATE, process.env.PLENUM_TEXT]))`;
  await start({ command: [process.execPath, "-e", words], webhook: undefined });
  const heard = await until("the program", () => {
    const text = existsSync(heardFile) ? readFileSync(heardFile, "utf8") : "";
    return text === "" ? undefined : (JSON.parse(text) as string[]);
  });
  expect(heard.slice(0, 2)).toEqual(["hall", "silent"]);
  expect(heard[2]).toContain("Plenum at hall has sent no heartbeat");
});

test("A way that fails is tried again until it works; the others are not told twice", async () => {
  const mark = join(folder, "second");
  const fails = `const fs = require("fs");
    if (!fs.existsSync(${JSON.stringify(mark)})) { fs.writeFileSync(${JSON.stringify(mark)}, ""); process.exit(1); }
    fs.writeFileSync(${JSON.stringify(`${mark}.told`)}, "");`;
  await start({ command: [process.execPath, "-e", fails], retryS: 1 });
  await until("the second try", () => existsSync(`${mark}.told`));
  expect(told).toHaveLength(1);
});

test("Over its own restart it neither repeats what it told nor forgets that people wait for the end", async () => {
  const stateFile = join(folder, "state.json");
  const first = await start({ stateFile });
  heartbeat(first, SECRET).beat();
  await until("silent", () => told[0]);
  watcher!.kill("SIGKILL");
  await once(watcher!, "exit");
  // A new site falls silent in the same look at all of them that would repeat the old one's.
  const annex = { name: "annex", path: "/beat/annex", silentAfterS: 1 };
  const again = await start({ stateFile, sites: [hall(), annex] });
  await until("the new site", () => told.find(({ site }) => site === "annex"));
  heartbeat(again, SECRET).beat();
  await until("back", () => told.find(({ state }) => state === "back"));
  const ofHall = told.filter(({ site }) => site === "hall");
  expect(ofHall.map(({ state }) => state)).toEqual(["silent", "back"]);
});

test("--test tells everybody a test and ends with 1 when a way fails", async () => {
  const run = async (more: object) => {
    const child = spawn(process.execPath, [PROGRAM, configure(more), "--test"]);
    let printed = "";
    child.stdout.on("data", (part: Buffer) => {
      printed += part.toString();
    });
    const [code] = (await once(child, "close")) as [number];
    return { code, printed };
  };
  expect((await run({})).code).toBe(0);
  expect(told[0]).toMatchObject({ site: "hall", state: "test" });
  const failing = await run({ command: [join(folder, "nothing-here")] });
  expect(failing.code).toBe(1);
  expect(failing.printed).toContain("webhook: told");
  expect(failing.printed).toMatch(/command not told: .*ENOENT/);
});

test("A wrong file is refused with every problem named, exit code 1", async () => {
  const file = join(folder, "bad.json");
  writeFileSync(file, JSON.stringify({ sites: [{ path: "x" }], repeatS: 1, command: "siren" }));
  const child = spawn(process.execPath, [PROGRAM, file]);
  let printed = "";
  child.stderr.on("data", (part: Buffer) => {
    printed += part.toString();
  });
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(1);
  for (const part of ["command: needs a list", "repeatS: 1", "sites[0].name", "sites[0].path"])
    expect(printed).toContain(part);
});
