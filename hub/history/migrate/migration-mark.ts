import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { z } from "zod";
import { TIERS } from "../aggregate.ts";

const markSchema = z.strictObject({
  /** Where it goes; a mark of another target is not followed. */
  target: z.string(),
  tier: z.enum(TIERS),
  point: z.number(),
  /** Everything of this point before this time is stored. */
  at: z.number(),
});
export type Mark = z.infer<typeof markSchema>;

/** How far a migration has come, in a small file that a kill leaves either old or new. */
export class MarkFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Undefined when there is none for this target: the migration starts from the beginning. */
  read(target: string): Mark | undefined {
    if (!existsSync(this.#file)) return undefined;
    const mark = markSchema.safeParse(JSON.parse(readFileSync(this.#file, "utf8")));
    return mark.data?.target === target ? mark.data : undefined;
  }

  write(mark: Mark): void {
    const handle = openSync(`${this.#file}.new`, "w", 0o600);
    try {
      writeSync(handle, JSON.stringify(mark));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(`${this.#file}.new`, this.#file);
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}
