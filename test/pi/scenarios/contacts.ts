/**
 * Doors and a leak input on the GPIO header, wherever this kernel numbers it. `gpiomon`: on a kernel
 * without sysfs GPIO, by libgpiod's programs.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../system/until.ts";
import { EdgeProgram } from "../edge-program.ts";
import { type Backend, describeHeader, prepareHeader, setLevel } from "../header.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import { newestValue, noComplaints } from "../watching.ts";

const DOOR_LINE = 17;
const SECOND_DOOR_LINE = 27;
const LEAK_LINE = 24;
const backend: Backend = process.argv[2] === "gpiomon" ? "gpiomon" : "sysfs";

prepareHeader(backend);
const recorder = await Recorder.start();
const edge = new EdgeProgram({
  node: "pi-1",
  label: "Pi",
  hub: { url: recorder.url },
  spool: { path: "./spool.db" },
  buses: [{ id: "gpio", type: "gpio", chip: "auto" }],
  devices: [],
  doors: [
    { id: "door-1", label: "Front", bus: "gpio", line: DOOR_LINE, debounce: "100ms" },
    { id: "door-2", label: "Back", bus: "gpio", line: SECOND_DOOR_LINE, debounce: "100ms" },
  ],
  inputs: [
    {
      point: "leak.rope",
      label: "Leak rope (1 = wet)",
      bus: "gpio",
      line: LEAK_LINE,
      debounce: "2s",
    },
  ],
});

await prove("the door is found by the chip's label, whatever its base", async () => {
  edge.start();
  await newestValue(recorder, "door-1.open", 0);
  await newestValue(recorder, "door-2.open", 0);
  await newestValue(recorder, "leak.rope", 0);
  return describeHeader(backend);
});

await prove(
  "a door that opens and closes gives both events, each with its own number",
  async () => {
    const before = doorEvents("door-1").length;
    setLevel(DOOR_LINE, 1);
    await newestValue(recorder, "door-1.open", 1);
    setLevel(DOOR_LINE, 0);
    await newestValue(recorder, "door-1.open", 0);
    await until("two door events", () => doorEvents("door-1").length >= before + 2);
    const [opened, closed] = doorEvents("door-1").slice(before);
    if (
      opened?.what !== "opened" ||
      closed?.what !== "closed" ||
      closed.source !== opened.source + 1
    )
      throw new Error(JSON.stringify(doorEvents("door-1")));
    return `events ${opened.source} and ${closed.source}`;
  },
);

await prove("a bouncing contact is one opening", async () => {
  const before = doorEvents("door-2").length;
  for (let i = 0; i < 7; i += 1) {
    setLevel(SECOND_DOOR_LINE, i % 2 === 0 ? 1 : 0);
    await sleep(12); // more than the simulator's tick of 10 ms, which would merge changes
  }
  await newestValue(recorder, "door-2.open", 1);
  await until("the event", () => doorEvents("door-2").length > before);
  await sleep(1_000);
  const found = doorEvents("door-2").slice(before);
  if (found.length !== 1 || found[0]?.what !== "opened") throw new Error(JSON.stringify(found));
  return undefined;
});

await prove("a cut or wet leak loop is wet only after 2 s", async () => {
  const changedAt = Date.now();
  setLevel(LEAK_LINE, 1);
  await newestValue(recorder, "leak.rope", 1);
  const first = recorder.of("leak.rope").find((r) => r.quality === "good" && r.value === 1);
  const delayMs = (first?.at ?? 0) - changedAt;
  if (delayMs < 1_900) throw new Error(`wet after ${delayMs} ms`);
  return `${delayMs} ms`;
});

await prove(`the log says that ${backend} was chosen`, () => {
  const line =
    edge
      .log()
      .split("\n")
      .find((text) => text.includes("GPIO opened")) ?? "";
  if (!line.includes(`"backend":"${backend}"`)) throw new Error(line || edge.log());
  return undefined;
});

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();

function doorEvents(door: string) {
  return recorder.events.flatMap((event) =>
    event.type === "door" && event.door === door ? [event] : [],
  );
}
