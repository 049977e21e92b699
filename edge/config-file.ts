import { existsSync, readFileSync, statSync } from "node:fs";
import { type Catalogue, ownCatalogue } from "./config/catalogue.ts";
import { checkEdge } from "./config/check.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import { problemText } from "./config/source.ts";

/** The checked configuration; with problems, prints all of them and ends the program. */
export function readConfig(
  config: string | undefined,
  catalogue: Catalogue = ownCatalogue(),
): EdgeConfig {
  const file = fileOf(config);
  const checked = checkEdge(readFileSync(file, "utf8"), file, catalogue);
  if ("config" in checked) return checked.config;
  const { problems } = checked;
  for (const problem of problems) process.stderr.write(`${problemText(file, problem)}\n`);
  stop(
    `${problems.length} ${problems.length === 1 ? "problem" : "problems"}; nothing was started.`,
  );
}

function fileOf(config: string | undefined): string {
  if (config === undefined) stop("Name the node's file: plenum-edge --config edge.yaml");
  if (existsSync(config) && statSync(config).isFile()) return config;
  stop(`${config} is not a file; name the node's edge.yaml with --config`);
}

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
