import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { good } from "../../../contract/reading.ts";
import { judge, type Vitals } from "../../../edge/health/judge.ts";
import { meteredPoints } from "../../../edge/health/metered-points.ts";
import { LagMeter, ProgressMeter, SpoolMeter } from "../../../edge/health/progress-meter.ts";
import { createSelfWatch } from "../../../edge/health/self-watch.ts";
import { createNotifier } from "../../../edge/health/systemd.ts";
import { FakeClock } from "../../fake-clock.ts";
import { until } from "../../system/until.ts";
import { silent } from "../spool/temp-spool.ts";

const WELL: Vitals = {
  nowMs: 1_000_000,
  lagMs: 12,
  loops: [
    { bus: "i2c-1", periodMs: 2_000, progressMs: 999_000 },
    { bus: "rs485-1", periodMs: 60_000, progressMs: 850_000 },
  ],
  spoolProgressMs: 998_000,
  commitEveryMs: 2_000,
};
const STORIES: [name: string, vitals: Partial<Vitals>, why: string | undefined][] = [
  ["all goes on", {}, undefined],
  ["blocked for 1.9 s", { lagMs: 1_900 }, undefined],
  ["blocked for 2 s", { lagMs: 2_000 }, "the program was blocked for 2.0 s"],
  [
    "a fast bus 30 s silent",
    { loops: [{ bus: "i2c-1", periodMs: 2_000, progressMs: 970_000 }] },
    undefined,
  ],
  [
    "a fast bus 31 s silent",
    { loops: [{ bus: "i2c-1", periodMs: 2_000, progressMs: 969_000 }] },
    "bus i2c-1 gave nothing, not even a failure, for 31.0 s",
  ],
  [
    "a slow bus within 3 periods",
    { loops: [{ bus: "rs485-1", periodMs: 60_000, progressMs: 821_000 }] },
    undefined,
  ],
  [
    "a slow bus after 3 periods",
    { loops: [{ bus: "rs485-1", periodMs: 60_000, progressMs: 819_000 }] },
    "bus rs485-1 gave nothing, not even a failure, for 181.0 s",
  ],
  [
    "the spool has not committed for 31 s",
    { spoolProgressMs: 969_000 },
    "the spool has committed nothing for 31.0 s",
  ],
  [
    "a commit window of 60 s is given 180 s",
    { spoolProgressMs: 825_000, commitEveryMs: 60_000 },
    undefined,
  ],
  ["no bus at all", { loops: [] }, undefined],
];
test.each(STORIES)("%s", (_name, vitals, why) => {
  const judgement = judge({ ...WELL, ...vitals });
  expect(judgement).toEqual(why === undefined ? { alive: true } : { alive: false, why });
});

const sample = (point: string) => [{ point, measurement: good(1) }];

test("a bus goes on while any of its points gets samples, even bad ones; strangers count for nobody", async () => {
  const clock = new FakeClock();
  const meter = new ProgressMeter(
    [
      { point: "a.t", bus: "x", periodMs: 5_000 },
      { point: "a.h", bus: "x", periodMs: 60_000 },
      { point: "b.t", bus: "y", periodMs: 1_000 },
    ],
    clock,
  );
  const passed: string[] = [];
  const sink = meter.through((samples) => passed.push(...samples.map(({ point }) => point)));
  await clock.advance(100);
  sink([{ point: "a.h", measurement: { quality: "bad", reason: "bus" } }]);
  sink(sample("stranger"));
  expect(meter.loops()).toEqual([
    { bus: "x", periodMs: 5_000, progressMs: 100 },
    { bus: "y", periodMs: 1_000, progressMs: 0 },
  ]);
  expect(passed).toEqual(["a.h", "stranger"]);
});

test("the spool goes on while it is empty or its last sequence grows", async () => {
  const clock = new FakeClock();
  const spool = { pending: 0, last: 7 };
  const meter = new SpoolMeter(spool, clock);
  const lookAfter = async (pending: number, last: number) => {
    await clock.advance(10);
    Object.assign(spool, { pending, last });
    return meter.look();
  };
  expect(await lookAfter(3, 7)).toBe(0);
  expect(await lookAfter(4, 9)).toBe(20);
  expect(await lookAfter(5, 9)).toBe(20);
  expect(await lookAfter(0, 9)).toBe(40);
});

test("a program that was blocked for 300 ms knows it, and tells it once", async () => {
  const lag = new LagMeter(systemClock);
  const stop = new AbortController();
  const running = lag.run(stop.signal);
  const end = performance.now() + 500;
  while (performance.now() < end);
  let longest = 0;
  await until("the lag", () => {
    longest = lag.take();
    return longest > 0;
  });
  expect(longest).toBeGreaterThan(250);
  expect(lag.take()).toBe(0);
  stop.abort();
  await running;
});

const CONFIG = {
  points: [
    { id: "a.t", quantity: "temperature" as const, label: "", periodMs: 2_000 },
    { id: "ups-a.load", quantity: "load" as const, label: "", periodMs: 10_000 },
    { id: "door-1.open", quantity: "flag" as const, label: "", periodMs: 10_000 },
    { id: "pi-1.memory", quantity: "count" as const, label: "", periodMs: 10_000 },
  ],
  devices: [
    {
      kind: "i2c" as const,
      id: "a",
      bus: "i2c-1",
      driver: "tmp117",
      address: 0x48,
      every: 2_000,
      points: { temperature: "a.t" },
    },
    { kind: "modbus" as const, id: "ups-a", bus: "net", profile: "apc-smartups-990-9840", unit: 1 },
  ],
  doors: [{ id: "door-1", bus: "gpio", line: 17, contact: "nc" as const, debounce: 100 }],
  inputs: [],
  pulses: [],
  outputs: [],
  spool: { commitEveryMs: 2_000 },
};

test("each point is counted for the bus it comes over, and the node's own for none", () => {
  expect(meteredPoints(CONFIG).map(({ point, bus }) => [point, bus])).toEqual([
    ["a.t", "i2c-1"],
    ["ups-a.load", "net"],
    ["door-1.open", "gpio"],
  ]);
});

function selfWatch(env: Record<string, string>) {
  const clock = new FakeClock();
  const sent: string[] = [];
  const watch = createSelfWatch({
    config: CONFIG,
    spool: { pending: 0, last: 0, backlog: 3 },
    connected: () => true,
    env,
    clock,
    log: silent,
    send: async (lines) => {
      sent.push(...lines);
    },
  });
  const stop = new AbortController();
  return { clock, sent, watch, stop, running: watch.run(stop.signal) };
}
const UNDER_SYSTEMD = { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000" };
const pets = (sent: string[]) => sent.filter((line) => line === "WATCHDOG=1").length;

test("it says READY, pets every 20 s of a 60 s watchdog, and stops petting when one bus hangs, until it goes on", async () => {
  const { clock, sent, watch, stop, running } = selfWatch(UNDER_SYSTEMD);
  const sink = watch.through(() => undefined);
  const live = async (seconds: number, points: string[]) => {
    for (let i = 0; i < seconds; i += 1) {
      for (const point of points) sink(sample(point));
      await clock.advance(1_000);
    }
  };
  const all = ["a.t", "ups-a.load", "door-1.open"];
  await live(60, all);
  expect(sent.slice(0, 2)).toEqual(["READY=1", "STATUS=4 points, hub connected, 3 rows waiting"]);
  expect(pets(sent)).toBe(3);
  await live(60, ["a.t", "door-1.open"]);
  expect(pets(sent)).toBe(4);
  expect(sent.at(-1)).toBe("STATUS=stuck: bus net gave nothing, not even a failure, for 61.0 s");
  await live(20, all);
  expect(pets(sent)).toBe(5);
  stop.abort();
  await running;
  expect(sent.slice(-2)).toEqual(["STOPPING=1", "STATUS=stopping"]);
});

test("without systemd nothing is run", async () => {
  const { clock, sent, stop, running } = selfWatch({ WATCHDOG_USEC: "60000000" });
  await clock.advance(120_000);
  stop.abort();
  await running;
  expect(sent).toEqual([]);
});

test("one message is on its way at a time; what waits keeps one value per name", async () => {
  const sent: string[][] = [];
  const waiting: (() => void)[] = [];
  const notifier = createNotifier({
    env: UNDER_SYSTEMD,
    log: silent,
    send: (lines) => {
      sent.push([...lines]);
      return new Promise((resolve) => waiting.push(resolve));
    },
  });
  notifier.notify("READY=1");
  for (let i = 0; i < 100; i += 1) notifier.notify("WATCHDOG=1", `STATUS=line\n${i}`);
  expect(sent).toEqual([["READY=1"]]);
  waiting.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  waiting.shift()?.();
  await notifier.settled();
  expect(sent[1]).toEqual(["WATCHDOG=1", "STATUS=line 99"]);
  expect(sent).toHaveLength(2);
});

test("a watchdog that is meant for another process is not ours", () => {
  const env = { ...UNDER_SYSTEMD, WATCHDOG_PID: "1" };
  expect(createNotifier({ env, log: silent }).watchdogMs).toBeUndefined();
  expect(createNotifier({ env: UNDER_SYSTEMD, log: silent }).watchdogMs).toBe(60_000);
});

/** Python has the datagram sockets that Node lacks; it prints each message it gets. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
`;

test("systemd-notify brings the lines to the socket that systemd gave", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-notify-"));
  const socket = path.join(folder, "notify");
  const listener = spawn("python3", ["-c", LISTENER, socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let heard = "";
  listener.stdout.on("data", (text) => {
    heard += text;
  });
  await until("the listener", () => heard.includes("listening"));
  const notifier = createNotifier({ env: { ...process.env, NOTIFY_SOCKET: socket }, log: silent });
  notifier.notify("READY=1", "STATUS=4 points, hub connected");
  await notifier.settled();
  await until("the lines", () => heard.includes("STATUS="));
  expect(heard).toContain("READY=1\nSTATUS=4 points, hub connected");
  listener.kill();
  await once(listener, "exit");
  rmSync(folder, { recursive: true });
});
