/**
 * What a Modbus request costs in processor time: the engine (link, queue, loop, decoding of 60 values)
 * beside a bare modbus-serial loop that asks the same units of the same slave the same questions at the
 * same pace. Both take turns in one process, and the medians are compared.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import ModbusRTU from "modbus-serial";
import { pino } from "pino";
import { systemClock } from "../../contract/clock.ts";
import { openModbusTcp } from "../../edge/bus/modbus-link.ts";
import type { Sample } from "../../edge/poll/loop.ts";
import { modbusLoop } from "../../edge/poll/modbus-loop.ts";
import { topFolder } from "../system/top-folder.ts";
import { BENCH_PROFILE, MODBUS_DEVICES, REGISTERS } from "./edge-load.ts";
import { percentile, report } from "./usage.ts";

const PAIRS = Number(process.env.BENCH_PAIRS ?? 15);
const TURN_MS = 2_000;
/** Ten units each so often: 200 requests a second, so that what runs besides does not count. */
const EVERY_MS = 50;
const UNITS = Array.from({ length: MODBUS_DEVICES }, (_, i) => i + 1);

interface Cost {
  usPerRequest: number;
  requests: number;
}

const script = path.join(topFolder(), "dist/test/bench/modbus-slave.js");
const slave = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
try {
  const [line] = (await once(slave.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  const bare = () => bareTurn(port);
  const engine = engineContender(port);
  const contenders = { bare, engine: engine.turn };
  // The first turns compile; they are not counted.
  for (let i = 0; i < 3; i += 1) for (const turn of [bare, engine.turn]) await turn();
  const costs = { bare: [] as Cost[], engine: [] as Cost[] };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    // Whoever goes second finds the processor warm, so they change places.
    const order = pair % 2 === 0 ? (["bare", "engine"] as const) : (["engine", "bare"] as const);
    for (const who of order) costs[who].push(await contenders[who]());
  }
  const { failed } = engine.health();
  if (failed > 0) throw new Error(`${failed} requests failed; nothing was measured`);
  const median = (list: Cost[]) =>
    percentile(
      list.map(({ usPerRequest }) => usPerRequest),
      0.5,
    );
  const count = (list: Cost[]) => list.reduce((sum, { requests }) => sum + requests, 0);
  report({
    bench: "modbus-cost",
    pairs: PAIRS,
    registers: REGISTERS,
    bareRequests: count(costs.bare),
    engineRequests: count(costs.engine),
    bareUsPerRequest: median(costs.bare),
    engineUsPerRequest: median(costs.engine),
    ratio: median(costs.engine) / median(costs.bare),
  });
} finally {
  slave.kill("SIGTERM");
}

/** Processor time of this whole process during `work`, which returns how many requests it made. */
async function costOf(work: () => Promise<number>): Promise<Cost> {
  const before = process.cpuUsage();
  const requests = await work();
  const { user, system } = process.cpuUsage(before);
  return { usPerRequest: (user + system) / requests, requests };
}

/** The least a person would write: a time limit, one request after another, numbers out of it. */
function bareTurn(port: number): Promise<Cost> {
  const latest = new Map<number, number[]>();
  return costOf(async () => {
    // The engine's turns begin with a connection too.
    const client = new ModbusRTU.default();
    await client.connectTCP("127.0.0.1", { port });
    client.setTimeout(500);
    const beganMs = performance.now();
    let requests = 0;
    for (let dueMs = beganMs; dueMs < beganMs + TURN_MS; dueMs += EVERY_MS) {
      await systemClock.sleep(dueMs - performance.now());
      for (const unit of UNITS) {
        client.setID(unit);
        const { data } = await client.readHoldingRegisters(0, REGISTERS);
        requests += 1;
        latest.set(
          unit,
          data.map((raw) => raw * 0.1),
        );
      }
    }
    client.destroy(() => undefined);
    return requests;
  });
}

function engineContender(port: number) {
  const profile = { ...BENCH_PROFILE, classes: { normal: EVERY_MS } };
  const latest = new Map<string, Sample[]>();
  let requests = 0;
  const loop = modbusLoop({
    bus: "net",
    open: () => openModbusTcp({ host: "127.0.0.1", port, clock: systemClock }),
    devices: UNITS.map((unit) => ({ id: `m${unit}`, unit, profile })),
    clock: systemClock,
    sink: (samples) => {
      latest.set(samples[0]?.point ?? "", samples);
      requests += 1;
    },
    log: pino({ level: "silent" }),
  });
  const turn = () =>
    costOf(async () => {
      const before = requests;
      const stop = new AbortController();
      const running = loop.run(stop.signal);
      await systemClock.sleep(TURN_MS);
      stop.abort();
      await running;
      return requests - before;
    });
  return { turn, health: () => loop.health() };
}
