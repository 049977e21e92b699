/** The whole edge node on the bench's wires: what `plenum-edge --config` runs, with one profile added. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { spareMemory } from "../../edge/spare-memory.ts";

// As `edge/main.ts` begins.
spareMemory();
const { runNode } = await import("../../edge/run-node.ts");
const { benchCatalogue, CHIPS, DOOR_LINES, wiresFrom } = await import("./edge-load.ts");
const wiresFile = process.argv[2] ?? "";
const wires = wiresFrom(wiresFile);
const folder = path.dirname(wiresFile);
const buses = [...new Set(CHIPS.map(({ bus }) => bus))];
const text = `node: bench
label: Bench
hub: { url: "mqtt://127.0.0.1:${wires.mqtt}" }
spool: { path: ${path.join(folder, "spool.db")} }
buses:
${buses.map((bus) => `  - { id: ${bus}, type: i2c, device: "tcp://127.0.0.1:${wires.wire}" }`).join("\n")}
${wires.tcp.map((port, i) => `  - { id: net-${i}, type: modbus-tcp, host: 127.0.0.1, port: ${port} }`).join("\n")}
  - { id: gpio, type: gpio, chip: "tcp://127.0.0.1:${wires.gpio}" }
devices:
${CHIPS.map(({ id, bus, address }) => `  - { id: c-${id}, bus: ${bus}, driver: sht31, address: ${address}, every: 1s, points: { temperature: ${id}.temperature, humidity: ${id}.humidity } }`).join("\n")}
${wires.tcp.map((_, i) => `  - { id: m${i}, bus: net-${i}, profile: bench-60, unit: 1 }`).join("\n")}
doors:
${DOOR_LINES.map((line) => `  - { id: door-${line}, bus: gpio, line: ${line}, debounce: 100ms }`).join("\n")}
`;
const file = path.join(folder, "edge.yaml");
writeFileSync(file, text);
await runNode(file, benchCatalogue());
