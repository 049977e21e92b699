import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { topFolder } from "../system/top-folder.ts";
import { until } from "../system/until.ts";
import type { RoomPorts } from "./room.ts";
import { modbusExchange } from "./wire-client.ts";

/** The built programs, as a person or the demonstration starts them. */
const program = (name: string) => path.join(topFolder(), "dist", "test", "room", `${name}.js`);

let folder: string;
let room: ChildProcess;
let exit: Promise<[code: number | null, signal: string | null]>;
let ports: RoomPorts;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "room-program-"));
  const file = path.join(folder, "room", "ports.json");
  const w1 = path.join(folder, "room", "w1");
  room = spawn(process.execPath, [program("main"), "--ports-file", file, "--w1-dir", w1], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  exit = new Promise((resolve) => room.once("exit", (...how) => resolve(how)));
  await until("the ports file", () => existsSync(file));
  ports = JSON.parse(readFileSync(file, "utf8")) as RoomPorts;
});

afterEach(async () => {
  room.kill("SIGKILL");
  await exit;
  rmSync(folder, { recursive: true, force: true });
});

function control(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, PLENUM_DATA: folder };
    execFile(process.execPath, [program("control"), ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? 1 : 0, out: stdout + stderr });
    });
  });
}

test("the ports file names every wire, and the control program finds the room by it", async () => {
  expect(Object.keys(ports.tcp)).toEqual([
    ...["ups-a", "ups-b", "crah-1", "crah-2", "crah-3", "gen-1", "pdus"],
  ]);
  expect(ports.rtu).toMatch(/^\/dev\/pts\/\d+$/);
  expect(existsSync(path.join(ports.w1, "28-000000000a01", "w1_slave"))).toBe(true);

  expect(await control("trip", "crah-1")).toEqual({ code: 0, out: "crah-1 tripped\n" });
  expect(await control("drift", "a01.inlet-top", "-2")).toMatchObject({ code: 0 });
  const refused = await control("trip", "crah-9");
  expect(refused.code).toBe(1);
  expect(refused.out).toContain("allowed: crah-1, crah-2, crah-3");
  expect((await control()).out).toContain("unplug    takes a sensor off its wire");
  const state = await (await fetch(`http://127.0.0.1:${ports.http}/state`)).json();
  expect(state).toHaveProperty("ups-a.charge", 100);
});

test("SIGTERM ends it with code 0 within 5 s, though somebody waits for an answer a minute late", async () => {
  await control("disturb", "pdu-a1", "late:60000");
  const waiting = connect(ports.tcp.pdus!, "127.0.0.1");
  waiting.on("error", () => waiting.destroy());
  waiting.write(Buffer.from("0001000000060b0400000002", "hex"));
  expect(await modbusExchange(ports.tcp.pdus!, "0001000000060c0400000002")).toMatch(/^0001/);
  const began = performance.now();
  room.kill("SIGTERM");
  const [code] = await exit;
  expect(code).toBe(0);
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(await control("trip", "crah-1")).toMatchObject({ code: 1 });
});

test("killed without warning it leaves no serial line and no process behind", async () => {
  room.kill("SIGKILL");
  await exit;
  await until("the serial line gone", () => !existsSync(ports.rtu), 5_000);
});
