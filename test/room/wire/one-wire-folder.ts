import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * A folder laid out like /sys/bus/w1/devices. A file is replaced by rename, so a reader sees the old
 * text or the new one, never half. `undefined` as text takes the whole device away.
 */
export class OneWireFolder {
  readonly #written = new Map<string, string>();

  constructor(readonly dir: string) {}

  /** Forgets devices of an earlier run. */
  async clear(roms: readonly string[]): Promise<void> {
    await mkdir(this.dir, { recursive: true });
    for (const rom of roms) await rm(path.join(this.dir, rom), { recursive: true, force: true });
  }

  /** Writes what changed. */
  async show(devices: Iterable<readonly [rom: string, text: string | undefined]>): Promise<void> {
    for (const [rom, text] of devices) {
      if (this.#written.get(rom) === text) continue;
      const folder = path.join(this.dir, rom);
      if (text === undefined) {
        await rm(folder, { recursive: true, force: true });
        this.#written.delete(rom);
        continue;
      }
      await mkdir(folder, { recursive: true });
      const fresh = path.join(this.dir, `.${rom}.tmp`);
      await writeFile(fresh, text);
      await rename(fresh, path.join(folder, "w1_slave"));
      this.#written.set(rom, text);
    }
  }
}
