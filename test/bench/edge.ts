/**
 * What one edge node costs: 60 registers of each of 10 Modbus TCP devices and 16 I2C sensors, every
 * second, spooled and sent to a hub that acknowledges, beside a bare loop doing the same reads.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Aedes } from "aedes";
import { systemClock } from "../../contract/clock.ts";
import type { DataMessage } from "../../contract/message.ts";
import { parseRow } from "../../contract/row.ts";
import { nodeTopic } from "../../contract/topic.ts";
import { RegisterBank } from "../room/modbus/bank.ts";
import { ModbusDevice } from "../room/modbus/device.ts";
import { startModbusTcp } from "../room/modbus/tcp-server.ts";
import { startRoom } from "../room/room.ts";
import { topFolder } from "../system/top-folder.ts";
import { BENCH_PROFILE, MODBUS_DEVICES, PERIOD_MS } from "./edge-load.ts";
import { percentile, report, usageOf } from "./usage.ts";

const SECONDS = Number(process.env.BENCH_SECONDS ?? 30);
const SETTLE_MS = 5_000;

const folder = mkdtempSync(path.join(tmpdir(), "plenum-bench-"));
const room = await startRoom({ w1Dir: path.join(folder, "w1") });
const wait = (ms: number) => systemClock.sleep(ms);
const servers = await Promise.all(
  Array.from({ length: MODBUS_DEVICES }, (_, i) =>
    startModbusTcp(
      [new ModbusDevice(`m${i}`, 1, new RegisterBank(BENCH_PROFILE, () => 12.3))],
      0,
      wait,
    ),
  ),
);
const hub = await startHubEnd();
const wires = path.join(folder, "wires.json");
writeFileSync(
  wires,
  JSON.stringify({ mqtt: hub.port, wire: room.ports.wire, tcp: servers.map(({ port }) => port) }),
);
try {
  const bare = await measure("edge-bare");
  const node = await measure("edge-node");
  report({
    bench: "edge",
    seconds: SECONDS,
    points: hub.stamps.size,
    readingsPerS: hub.readings / ((SECONDS * 1_000 + SETTLE_MS) / 1_000),
    badReadings: hub.bad,
    edgeCpuPercent: node.cpuPercent,
    edgeRssMb: node.rssMb,
    bareCpuPercent: bare.cpuPercent,
    bareRssMb: bare.rssMb,
    cpuRatio: node.cpuPercent / bare.cpuPercent,
    jitterP50Ms: percentile(hub.jitterMs(), 0.5),
    jitterP99Ms: percentile(hub.jitterMs(), 0.99),
    jitterMaxMs: Math.max(...hub.jitterMs()),
  });
} finally {
  await hub.close();
  await Promise.all(servers.map((server) => server.close()));
  await room.close();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(program: string): Promise<{ cpuPercent: number; rssMb: number }> {
  const script = path.join(topFolder(), "dist/test/bench", `${program}.js`);
  const child = spawn(process.execPath, [script, wires], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await wait(SETTLE_MS);
  const before = usageOf(child.pid!);
  await wait(SECONDS * 1_000);
  const after = usageOf(child.pid!);
  child.kill("SIGTERM");
  await once(child, "exit");
  return { cpuPercent: (100 * (after.cpuS - before.cpuS)) / SECONDS, rssMb: after.rssMb };
}

/** A broker that acknowledges every batch at once and notes when each reading was taken. */
async function startHubEnd() {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const stamps = new Map<string, number[]>();
  const counts = { readings: 0, bad: 0 };
  await new Promise<void>((resolve) =>
    broker.subscribe(nodeTopic("bench", "data"), note, () => resolve()),
  );

  function note(packet: { payload: Buffer | string }, done: () => void) {
    const { epoch, first, rows } = JSON.parse(packet.payload.toString()) as DataMessage;
    for (const row of rows) {
      const parsed = parseRow(row);
      // What the node says about itself has another period.
      if (parsed.kind !== "reading" || parsed.reading.point.startsWith("bench.")) continue;
      counts.readings += 1;
      if (parsed.reading.quality !== "good") counts.bad += 1;
      const of = stamps.get(parsed.reading.point) ?? [];
      stamps.set(parsed.reading.point, [...of, parsed.reading.at]);
    }
    const payload = JSON.stringify({ epoch, upto: first + rows.length - 1 });
    const topic = nodeTopic("bench", "ack");
    broker.publish({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false }, () => {});
    done();
  }

  return {
    port: (server.address() as AddressInfo).port,
    stamps,
    get readings() {
      return counts.readings;
    },
    get bad() {
      return counts.bad;
    },
    /** How far each interval between two readings of a point is from its period. */
    jitterMs: () =>
      [...stamps.values()].flatMap((of) =>
        of.slice(1).map((at, i) => Math.abs(at - of[i]! - PERIOD_MS)),
      ),
    async close() {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      server.close();
    },
  };
}
