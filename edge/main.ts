/**
 * The program. A service's own command line, `--config <file>`, loads what a running node needs and no
 * more: a Pi has little memory, and the other commands bring the scan, the tools for profiles and a parser.
 */
import { spareMemory } from "./spare-memory.ts";

const [option, file, ...more] = process.argv.slice(2);
if (option === "--config" && file !== undefined && more.length === 0) {
  spareMemory();
  const { runNode } = await import("./run-node.ts");
  await runNode(file);
} else await import("./cli.ts");
