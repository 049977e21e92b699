/** Sensors with the same addresses on two channels of a TCA9548A, which the kernel's driver switches. */
import { spawnSync } from "node:child_process";
import { realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import { EdgeProgram } from "../edge-program.ts";
import { PlayedBus } from "../played-bus.ts";
import { plugIn, sensorConfig } from "../played-sensors.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import { Tca9548 } from "../tca9548.ts";
import { allGoodAndOnTime, isBad, newest, newestValue, noComplaints } from "../watching.ts";

const MUX_ADDRESS = 0x70;
const CHANNELS = [0, 5];

const bus = new PlayedBus(1);
const mux = new Tca9548();
bus.mux = mux;
bus.chips.set(MUX_ADDRESS, mux);
for (const [i, channel] of CHANNELS.entries())
  plugIn(mux.channels[channel]!, {
    airC: 20 + i,
    humidityRh: 40 + i,
    plateC: 30 + i,
    corrupt: false,
  });

const module = path.join(process.env.PLENUM_PI_MODULES ?? "", "i2c-mux-pca954x.ko");
if (spawnSync("insmod", [module], { stdio: "inherit" }).status !== 0) process.exit(1);
await writeFile("/sys/bus/i2c/devices/i2c-1/new_device", `pca9548 ${MUX_ADDRESS}`);
const buses = await Promise.all(
  CHANNELS.map(async (channel) => {
    const folder = await realpath(`/sys/bus/i2c/devices/1-0070/channel-${channel}`);
    return path.basename(folder);
  }),
);

const recorder = await Recorder.start();
const edge = new EdgeProgram({
  node: "pi-1",
  label: "Pi",
  hub: { url: recorder.url },
  spool: { path: "./spool.db" },
  buses: buses.map((id) => ({ id, type: "i2c", device: `/dev/${id}` })),
  devices: buses.flatMap((id, i) => sensorConfig(id, `r${i}`, "1s")),
});

await prove("each channel's sensors are read, though their addresses are the same", async () => {
  edge.start();
  for (const i of CHANNELS.keys()) {
    await newestValue(recorder, `r${i}.inlet-top`, 20 + i);
    await newestValue(recorder, `r${i}.humidity`, 40 + i);
    await newestValue(recorder, `r${i}.inlet-mid`, 30 + i);
  }
  return CHANNELS.map((channel, i) => `channel ${channel} is ${buses[i]}`).join(", ");
});

await prove("a channel whose sensors are gone leaves the other alone", async () => {
  const from = recorder.readings.length;
  mux.channels[CHANNELS[0]!]!.chips.clear();
  await newest(recorder, "r0.inlet-top", isBad("no-answer"));
  await newest(recorder, "r0.inlet-mid", isBad("no-answer"));
  for (const sensor of ["inlet-top", "humidity", "inlet-mid"])
    allGoodAndOnTime(recorder.of(`r1.${sensor}`, from), 1_000);
  return undefined;
});

await prove("a mux that does not answer is bad readings on all its channels", async () => {
  bus.chips.delete(MUX_ADDRESS);
  mux.reset();
  for (const i of CHANNELS.keys()) await newest(recorder, `r${i}.inlet-top`, isBad("no-answer"));
  return undefined;
});

await prove("its channels come back with it", async () => {
  bus.chips.set(MUX_ADDRESS, mux);
  await newestValue(recorder, "r1.inlet-top", 21);
  await newestValue(recorder, "r1.inlet-mid", 31);
  return undefined;
});

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();
await bus.close();
