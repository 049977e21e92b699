/** Programs a harness needs, installed from Debian packages where that is possible. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

/**
 * Makes sure every `[program, package]` is there; a program with a slash is a file. Installs what
 * is missing when run by root; otherwise throws, naming the packages.
 */
export function needPrograms(programs) {
  const missing = () => [
    ...new Set(programs.filter(([name]) => !present(name)).map(([, pkg]) => pkg)),
  ];
  const packages = missing();
  if (packages.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (process.getuid?.() !== 0)
    throw new Error(`Missing Debian packages. Install with:\n  sudo ${command}`);
  console.log(`  Installing ${packages.join(", ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["-qq", "update"], command.split(" ").slice(1).concat("-qq")]) {
    const { status } = spawnSync("apt-get", args, {
      stdio: ["ignore", "ignore", "inherit"],
      env,
    });
    if (status !== 0) throw new Error(`apt-get ${args.join(" ")} failed.`);
  }
  if (missing().length > 0) throw new Error(`Still missing after ${command}`);
}

function present(program) {
  if (program.includes("/")) return existsSync(program);
  const folders = (process.env.PATH ?? "").split(path.delimiter).concat("/usr/sbin", "/sbin");
  return folders.some((folder) => existsSync(path.join(folder, program)));
}
