import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../system/until.ts";
import { TempSpool } from "./spool/temp-spool.ts";
import { HubStub } from "./uplink/hub-stub.ts";

/** Runs the compiled program, which `npm run build` makes. */
const PROGRAM = path.join(import.meta.dirname, "../../edge/plenum-edge.mjs");

let temp: TempSpool;
let file: string;
beforeEach(() => {
  temp = new TempSpool();
  file = path.join(path.dirname(temp.path), "edge.yaml");
});
afterEach(() => temp.remove());

function run(...args: string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output = { out: "", err: "" };
  child.stdout.on("data", (text) => {
    output.out += text;
  });
  child.stderr.on("data", (text) => {
    output.err += text;
  });
  const exit = once(child, "close").then(([code]) => ({ code, ...output }));
  return { child, exit, output };
}

const config = (port: number, extra = "") => `node: edge-1
hub: { url: "mqtt://127.0.0.1:${port}" }
spool: { path: spool.db }
${extra}`;

test("check says what a right file holds and exits with 0", async () => {
  writeFileSync(file, config(1883, "buses:\n  - { id: w1, type: one-wire }\n"));
  const { code, out } = await run("check", "--config", file).exit;
  expect(out).toBe(`${file} is right: node edge-1, 1 bus, 0 devices, 0 points, 0 doors.\n`);
  expect(code).toBe(0);
});

test("check prints every problem with file:line:column and exits with 1", async () => {
  const extra =
    "devices:\n  - { id: x, bus: w2, driver: ds18b20, every: 10, points: { temperature: A } }\n";
  writeFileSync(file, config(1883, extra));
  const { code, err } = await run("check", "--config", file).exit;
  expect(err.match(new RegExp(`^${file}:5:\\d+ devices`, "gm"))).toHaveLength(4);
  expect(code).toBe(1);
});

test("a wrong file starts nothing, and a missing one is named", async () => {
  writeFileSync(file, "nodes: edge-1\n");
  expect((await run("--config", file).exit).code).toBe(1);
  const missing = await run("--config", `${file}.gone`).exit;
  expect([missing.code, missing.err]).toEqual([
    1,
    `${file}.gone is not a file; name the node's edge.yaml with --config\n`,
  ]);
});

test("schema prints a JSON Schema", async () => {
  const { out } = await run("schema").exit;
  expect(JSON.parse(out).properties).toHaveProperty("buses");
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "on %s it says offline and exits with 0",
  async (signal) => {
    const hub = await new HubStub("edge-1").start();
    writeFileSync(file, config(hub.port));
    const { child, exit } = run("--config", file);
    await until("online", () => hub.of("status").length > 0);
    await until("its first event stored", () => hub.stored.size > 0);
    child.kill(signal);
    expect((await exit).code).toBe(0);
    expect(JSON.stringify(hub.of("status").at(-1)?.payload)).toContain('"offline"');
    await hub.stop();
  },
);

test("a spool that cannot be opened ends the program with 1 and the reason", async () => {
  writeFileSync(temp.path, "");
  writeFileSync(file, config(1883).replace("spool.db", "spool.db/below/spool.db"));
  const { code, out, err } = await run("--config", file).exit;
  expect(code).toBe(1);
  expect(out + err).toMatch(/ENOTDIR|EEXIST/);
});
