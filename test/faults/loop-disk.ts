import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { until } from "../system/until.ts";

const MIB = 1_048_576;
const FILLER = "filler";

/** A small file system of its own in a file, that can be filled up and can fail. Root only. */
export class LoopDisk {
  readonly #image: string;

  private constructor(
    readonly place: string,
    image: string,
  ) {
    this.#image = image;
  }

  /** Images lie in memory where there is a place for it, so that other disks are not worn. */
  static make(place: string, image: string, sizeMb: number): LoopDisk {
    writeFileSync(image, "");
    truncateSync(image, sizeMb * MIB);
    run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0", image);
    mkdirSync(place, { recursive: true });
    const disk = new LoopDisk(place, image);
    disk.#mount();
    return disk;
  }

  /** Takes all free space but so much, at once. */
  fill(leaveMb: number): void {
    const { bavail, bsize } = statfsSync(this.place);
    const bytes = bavail * bsize - leaveMb * MIB;
    if (bytes <= 0) return;
    // Less than asked for when somebody else takes the last blocks meanwhile, which is full as well.
    spawnSync("fallocate", ["-l", String(bytes), path.join(this.place, FILLER)]);
    if (leaveMb === 0) spawnSync("sh", ["-c", `cat /dev/zero > ${path.join(this.place, "rest")}`]);
  }

  free(): void {
    for (const name of [FILLER, "rest"]) rmSync(path.join(this.place, name), { force: true });
  }

  /** The kernel's own reaction to a disk error: from now on every write fails with EROFS. */
  fail(): void {
    run("mount", "-o", "remount,abort", this.place);
  }

  /** Mends it. Nobody may use it meanwhile. */
  async mend(): Promise<void> {
    await until(
      `${this.place} to be free`,
      () => spawnSync("umount", [this.place]).status === 0,
      20_000,
    );
    // 1: errors corrected.
    const { status, stdout } = spawnSync("e2fsck", ["-fy", this.#image]);
    if (status === null || status > 1) throw new Error(`e2fsck ${this.#image}: ${stdout}`);
    this.#mount();
    this.free();
  }

  #mount(): void {
    run("mount", "-o", "loop", this.#image, this.place);
  }
}

/** Whether this machine lets us mount a file. */
export function canLoop(): boolean {
  return process.getuid?.() === 0 && existsSync("/dev/loop-control");
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
