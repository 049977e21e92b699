/**
 * A Pi without a battery-backed clock: it starts in 2021, a time service sets it later, and then it is
 * stepped back and forth. The machine's own clock moves, as root moves it.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reading } from "../../../contract/reading.ts";
import { until } from "../../system/until.ts";
import { EdgeProgram } from "../edge-program.ts";
import { PlayedBus } from "../played-bus.ts";
import { plugIn, sensorConfig } from "../played-sensors.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import { newestValue, noComplaints, RECOVERY_MS } from "../watching.ts";

const WRONG = "2021-01-01T00:00:00Z";
const RIGHT = "2026-06-01T12:00:00Z";
const PERIOD_MS = 1_000;
const POINT = "r1.inlet-top";
const HOUR_MS = 3_600_000;
/** What one reading may be late in a guest that is busy starting programs. */
const LATE_MS = 500;

setClock(WRONG);
const bus = new PlayedBus(1);
plugIn(bus, { airC: 21.5, humidityRh: 40, plateC: 19.5, corrupt: false });
const recorder = await Recorder.start();
const edge = new EdgeProgram({
  node: "pi-1",
  label: "Pi",
  hub: { url: recorder.url },
  spool: { path: "./spool.db" },
  buses: [{ id: "i2c-1", type: "i2c", device: "/dev/i2c-1" }],
  devices: sensorConfig("i2c-1", "r1", `${PERIOD_MS}ms`),
});

await prove(
  "before the clock is set nothing is sent to history; live values are marked (clock)",
  async () => {
    edge.start();
    await until("20 live values", () => recorder.live(POINT).length >= 20, RECOVERY_MS);
    if (recorder.readings.length > 0) throw new Error(JSON.stringify(recorder.readings[0]));
    const trusted = recorder.live(POINT).find(({ quality }) => quality !== "uncertain");
    if (trusted) throw new Error(`trusted: ${JSON.stringify(trusted)}`);
    return `${recorder.live(POINT).length} live values`;
  },
);

await prove(
  "when a time service has set it, what was taken before comes with its true time",
  async () => {
    const waitedMs = Date.now() - Date.parse(WRONG);
    setClock(RIGHT);
    mkdirSync("/run/systemd/timesync", { recursive: true });
    writeFileSync("/run/systemd/timesync/synchronized", "");
    await newestValue(recorder, POINT, 21.5);
    await until(
      "readings from after the set",
      () => recorder.of(POINT).some(({ at }) => at > Date.parse(RIGHT) + 10_000),
      RECOVERY_MS,
    );
    const readings = recorder.of(POINT);
    const early = readings.find(({ at }) => at < Date.parse(RIGHT) - waitedMs);
    if (early) throw new Error(`too early: ${JSON.stringify(early)}`);
    rising(readings);
    // The first period is shorter: sensors of one bus begin one after another.
    const regular = readings.slice(1);
    const steps = regular.slice(1).map(({ at }, i) => at - regular[i]!.at);
    const odd = steps.find((stepMs) => Math.abs(stepMs - PERIOD_MS) > LATE_MS);
    if (odd !== undefined)
      throw new Error(`readings ${steps.indexOf(odd)} and the next are ${odd} ms apart`);
    return `${readings.length} readings, each ${PERIOD_MS} ms after the one before, first ${new Date(readings[0]?.at ?? 0).toISOString()}`;
  },
);

await prove("a step back by 5 s is an event; stamps go on rising and none is lost", async () => {
  const from = recorder.of(POINT).length;
  await step(-5_000);
  await until("the event", () => stepEvents().length === 1, RECOVERY_MS);
  await until("20 readings", () => recorder.of(POINT).length >= from + 20, RECOVERY_MS);
  rising(recorder.of(POINT));
  return stepEvents()[0]?.detail;
});

await prove("a step forward by 1 h is an event; intervals stay those of the sensors", async () => {
  const from = recorder.of(POINT).length;
  await step(HOUR_MS);
  await until("the event", () => stepEvents().length === 2, RECOVERY_MS);
  await until("20 readings", () => recorder.of(POINT).length >= from + 20, RECOVERY_MS);
  rising(recorder.of(POINT));
  return stepEvents()[1]?.detail;
});

await prove(
  "a start with the clock a day back trusts nothing until the service says so",
  async () => {
    await edge.stop();
    spawnSync("rm", ["/run/systemd/timesync/synchronized"]);
    const before = recorder.of(POINT).length;
    await step(-24 * HOUR_MS);
    const live = recorder.live(POINT).length;
    edge.start();
    await until("10 live values", () => recorder.live(POINT).length >= live + 10, RECOVERY_MS);
    if (recorder.of(POINT).length !== before) throw new Error("readings were sent");
    await step(24 * HOUR_MS);
    writeFileSync("/run/systemd/timesync/synchronized", "");
    await until("all of them", () => recorder.of(POINT).length >= before + 15, RECOVERY_MS);
    rising(recorder.of(POINT));
    return undefined;
  },
);

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();
await bus.close();

function setClock(to: string): void {
  const { status, stderr } = spawnSync("date", ["-u", "-s", to], { encoding: "utf8" });
  if (status !== 0) throw new Error(`date: ${stderr}`);
}

async function step(ms: number): Promise<void> {
  setClock(new Date(Date.now() + ms).toISOString());
  await sleep(0);
}

function stepEvents() {
  return recorder.events.flatMap((event) =>
    event.type === "node" && event.what === "clock-step" ? [event] : [],
  );
}

/** Throws unless each is later than the one before. */
function rising(readings: Reading[]): void {
  const wrong = readings.find(({ at }, i) => at <= (readings[i - 1]?.at ?? -1));
  if (wrong) throw new Error(`not later than the one before: ${JSON.stringify(wrong)}`);
}
