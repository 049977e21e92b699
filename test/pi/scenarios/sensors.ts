/** An SHT31 and a TMP117 on each of two I2C buses: values, faults and recovery. */
import { until } from "../../system/until.ts";
import { EdgeProgram } from "../edge-program.ts";
import { PlayedBus } from "../played-bus.ts";
import { plugIn, plugInTmp117, sensorConfig, TMP117_ADDRESS } from "../played-sensors.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import {
  allGoodAndOnTime,
  isBad,
  newest,
  newestValue,
  noComplaints,
  RECOVERY_MS,
  reasonsWithoutValue,
} from "../watching.ts";

const PERIOD_MS = 1_000;
const SENSORS = ["inlet-top", "humidity", "inlet-mid"];

const around = { airC: 21.5, humidityRh: 40, plateC: -7.25, corrupt: false };
const faulty = new PlayedBus(1);
const well = new PlayedBus(3);
plugIn(faulty, around);
plugIn(well, { ...around });
const recorder = await Recorder.start();
const edge = new EdgeProgram({
  node: "pi-1",
  label: "Pi",
  hub: { url: recorder.url },
  spool: { path: "./spool.db" },
  buses: [
    { id: "i2c-1", type: "i2c", device: "/dev/i2c-1" },
    { id: "i2c-3", type: "i2c", device: "/dev/i2c-3" },
    { id: "i2c-9", type: "i2c", device: "/dev/i2c-9" },
  ],
  devices: [
    ...sensorConfig("i2c-1", "r1", "1s"),
    ...sensorConfig("i2c-3", "r3", "1s"),
    ...sensorConfig("i2c-9", "r9", "1s"),
  ],
});

await prove("SHT31 and TMP117 are read over /dev/i2c-1 and /dev/i2c-3", async () => {
  edge.start();
  for (const place of ["r1", "r3"]) {
    await newestValue(recorder, `${place}.inlet-top`, 21.5);
    await newestValue(recorder, `${place}.humidity`, 40);
    await newestValue(recorder, `${place}.inlet-mid`, -7.25);
  }
  return "21.5 °C, 40 %, -7.25 °C";
});

await prove("a bus that does not exist is bad readings (bus), not a crash", async () => {
  for (const sensor of SENSORS) await newest(recorder, `r9.${sensor}`, isBad("bus"));
  return undefined;
});

await prove("a change in the air arrives as the new value", async () => {
  Object.assign(around, { airC: -12.25, humidityRh: 88.8, plateC: 61.5 });
  await newestValue(recorder, "r1.inlet-top", -12.25);
  await newestValue(recorder, "r1.humidity", 88.8);
  await newestValue(recorder, "r1.inlet-mid", 61.5);
  return "-12.25 °C, 88.8 %, 61.5 °C";
});

await prove(
  "a damaged SHT31 frame is a bad reading (checksum); the TMP117 beside it goes on",
  async () => {
    const from = recorder.readings.length;
    around.corrupt = true;
    await newest(recorder, "r1.inlet-top", isBad("checksum"));
    await newest(recorder, "r1.humidity", isBad("checksum"));
    await periods(10);
    for (const sensor of ["inlet-top", "humidity"])
      reasonsWithoutValue(recorder.of(`r1.${sensor}`, from));
    allGoodAndOnTime(recorder.of("r1.inlet-mid", from), PERIOD_MS);
    return undefined;
  },
);

await prove("it is good again when frames are whole again", async () => {
  around.corrupt = false;
  await newestValue(recorder, "r1.inlet-top", -12.25);
  return undefined;
});

await prove(
  "an unplugged TMP117 is a bad reading (no-answer); the SHT31 beside it goes on",
  async () => {
    const from = recorder.readings.length;
    faulty.chips.delete(TMP117_ADDRESS);
    await newest(recorder, "r1.inlet-mid", isBad("no-answer"));
    await periods(10);
    reasonsWithoutValue(recorder.of("r1.inlet-mid", from));
    allGoodAndOnTime(recorder.of("r1.inlet-top", from), PERIOD_MS);
    return undefined;
  },
);

await prove("it comes back when it is plugged in", async () => {
  plugInTmp117(faulty, around);
  await newestValue(recorder, "r1.inlet-mid", 61.5);
  return undefined;
});

await prove(
  "a stuck bus is bad readings of its own sensors; the other bus misses nothing",
  async () => {
    const from = recorder.readings.length;
    faulty.stuck = true;
    for (const sensor of SENSORS) await newest(recorder, `r1.${sensor}`, isBad());
    await periods(30);
    const reasons = SENSORS.flatMap((sensor) => [
      ...reasonsWithoutValue(recorder.of(`r1.${sensor}`, from)),
    ]);
    for (const sensor of SENSORS) allGoodAndOnTime(recorder.of(`r3.${sensor}`, from), PERIOD_MS);
    return `reason ${[...new Set(reasons)].join(", ")}`;
  },
);

await prove("the bus that was stuck recovers by itself", async () => {
  const freedAt = Date.now();
  faulty.stuck = false;
  let lastAt = freedAt;
  for (const sensor of SENSORS) {
    await newest(recorder, `r1.${sensor}`, ({ quality, at }) => quality === "good" && at > freedAt);
    const back = recorder
      .of(`r1.${sensor}`)
      .find(({ quality, at }) => quality === "good" && at > freedAt);
    lastAt = Math.max(lastAt, back?.at ?? Number.POSITIVE_INFINITY);
  }
  return `all its sensors ${((lastAt - freedAt) / 1_000).toFixed(1)} s after it was freed`;
});

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();
await Promise.all([faulty.close(), well.close()]);

/** Waits until so many periods have arrived from the bus that is always well. */
async function periods(count: number): Promise<void> {
  const wanted = recorder.of("r3.inlet-top").length + count;
  await until(`${count} periods`, () => recorder.of("r3.inlet-top").length >= wanted, RECOVERY_MS);
}
