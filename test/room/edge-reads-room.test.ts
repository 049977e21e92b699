import { readFileSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { systemClock } from "../../contract/clock.ts";
import type { Measurement } from "../../contract/reading.ts";
import { busLoops, machinePorts, type Ports } from "../../edge/buses.ts";
import { ownCatalogue } from "../../edge/config/catalogue.ts";
import { checkEdge } from "../../edge/config/check.ts";
import type { EdgeConfig } from "../../edge/config/edge-config.ts";
import type { Sample } from "../../edge/poll/loop.ts";
import { topFolder } from "../system/top-folder.ts";
import { until } from "../system/until.ts";
import type { Room } from "./room.ts";
import { withRoom } from "./room-fixture.ts";

/** How far a good reading may be from the truth: sensor noise, or the step of a register. */
const TOLERANCE: [role: RegExp, most: number][] = [
  [/\.(inlet-.*|exhaust)$/, 0.2],
  [/\.humidity$/, 0.5],
  [/\.(power|apparent-power|reactive-power|cooling|demand)(-l.)?$/, 60],
  [/\.(runtime|run-time|energy|fuel|speed)$/, 1],
  [/./, 0.1],
];

function demoConfig(node: string): EdgeConfig {
  const file = path.join(topFolder(), "deploy", "demo", `${node}.yaml`);
  const checked = checkEdge(readFileSync(file, "utf8"), file, ownCatalogue());
  if ("problems" in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.config;
}

/** The machine's own ports, led to the room's wires. */
function roomPorts({ ports }: Room): Ports {
  const machine = machinePorts(systemClock);
  const wire = `tcp://127.0.0.1:${ports.wire}`;
  return {
    ...machine,
    i2c: (bus) => machine.i2c({ ...bus, device: wire }),
    gpio: (bus) => machine.gpio({ ...bus, chip: wire }),
    oneWire: (bus) => machine.oneWire({ ...bus, path: ports.w1 }),
    modbus: (bus) =>
      machine.modbus(
        bus.type === "modbus-rtu"
          ? { ...bus, device: ports.rtu }
          : { ...bus, host: "127.0.0.1", port: ports.tcp[bus.id.slice("net-".length)]! },
      ),
  };
}

async function reading(
  node: string,
  run: (on: { room: Room; config: EdgeConfig; seen: Map<string, Measurement> }) => Promise<void>,
): Promise<void> {
  await withRoom(
    async (room) => {
      const config = demoConfig(node);
      const seen = new Map<string, Measurement>();
      const sink = (samples: Sample[]) => {
        for (const { point, measurement } of samples) seen.set(point, measurement);
      };
      const stop = new AbortController();
      const loops = busLoops({
        config,
        catalogue: ownCatalogue(),
        ports: roomPorts(room),
        sink,
        urgentSink: sink,
        doors: { state: () => undefined, trouble: () => undefined },
        memory: { recall: () => undefined, remember: () => undefined },
        clock: systemClock,
        log: pino({ level: "silent" }),
      });
      const running = Promise.all(loops.map((loop) => loop.run(stop.signal)));
      try {
        await run({ room, config, seen });
      } finally {
        stop.abort();
        await running;
      }
    },
    { speed: 0 },
  );
}

const good = (measurement: Measurement | undefined) => measurement?.quality === "good";

test.each(["edge-hall", "edge-plant"])(
  "%s of the demonstration reads every point it announces, and reads the truth",
  async (node) => {
    await reading(node, async ({ room, config, seen }) => {
      const ids = config.points.map(({ id }) => id);
      await until("every point read", () => ids.every((id) => good(seen.get(id))), 15_000);
      const truth = room.state();
      for (const id of ids) {
        const measurement = seen.get(id);
        // These the node works out for a UPS; the room has no such points, and nothing is wrong in it.
        const due = truth[id] ?? (/\.(communication-lost|low-battery)$/.test(id) ? 0 : Number.NaN);
        const value = measurement?.quality === "good" ? measurement.value : Number.NaN;
        const most = TOLERANCE.find(([role]) => role.test(id))![1];
        expect(Math.abs(value - due), `${id}: ${value} for ${due}`).toBeLessThan(most);
      }
    });
  },
);

test("what is unplugged, spoilt, hung or silenced becomes a bad reading with its reason, and good again after", async () => {
  await reading("edge-hall", async ({ room, seen }) => {
    const reasonOf = (point: string) => {
      const measurement = seen.get(point);
      return measurement?.quality === "bad" ? measurement.reason : measurement?.quality;
    };
    const points = ["a03.inlet-top", "a05.humidity", "b07.inlet-mid", "b08.exhaust"];
    await until("good", () => points.every((point) => good(seen.get(point))), 10_000);
    room.do("unplug", "a03.inlet-top");
    room.do("corrupt", "a05.humidity");
    room.do("hang", "i2c-18");
    room.do("corrupt", "b08.exhaust");
    await until("no answer", () => reasonOf("a03.inlet-top") === "no-answer", 10_000);
    await until("checksum", () => reasonOf("a05.humidity") === "checksum", 10_000);
    await until("bus", () => reasonOf("b07.inlet-mid") === "bus", 10_000);
    await until("w1 checksum", () => reasonOf("b08.exhaust") === "checksum", 10_000);
    for (const [command, point] of [
      ["plug", "a03.inlet-top"],
      ["clean", "a05.humidity"],
      ["unhang", "i2c-18"],
      ["clean", "b08.exhaust"],
    ] as const)
      room.do(command, point);
    await until("good again", () => points.every((point) => good(seen.get(point))), 20_000);
  });
}, 60_000);
