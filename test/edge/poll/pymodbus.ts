import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Debian's own Python: another one on the path would not see Debian's packages. */
const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("./pymodbus-slave.py", import.meta.url));
const DEADLINE_MS = 15_000;

/** A value by Python's struct letter: f 32-bit float, q signed 64-bit, H unsigned 16-bit; or a bit. */
type Cell = ["f" | "q" | "H" | "h" | "I", number] | ["bit", 0 | 1];
export type SlaveUnits = Record<
  number,
  Partial<Record<"ir" | "hr" | "di" | "co", Record<number, Cell>>>
>;

export interface Slave {
  stop(): Promise<void>;
}

/** Throws with what to install when the independent slave cannot be run here. */
function requirePymodbus(): void {
  const python = spawnSync(PYTHON, ["-c", "import pymodbus.server, serial, serial_asyncio"]);
  const socat = spawnSync("socat", ["-V"]);
  if (python.status === 0 && socat.status === 0) return;
  throw new Error(
    "This test reads a Modbus slave that is not Plenum's own. Install it with:\n" +
      "  sudo apt-get install python3-pymodbus python3-serial-asyncio socat\n" +
      `${python.stderr ?? ""}${python.error ?? ""}${socat.error ?? ""}`,
  );
}

/** Starts the slave on a TCP port or a serial line. Fails with what to install where it cannot. */
export async function startSlave(
  where: { tcp: number } | { serial: string },
  units: SlaveUnits,
): Promise<Slave> {
  requirePymodbus();
  const child = spawn(PYTHON, [SCRIPT], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.write(`${JSON.stringify({ ...where, units })}\n`);
  await printed(child, /ready/);
  if ("tcp" in where) await accepting(where.tcp);
  return { stop: () => stopped(child) };
}

/** A serial line without a wire: what goes into one end comes out of the other. */
export async function startSerialPair(): Promise<{ ends: [string, string] } & Slave> {
  requirePymodbus();
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-line-"));
  const ends: [string, string] = [path.join(folder, "master"), path.join(folder, "slave")];
  const ptys = ends.map((link) => `pty,raw,echo=0,link=${link}`);
  const child = spawn("socat", ptys, { stdio: ["ignore", "ignore", "inherit"] });
  const giveUp = Date.now() + DEADLINE_MS;
  while (!ends.every((link) => existsSync(link))) {
    if (Date.now() > giveUp) throw new Error("socat made no pair of serial lines");
    await new Promise((resolve) => setImmediate(resolve));
  }
  const stop = async () => {
    await stopped(child);
    rmSync(folder, { recursive: true, force: true });
  };
  return { ends, stop };
}

function printed(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let out = "";
    let trouble = "";
    const late = setTimeout(() => reject(new Error(`not ready in time: ${trouble}`)), DEADLINE_MS);
    child.stderr?.on("data", (data) => {
      trouble += data;
    });
    child.stdout?.on("data", (data) => {
      out += data;
      if (!pattern.test(out)) return;
      clearTimeout(late);
      resolve();
    });
    child.once("exit", () => {
      clearTimeout(late);
      reject(new Error(`the slave ended: ${trouble}`));
    });
  });
}

/** The package says nothing when it listens, so somebody knocks until the door opens. */
async function accepting(port: number): Promise<void> {
  const giveUp = Date.now() + DEADLINE_MS;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const opened = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (opened) return;
    if (Date.now() > giveUp) throw new Error(`nobody listens on port ${port}`);
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await over;
}
