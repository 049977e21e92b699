/**
 * What one edge node costs: 60 registers of each of 10 Modbus TCP devices and 16 I2C sensors every second,
 * and 8 doors of which one moves every second, spooled and sent to a hub that acknowledges; beside a bare
 * loop doing the same reads at the same time from the same kind of ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../../contract/clock.ts";
import { lineServer } from "../edge/bus/line-server.ts";
import { RegisterBank } from "../room/modbus/bank.ts";
import { ModbusDevice } from "../room/modbus/device.ts";
import { startModbusTcp } from "../room/modbus/tcp-server.ts";
import { startRoom } from "../room/room.ts";
import { topFolder } from "../system/top-folder.ts";
import { startHubEnd } from "./edge-hub.ts";
import { BENCH_PROFILE, type BenchWires, DOOR_LINES, MODBUS_DEVICES } from "./edge-load.ts";
import { percentile, report, usageOf } from "./usage.ts";

const SECONDS = Number(process.env.BENCH_SECONDS ?? 180);
const SETTLE_MS = 10_000;
const LOOK_MS = 1_000;

interface Used {
  cpuPercent: number;
  /** Median of the last third, so that what only the start needed has gone. */
  rssMb: number;
  peakRssMb: number;
}

const folder = mkdtempSync(path.join(tmpdir(), "plenum-bench-"));
const hub = await startHubEnd();
const flags = serviceFlags();
const ends = await Promise.all(["bare", "node"].map(startEnds));
try {
  const [bare, node] = await Promise.all([
    measure("edge-bare", [], ends[0]?.wires),
    measure("edge-node", flags, ends[1]?.wires),
  ]);
  const jitterMs = hub.jitterMs();
  report({
    bench: "edge",
    seconds: SECONDS,
    nodeFlags: flags.join(" "),
    points: hub.points(),
    readingsPerS: hub.counts.readings / (SECONDS + SETTLE_MS / 1_000),
    badReadings: hub.counts.bad,
    doorEvents: hub.counts.events,
    edgeCpuPercent: node.cpuPercent,
    edgeRssMb: node.rssMb,
    edgePeakRssMb: node.peakRssMb,
    bareCpuPercent: bare.cpuPercent,
    bareRssMb: bare.rssMb,
    barePeakRssMb: bare.peakRssMb,
    cpuRatio: node.cpuPercent / bare.cpuPercent,
    jitterP50Ms: percentile(jitterMs, 0.5),
    jitterP99Ms: percentile(jitterMs, 0.99),
    jitterMaxMs: Math.max(...jitterMs),
    loopLagP50Ms: percentile(hub.loopLagsMs, 0.5),
    loopLagMaxMs: Math.max(...hub.loopLagsMs),
  });
} finally {
  await Promise.all(ends.map(({ close }) => close()));
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Node's own options in the unit that keeps the service running. */
function serviceFlags(): string[] {
  const unit = readFileSync(path.join(topFolder(), "deploy/systemd/plenum-edge.service"), "utf8");
  const command = /^ExecStart=\S*node (.*)plenum-edge\.mjs/m.exec(unit)?.[1];
  if (command === undefined) throw new Error("plenum-edge.service does not start plenum-edge.mjs");
  return command.split(" ").filter((word) => word.startsWith("--"));
}

async function measure(program: string, options: string[], wires = ""): Promise<Used> {
  const script = path.join(topFolder(), "dist/test/bench", `${program}.js`);
  const child = spawn(process.execPath, [...options, script, wires], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await systemClock.sleep(SETTLE_MS);
  const before = usageOf(alive(child));
  const rssMb: number[] = [];
  for (let second = 0; second < SECONDS; second += 1) {
    await systemClock.sleep(LOOK_MS);
    rssMb.push(usageOf(alive(child)).rssMb);
  }
  const after = usageOf(alive(child));
  child.kill("SIGTERM");
  await once(child, "exit");
  return {
    cpuPercent: (100 * (after.cpuS - before.cpuS)) / SECONDS,
    rssMb: percentile(rssMb.slice(Math.floor((2 * rssMb.length) / 3)), 0.5),
    peakRssMb: after.peakRssMb,
  };
}

function alive({ pid, exitCode }: ChildProcess): number {
  if (pid === undefined || exitCode !== null) throw new Error("a measured program ended early");
  return pid;
}

/** Sensors, meters and doors for one of the two programs. */
async function startEnds(name: string): Promise<{ wires: string; close: () => Promise<void> }> {
  const own = path.join(folder, name);
  mkdirSync(own);
  const room = await startRoom({ w1Dir: path.join(own, "w1") });
  const wait = (ms: number) => systemClock.sleep(ms);
  const bank = new RegisterBank(BENCH_PROFILE, () => 12.3 + Math.random());
  const meters = await Promise.all(
    Array.from({ length: MODBUS_DEVICES }, (_, i) =>
      startModbusTcp([new ModbusDevice(`m${i}`, 1, bank)], 0, wait),
    ),
  );
  const doors = await startDoors();
  const wires = path.join(own, "wires.json");
  const ports: BenchWires = {
    mqtt: hub.port,
    wire: room.ports.wire,
    gpio: doors.port,
    tcp: meters.map(({ port }) => port),
  };
  writeFileSync(wires, JSON.stringify(ports));
  return {
    wires,
    close: async () => {
      await Promise.all([doors.close(), room.close(), ...meters.map((meter) => meter.close())]);
    },
  };
}

/** Eight doors; every second the next one opens or closes. */
async function startDoors(): Promise<{ port: number; close: () => Promise<void> }> {
  const levels = new Map(DOOR_LINES.map((line) => [line, 0]));
  const server = await lineServer((request) => {
    const [verb, line] = request.split(" ");
    if (verb === "gpio") return "ok";
    const level = levels.get(Number(line)) ?? 0;
    return verb === "watch" ? `${line} ${level}` : `level ${line} ${level}`;
  });
  let moved = 0;
  const moving = setInterval(() => {
    const line = DOOR_LINES[moved % DOOR_LINES.length] ?? 0;
    moved += 1;
    levels.set(line, 1 - (levels.get(line) ?? 0));
    server.send(`${line} ${levels.get(line)}`);
  }, 1_000);
  return {
    port: server.port,
    close: () => {
      clearInterval(moving);
      return server.close();
    },
  };
}
