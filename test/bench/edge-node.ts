/** The whole edge node on the bench's wires: what `plenum-edge` runs, with one profile added. */
import path from "node:path";
import { pino } from "pino";
import { systemClock } from "../../contract/clock.ts";
import { readBoot } from "../../edge/boot.ts";
import { checkEdge } from "../../edge/config/check.ts";
import { startEdge } from "../../edge/edge.ts";
import { benchCatalogue, CHIPS, wiresFrom } from "./edge-load.ts";

const file = process.argv[2];
const wires = wiresFrom(file);
const buses = [...new Set(CHIPS.map(({ bus }) => bus))];
const text = `node: bench
label: Bench
hub: { url: "mqtt://127.0.0.1:${wires.mqtt}" }
spool: { path: ${path.join(path.dirname(file!), "spool.db")} }
buses:
${buses.map((bus) => `  - { id: ${bus}, type: i2c, device: "tcp://127.0.0.1:${wires.wire}" }`).join("\n")}
${wires.tcp.map((port, i) => `  - { id: net-${i}, type: modbus-tcp, host: 127.0.0.1, port: ${port} }`).join("\n")}
devices:
${CHIPS.map(({ id, bus, address }) => `  - { id: c-${id}, bus: ${bus}, driver: sht31, address: ${address}, every: 1s, points: { temperature: ${id}.temperature, humidity: ${id}.humidity } }`).join("\n")}
${wires.tcp.map((_, i) => `  - { id: m${i}, bus: net-${i}, profile: bench-60, unit: 1 }`).join("\n")}
`;
const catalogue = benchCatalogue();
const checked = checkEdge(text, "bench.yaml", catalogue);
if ("problems" in checked) throw new Error(JSON.stringify(checked.problems));
const log = pino({ level: "warn" }, pino.destination({ dest: 2, sync: true }));
const edge = await startEdge(checked.config, {
  clock: systemClock,
  log,
  boot: readBoot(),
  catalogue,
});
process.once("SIGTERM", () => void edge.stop());
await edge.done;
