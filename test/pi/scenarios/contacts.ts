/** Doors, a leak input and a relay on the GPIO header, wherever this kernel numbers it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../contract/clock.ts";
import { openGpio } from "../../../edge/bus/open.ts";
import { until } from "../../system/until.ts";
import { EdgeProgram } from "../edge-program.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import { newestValue, noComplaints } from "../watching.ts";

const DOOR_LINE = 17;
const SECOND_DOOR_LINE = 27;
const LEAK_LINE = 24;
const RELAY_LINE = 5;
const simulated = process.env.PLENUM_PI_GPIO ?? "";

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
  return header();
});

await prove(
  "a door that opens and closes gives both events, each with its own number",
  async () => {
    const before = doorEvents("door-1").length;
    level(DOOR_LINE, 1);
    await newestValue(recorder, "door-1.open", 1);
    level(DOOR_LINE, 0);
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
    level(SECOND_DOOR_LINE, i % 2 === 0 ? 1 : 0);
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
  level(LEAK_LINE, 1);
  await newestValue(recorder, "leak.rope", 1);
  const first = recorder.of("leak.rope").find((r) => r.quality === "good" && r.value === 1);
  const delayMs = (first?.at ?? 0) - changedAt;
  if (delayMs < 1_900) throw new Error(`wet after ${delayMs} ms`);
  return `${delayMs} ms`;
});

await prove("a relay line drives the level written, and keeps it until the next", async () => {
  const port = await openGpio({ chip: "auto", clock: systemClock });
  const driven: string[] = [];
  for (const wanted of [1, 0, 1] as const) {
    await port.write(RELAY_LINE, wanted);
    driven.push(
      readFileSync(path.join(simulated, `sim_gpio${RELAY_LINE}`, "value"), "utf8").trim(),
    );
  }
  await port.close();
  if (driven.join() !== "1,0,1") throw new Error(`the pin followed with ${driven.join()}`);
  return undefined;
});

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();

function level(line: number, wanted: 0 | 1): void {
  const pull = path.join(simulated, `sim_gpio${line}`, "pull");
  writeFileSync(pull, wanted ? "pull-up" : "pull-down");
}

function doorEvents(door: string) {
  return recorder.events.flatMap((event) =>
    event.type === "door" && event.door === door ? [event] : [],
  );
}

/** Where this kernel put the header, for the record. */
function header(): string {
  const root = "/sys/class/gpio";
  const chips = readdirSync(root).filter((name) => name.startsWith("gpiochip"));
  const named = chips.map((chip) => readFileSync(path.join(root, chip, "label"), "utf8").trim());
  return chips.map((chip, i) => `${named[i]} at ${chip.slice("gpiochip".length)}`).join(", ");
}
