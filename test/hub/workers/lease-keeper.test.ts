import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BEAT_MS, LeaseKeeper, LeaseLost } from "../../../hub/workers/lease-keeper.ts";
import type { Leases } from "../../../hub/workers/leases.ts";
import { openSqliteLeases } from "../../../hub/workers/sqlite-leases.ts";
import { FakeClock } from "../../fake-clock.ts";

const log = pino({ level: "silent" });
let clock: FakeClock;
let leases: Leases;
let ended: Set<string>;
let shot: string[];
let keepers: Keeper[];
let hangs: boolean;

/** A worker's keeper, and what it was told. */
class Keeper {
  readonly heard: string[] = [];
  partitions: ReadonlySet<number> = new Set();
  token: number | undefined;
  readonly #stop = new AbortController();
  readonly result: Promise<unknown>;

  constructor(
    readonly worker: string,
    readonly owner: string,
    store: Leases = leases,
  ) {
    const keeper = new LeaseKeeper({
      ...{ leases: store, worker, owner, clock, log },
      hasEnded: (other) => ended.has(other),
      endOwner: (other) => shot.push(other),
      onPartitions: async (partitions) => {
        this.partitions = partitions;
      },
      onLead: (token) => {
        this.token = token;
      },
    });
    this.result = keeper.run(this.#stop.signal).catch((error: unknown) => error);
    keepers.push(this);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.result;
  }
}

beforeEach(() => {
  clock = new FakeClock();
  leases = openSqliteLeases(":memory:", { bootId: "b", uptimeMs: () => 1 + clock.monoMs() });
  [ended, shot, keepers, hangs] = [new Set(), [], [], false];
});
afterEach(async () => {
  hangs = false;
  await clock.advance(200);
  for (const keeper of keepers) await keeper.stop();
  leases.close();
});

const sizes = () => keepers.map(({ partitions }) => partitions.size);
const whole = () => new Set(keepers.flatMap(({ partitions }) => [...partitions])).size;

/** Leases that do not answer while it hangs: the process that asks them is as good as paused. */
function hanging(): Leases {
  const hold: Leases["hold"] = async (...args) => {
    while (hangs) await clock.sleep(100);
    return leases.hold(...args);
  };
  return { ...leases, hold };
}

test("one worker holds all 64 partitions and leads; a second gets its share within 6 s, none twice", async () => {
  const one = new Keeper("w1", "p1");
  await clock.advance(0);
  expect([one.partitions.size, one.token]).toEqual([64, 1]);
  const two = new Keeper("w2", "p2");
  await clock.advance(2 * BEAT_MS);
  expect(sizes().reduce((a, b) => a + b)).toBe(64);
  expect(whole()).toBe(64);
  expect(two.partitions.size).toBeGreaterThan(15);
  expect(two.token, "w1 leads").toBeUndefined();
});

test("a worker that stops in order hands over within one beat, and nobody is shot", async () => {
  const one = new Keeper("w1", "p1");
  await clock.advance(0);
  const two = new Keeper("w2", "p2");
  await clock.advance(2 * BEAT_MS);
  await one.stop();
  await clock.advance(BEAT_MS);
  expect([two.partitions.size, two.token, shot]).toEqual([64, 2, []]);
});

test("a worker that was killed is replaced within one beat, because its process is gone", async () => {
  new Keeper("w1", "p1", hanging());
  await clock.advance(0);
  const two = new Keeper("w2", "p2");
  await clock.advance(2 * BEAT_MS);
  hangs = true;
  ended.add("p1");
  await clock.advance(BEAT_MS);
  expect([two.partitions.size, two.token, shot]).toEqual([64, 2, []]);
});

test("a worker that hangs is shot and replaced after 10 s, and gives up when it wakes", async () => {
  const one = new Keeper("w1", "p1", hanging());
  await clock.advance(0);
  const two = new Keeper("w2", "p2");
  await clock.advance(2 * BEAT_MS);
  hangs = true;
  await clock.advance(6_000);
  expect(two.token, "not before its leases are over").toBeUndefined();
  await clock.advance(7_000);
  expect([two.partitions.size, two.token, [...new Set(shot)]]).toEqual([64, 2, ["p1"]]);
  hangs = false;
  await clock.advance(200);
  expect(await one.result).toBeInstanceOf(LeaseLost);
});

test("a second process under the same name waits, and takes over once the first has ended", async () => {
  new Keeper("w1", "p1");
  await clock.advance(0);
  const twin = new Keeper("w1", "p2");
  await clock.advance(30_000);
  expect([twin.partitions.size, twin.token]).toEqual([0, undefined]);
  await keepers[0]?.stop();
  await clock.advance(BEAT_MS);
  expect([twin.partitions.size, twin.token]).toEqual([64, 2]);
});

test("leases that cannot be renewed for 10 s end the worker; 6 s do not", async () => {
  let failing = false;
  const hold: Leases["hold"] = async (...args) => {
    if (failing) throw new Error("disk I/O error");
    return leases.hold(...args);
  };
  const one = new Keeper("w1", "p1", { ...leases, hold });
  await clock.advance(BEAT_MS);
  failing = true;
  await clock.advance(2 * BEAT_MS);
  failing = false;
  await clock.advance(BEAT_MS);
  expect(one.partitions.size).toBe(64);
  failing = true;
  await clock.advance(12_000);
  expect(String(await one.result)).toContain("leases not renewed for too long: disk I/O error");
});
