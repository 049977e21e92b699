import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's top folder, found from the source tree as well as from dist/. */
export function topFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package-lock.json"))) {
    if (folder === path.dirname(folder)) throw new Error("No package-lock.json above this file.");
    folder = path.dirname(folder);
  }
  return folder;
}
