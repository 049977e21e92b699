/**
 * How much of a serial line the engine uses: a full scan of ten meters, again and again, on a line that
 * answers as fast as 9600 baud allow, beside what arithmetic says is possible. A pseudo-terminal has no
 * speed of its own, so a program at its other end takes the time that the bytes would.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { systemClock } from "../../contract/clock.ts";
import { openModbusRtu } from "../../edge/bus/modbus-link.ts";
import { readMs } from "../../edge/bus/modbus-timing.ts";
import { modbusLoop } from "../../edge/poll/modbus-loop.ts";
import { parseProfile } from "../../edge/profiles/load.ts";
import type { Profile } from "../../edge/profiles/schema.ts";
import { linePlan } from "../../edge/profiles/tools/line-plan.ts";
import { crc16, seal } from "../edge/bus/modbus-peer.ts";
import { percentile, report, usageOf } from "./usage.ts";

const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const UNITS = 10;
const SPEED = { baud: 9_600, parity: "none", stop: 1 } as const;
/** What a serial chip hands on at once. */
const CHUNK_BYTES = 16;

if (process.argv[2] === "responder") respond();
else await measure();

async function measure(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-rtu-"));
  const device = path.join(folder, "line");
  const self = `${process.execPath} ${fileURLToPath(import.meta.url)} responder`;
  const socat = spawn("socat", [`pty,raw,echo=0,link=${device}`, `exec:"${self}"`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    await appearance(device, socat);
    // The first readings find the units; they are not counted.
    await scan(device, 3);
    const { scansMs, requests, failed, cpuS } = await scan(device, SECONDS);
    const plan = linePlan(everythingAtOnce(), SPEED);
    const arithmeticMs = UNITS * plan.reduce((sum, { lineMs }) => sum + lineMs, 0);
    const bytesMs = UNITS * plan.reduce((sum, read) => sum + readMs(read, SPEED), 0);
    const meanMs = scansMs.reduce((sum, ms) => sum + ms, 0) / scansMs.length;
    const medianMs = percentile(scansMs, 0.5);
    report({
      bench: "rtu-line",
      baud: SPEED.baud,
      units: UNITS,
      requestsPerScan: UNITS * plan.length,
      scans: scansMs.length,
      requests,
      failed,
      meanScanMs: meanMs,
      medianScanMs: medianMs,
      // Bytes on the wire and the silence that the protocol and the meter ask for between them.
      arithmeticScanMs: arithmeticMs,
      shareOfArithmetic: arithmeticMs / meanMs,
      shareOfArithmeticMedian: arithmeticMs / medianMs,
      shareOfBytesAlone: bytesMs / meanMs,
      cpuMsPerRequest: (1_000 * cpuS) / requests,
    });
  } finally {
    socat.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An SDM630 whose every value is due in every scan. */
function everythingAtOnce(): Profile {
  const file = new URL("../../edge/profiles/eastron-sdm630.yaml", import.meta.url);
  const text = readFileSync(file, "utf8").replaceAll(", class: slow", "");
  const profile = parseProfile(text, "eastron-sdm630.yaml");
  return { ...profile, classes: { normal: 100 } };
}

/** Polls all meters for so long, each as soon as the last is done, and tells how long each scan took. */
async function scan(device: string, seconds: number) {
  const profile = everythingAtOnce();
  const ends: number[] = [];
  const loop = modbusLoop({
    bus: "line",
    open: () => openModbusRtu({ device, ...SPEED, clock: systemClock }),
    devices: Array.from({ length: UNITS }, (_, i) => ({ id: `m${i}`, unit: i + 1, profile })),
    clock: systemClock,
    sink: (samples) => {
      if (samples.some(({ point }) => point === `m${UNITS - 1}.energy`))
        ends.push(performance.now());
    },
    log: pino({ level: "silent" }),
  });
  const stop = new AbortController();
  const before = usageOf(process.pid);
  const running = loop.run(stop.signal);
  await systemClock.sleep(1_000 * seconds);
  const { ok: requests, failed } = loop.health();
  const { cpuS } = usageOf(process.pid);
  stop.abort();
  await running;
  const scansMs = ends.slice(1).map((ms, i) => ms - (ends[i] ?? 0));
  return { scansMs, requests, failed, cpuS: cpuS - before.cpuS };
}

async function appearance(device: string, child: ChildProcess): Promise<void> {
  const giveUp = performance.now() + 10_000;
  while (!existsSync(device)) {
    if (performance.now() > giveUp || child.exitCode !== null)
      throw new Error("socat made no serial line; is it installed?");
    await systemClock.sleep(20);
  }
}

/** The meters: each answer's bytes come when 9600 baud would have brought them, without any thinking. */
function respond(): void {
  let pending = Buffer.alloc(0);
  process.stdin.on("data", (data: Buffer) => {
    const arrivedMs = performance.now();
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 8) {
      const request = pending.subarray(0, 8);
      pending = pending.subarray(8);
      if (crc16(request.subarray(0, 6)) === request.readUInt16LE(6)) answer(request, arrivedMs);
    }
  });
}

function answer(request: Buffer, arrivedMs: number): void {
  const count = request.readUInt16BE(4);
  const head = Buffer.from([request[0] ?? 0, request[1] ?? 0, 2 * count]);
  const frame = seal(Buffer.concat([head, Buffer.alloc(2 * count)]));
  const byteMs = 10_000 / SPEED.baud;
  const startMs = arrivedMs + request.length * byteMs;
  const send = (from: number) => {
    const part = frame.subarray(from, from + CHUNK_BYTES);
    at(startMs + (from + part.length) * byteMs, () => {
      process.stdout.write(part);
      if (from + part.length < frame.length) send(from + part.length);
    });
  };
  send(0);
}

/** Exact to a few microseconds; timers alone are late by a millisecond. */
function at(dueMs: number, work: () => void): void {
  setTimeout(
    () => {
      while (performance.now() < dueMs);
      work();
    },
    Math.max(0, Math.floor(dueMs - performance.now()) - 1),
  );
}
