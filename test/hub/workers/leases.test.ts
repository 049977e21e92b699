import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Leases } from "../../../hub/workers/leases.ts";
import { partitionOf, partitionsOf } from "../../../hub/workers/partitions.ts";
import { endProcess, hasEnded, processName } from "../../../hub/workers/process-end.ts";
import { openSqliteLeases } from "../../../hub/workers/sqlite-leases.ts";

const TTL_MS = 10_000;
let folder: string;
let nowMs: number;
let bootId: string;
let open: Leases[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-leases-"));
  nowMs = 1_000;
  bootId = "boot-1";
  open = [];
});
afterEach(() => {
  for (const leases of open) leases.close();
  rmSync(folder, { recursive: true });
});

const sqlite = (file = "leases.db"): Leases => {
  const time = { bootId, uptimeMs: () => nowMs };
  const leases = openSqliteLeases(path.join(folder, file), time);
  open.push(leases);
  return leases;
};
const tokenOf = async (leases: Leases, owner: string, name = "lead") =>
  (await leases.hold(owner, [name], TTL_MS))[0]?.token;

describe.each([["SQLite", sqlite]])("leases in %s", (_name, make) => {
  test("one owner holds a name for 10 s, another gets it only when it is over or given back", async () => {
    const [one, two] = [make(), make()];
    expect(await tokenOf(one, "a")).toBe(1);
    nowMs += 9_999;
    expect(await two.hold("b", ["lead", "other"], TTL_MS)).toEqual([
      { name: "other", token: 1, takenFrom: null },
    ]);
    nowMs += 1;
    expect(await two.hold("b", ["lead"], TTL_MS)).toEqual([
      { name: "lead", token: 2, takenFrom: "a" },
    ]);
    expect(await tokenOf(one, "a"), "the former owner").toBeUndefined();
    await two.release("b", ["lead"]);
    expect(await one.hold("a", ["lead"], TTL_MS)).toEqual([
      { name: "lead", token: 3, takenFrom: null },
    ]);
  });

  test("renewing keeps the token, also when it was late but nobody else came", async () => {
    const leases = make();
    await tokenOf(leases, "a");
    nowMs += 5_000;
    expect(await tokenOf(leases, "a")).toBe(1);
    nowMs += 60_000;
    expect(await tokenOf(leases, "a")).toBe(1);
  });

  test("only the owner can give a lease back, and what is in force is listed", async () => {
    const leases = make();
    await leases.hold("a", ["lead", "worker:w1"], TTL_MS);
    await leases.release("b", ["lead"]);
    expect(await leases.inForce()).toEqual([
      { name: "lead", owner: "a" },
      { name: "worker:w1", owner: "a" },
    ]);
    nowMs += TTL_MS;
    expect(await leases.inForce()).toEqual([]);
  });

  test("after the machine has restarted every lease is free at once, and tokens go on rising", async () => {
    nowMs = 9_000_000;
    await tokenOf(make(), "a");
    [bootId, nowMs] = ["boot-2", 500];
    expect(await make().hold("b", ["lead"], TTL_MS)).toEqual([
      { name: "lead", token: 2, takenFrom: null },
    ]);
  });

  test("of any 60 holds, releases and pauses by 3 owners: never two owners of a name, tokens only rise", async () => {
    let run = 0;
    const step = fc.record({
      owner: fc.constantFrom("a", "b", "c"),
      names: fc.uniqueArray(fc.constantFrom("p0", "p1", "lead"), { minLength: 1 }),
      kind: fc.constantFrom("hold", "hold", "hold", "release"),
      laterMs: fc.nat(8_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        run += 1;
        const leases = make(`${run}.db`);
        const held = new Map<string, { owner: string; token: number; untilMs: number }>();
        for (const { owner, names, kind, laterMs } of steps) {
          nowMs += laterMs;
          if (kind === "release") {
            await leases.release(owner, names);
            for (const name of names) {
              const last = held.get(name);
              if (last?.owner === owner) last.untilMs = 0;
            }
            continue;
          }
          const granted = await leases.hold(owner, names, TTL_MS);
          for (const name of names) {
            const last = held.get(name);
            const grant = granted.find((one) => one.name === name);
            const taken = last && last.owner !== owner && last.untilMs > nowMs;
            expect(grant === undefined).toBe(taken === true);
            if (!grant) continue;
            if (last && last.owner !== owner) expect(grant.token).toBeGreaterThan(last.token);
            else if (last) expect(grant.token).toBeGreaterThanOrEqual(last.token);
            held.set(name, { owner, token: grant.token, untilMs: nowMs + TTL_MS });
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe("partitions", () => {
  test("500 nodes fall to partitions 0–63, always the same", () => {
    const parts = Array.from({ length: 500 }, (_, n) => partitionOf(`edge-${n}`));
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...parts)).toBeLessThan(64);
    expect(new Set(parts).size).toBeGreaterThan(55);
    expect([partitionOf("edge-hall"), partitionOf("edge-plant")]).toEqual([48, 33]);
  });

  test("each of 64 partitions falls to exactly one worker; a fourth one takes some and moves no other", () => {
    const three = ["w1", "w2", "w3"];
    const before = new Map(three.map((worker) => [worker, partitionsOf(worker, three)]));
    const all = [...before.values()].flat().sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 64 }, (_, n) => n));
    for (const own of before.values()) expect(own.length).toBeGreaterThan(10);
    const four = [...three, "w4"];
    for (const worker of three) {
      const after = partitionsOf(worker, four);
      expect(after.every((partition) => before.get(worker)?.includes(partition))).toBe(true);
    }
    expect(partitionsOf("w4", four).length).toBeGreaterThan(5);
  });
});

test("a stopped process is ended by its name; one that only has its number is not", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(child, "spawn");
  const name = processName(child.pid)!;
  child.kill("SIGSTOP");
  expect(endProcess({ ...name, startedAt: "1" })).toBe(false);
  expect(endProcess({ ...name, namespace: "pid:[1]" })).toBe(false);
  expect(child.signalCode).toBeNull();
  expect(hasEnded(name)).toBe(false);
  expect(hasEnded({ ...name, startedAt: "1" }), "its number was given to another").toBe(true);
  expect(hasEnded({ ...name, namespace: "pid:[1]", startedAt: "1" }), "not to be seen").toBe(false);
  const ended = once(child, "exit");
  expect(endProcess(name)).toBe(true);
  expect((await ended)[1]).toBe("SIGKILL");
  expect(endProcess(name), "twice").toBe(false);
  expect(hasEnded(name)).toBe(true);
  expect(endProcess(processName()!), "itself").toBe(false);
});
