import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const MB = 2 ** 20;
/** Copies of an image must not differ: else something was written in between. */
const COPY_TRIES = 20;
/** `EXT4_IOC_SHUTDOWN` with "no log flush": from now on the disk answers each call with EIO. */
const SHUT_DOWN =
  "sysopen(my $f, $ARGV[0], 0200000) or die; my $how = pack('L', 2); ioctl($f, 0x8004587d, $how) or die $!";

/**
 * Why this machine cannot mount a disk of its own in a file; undefined when it can. Needs root and loop
 * devices.
 */
export function whyNoLoopDisk(): string | undefined {
  if (process.getuid?.() !== 0) return "not run by root";
  try {
    new LoopDisk(16).remove();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** A small ext4 disk in a file, mounted at `folder`: fills up, fails and loses power as a real one. */
export class LoopDisk {
  readonly folder: string;
  readonly #top: string;
  readonly #image: string;

  constructor(sizeMb: number, image?: string) {
    this.#top = mkdtempSync(path.join(tmpdir(), "plenum-disk-"));
    this.#image = path.join(this.#top, "image");
    this.folder = path.join(this.#top, "mnt");
    mkdirSync(this.folder);
    if (image === undefined) {
      writeFileSync(this.#image, "");
      truncateSync(this.#image, sizeMb * MB);
      run("mkfs.ext4", "-q", "-m", "0", this.#image);
    } else copyFileSync(image, this.#image);
    // The journal is not written by time, so that while the writer stands still nothing is.
    run("mount", "-o", "loop,commit=3600,errors=remount-ro", this.#image, this.folder);
  }

  /** What a power cut now would leave, as a disk of its own. Nobody may be writing. */
  copyAsCut(): LoopDisk {
    const copy = path.join(this.#top, "copy");
    for (let tries = 0; tries < COPY_TRIES; tries += 1) {
      copyFileSync(this.#image, copy);
      if (readFileSync(copy).equals(readFileSync(this.#image))) return new LoopDisk(0, copy);
    }
    throw new Error("the image changes while it is copied");
  }

  /** Leaves about so much room. */
  fill(leaveMb: number): void {
    const free = Number(run("stat", "-f", "-c", "%a", this.folder)) * this.#blockBytes();
    const fillerMb = Math.max(0, Math.floor(free / MB - leaveMb));
    run("fallocate", "-l", `${fillerMb}M`, path.join(this.folder, `filler-${Date.now()}`));
  }

  /** Gives the room back. */
  empty(): void {
    run("sh", "-c", 'rm -f "$0"/filler-*', this.folder);
  }

  /** From now on every access fails with EIO, as on a card that has died. */
  die(): void {
    run("perl", "-e", SHUT_DOWN, this.folder);
  }

  /** The kernel meets an error of the file system and lets nobody write any more. */
  turnReadOnly(): void {
    const device = run("findmnt", "-n", "-o", "SOURCE", this.folder).trim();
    writeFileSync(`/sys/fs/ext4/${path.basename(device)}/trigger_fs_error`, "1");
  }

  /** After the programs that use it have ended. */
  remove(): void {
    run("umount", this.folder);
    rmSync(this.#top, { recursive: true, force: true });
  }

  #blockBytes(): number {
    return Number(run("stat", "-f", "-c", "%S", this.folder));
  }
}

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: "C" },
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
