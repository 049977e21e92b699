import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const PREFIX = "plenum-faults-";
/** Every process of a run carries this in its environment, so that none can be forgotten. */
export const MARK = "PLENUM_FAULTS";
const CGROUPS = "/sys/fs/cgroup/memory";
const UNMOUNT_TRIES = 100;

export const isRoot = process.getuid?.() === 0;

/** Name of a run's packet filter table and memory cgroup. */
export const nameOf = (folder: string) => path.basename(folder).replaceAll("-", "_");

/**
 * The folder of one run. Whatever the run started, mounted or filtered is found by the folder's name, so
 * it is removed at the end, when the run is interrupted, and by the next run if this one is killed.
 */
export class Workplace {
  readonly folder: string;
  readonly #onExit = () => this.close();
  readonly #onSignal = () => process.exit(130);

  constructor() {
    sweep();
    const own = `${PREFIX}${process.pid}-${startOf(process.pid)}`;
    const runs = readdirSync(tmpdir()).filter((name) => name.startsWith(own)).length;
    this.folder = path.join(tmpdir(), `${own}-${runs}`);
    mkdirSync(this.folder, { mode: 0o700 });
    process.once("exit", this.#onExit);
    process.once("SIGINT", this.#onSignal);
    process.once("SIGTERM", this.#onSignal);
  }

  /** A path on a file system in memory, where root can make one: images written there wear no disk. */
  inMemory(name: string): string {
    const place = this.file("memory");
    if (!existsSync(place)) {
      mkdirSync(place);
      if (isRoot) spawnSync("mount", ["-t", "tmpfs", "-o", "size=1300m", "plenum-faults", place]);
    }
    return path.join(place, name);
  }

  file = (...parts: string[]): string => path.join(this.folder, ...parts);

  /** Ends and removes everything. Synchronous, because a dying process has no time for more. */
  close(): void {
    process.off("exit", this.#onExit);
    process.off("SIGINT", this.#onSignal);
    process.off("SIGTERM", this.#onSignal);
    removeTraces(this.folder);
  }
}

/** Removes what runs that ended without a word have left; says what. */
export function sweep(): string[] {
  const left = readdirSync(tmpdir()).filter((name) => {
    const [, pid = "", start = ""] = /^plenum-faults-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
    return pid !== "" && startOf(Number(pid)) !== start;
  });
  for (const name of left) removeTraces(path.join(tmpdir(), name));
  return left;
}

function removeTraces(folder: string): void {
  for (const pid of marked(folder)) end(pid);
  if (isRoot) {
    // Fails when there is none, which is as good.
    spawnSync("nft", ["delete", "table", "inet", nameOf(folder)]);
    for (const place of mountsBelow(folder)) unmount(place, folder);
    const cgroup = path.join(CGROUPS, nameOf(folder));
    if (existsSync(cgroup)) tryUntil(() => removed(cgroup));
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Processes of the run, this one not among them. */
function marked(folder: string): number[] {
  const mark = `${MARK}=${folder}\0`;
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .filter((pid) => (readProc(pid, "environ") ?? "").includes(mark));
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  tryUntil(() => readProc(pid, "stat") === undefined || isZombie(pid));
  for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
    rmSync(path.join("/dev/shm", name), { force: true });
}

function mountsBelow(folder: string): string[] {
  return readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((place) => place.startsWith(`${folder}/`))
    .reverse();
}

function unmount(place: string, folder: string): void {
  if (tryUntil(() => spawnSync("umount", [place]).status === 0)) return;
  spawnSync("umount", ["--lazy", place]);
  process.stderr.write(`${place} of ${folder} was still in use and is unmounted once it is not\n`);
}

function startOf(pid: number): string | undefined {
  // The 22nd field; the second, the name, may hold blanks.
  return readProc(pid, "stat")?.split(") ").at(-1)?.split(" ")[19];
}

function removed(cgroup: string): boolean {
  rmdirSync(cgroup);
  return true;
}

const isZombie = (pid: number) => readProc(pid, "stat")?.split(") ").at(-1)?.startsWith("Z");

/** Undefined once the process is gone, or when it is somebody else's. */
function readProc(pid: number, file: string): string | undefined {
  try {
    readlinkSync(`/proc/${pid}/cwd`);
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

function tryUntil(look: () => boolean | undefined): boolean {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < UNMOUNT_TRIES; tries += 1) {
    try {
      if (look()) return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    }
    Atomics.wait(cell, 0, 0, 50);
  }
  return false;
}
