import type { Clock } from "../../../contract/clock.ts";
import { oneLine, withDeadline } from "../channel.ts";
import type { SerialLine } from "./serial-line.ts";

const ANSWER_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const ERROR = /^(?:ERROR|\+CM[ES] ERROR: ?(.*))$/;

/** The modem said no, said nothing, or is gone. */
export class ModemError extends Error {
  /** It answered, so the line and the modem work. */
  readonly answered: boolean;
  constructor(message: string, answered = false) {
    super(message);
    this.answered = answered;
  }
}

/** One command after another to a modem (3GPP TS 27.005 and 27.007), each until its final answer. */
export class AtDialogue {
  readonly #line: SerialLine;
  readonly #clock: Clock;
  #said = Buffer.alloc(0);
  #heard: (() => void) | undefined;
  #gone: string | undefined;

  constructor(line: SerialLine, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
    line.onData((bytes) => {
      this.#said = Buffer.concat([this.#said, bytes]).subarray(-MAX_ANSWER_BYTES);
      this.#heard?.();
    });
    line.onGone((why) => {
      this.#gone = why;
      this.#heard?.();
    });
  }

  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  /** The lines before OK, without echo, one character per byte. */
  ask(command: string, waitMs = ANSWER_MS): Promise<string[]> {
    const holdsTexts = /^AT\+CMG[LR]/.test(command);
    const end = (said: string) => finalAnswer(said, holdsTexts);
    return this.#exchange(command, `${command}\r`, waitMs, end);
  }

  /** Sends a command that asks for a text with `>`, and the text. */
  async askWithText(command: string, text: Buffer, waitMs: number): Promise<string[]> {
    await this.#exchange(command, `${command}\r`, ANSWER_MS, (said) =>
      />\s*$/.test(said) ? [] : finalAnswer(said),
    );
    return this.#exchange(command, Buffer.concat([text, Buffer.from([0x1a])]), waitMs, finalAnswer);
  }

  close(): void {
    this.#line.close();
  }

  async #exchange(
    command: string,
    bytes: string | Buffer,
    waitMs: number,
    answerIn: (said: string) => string[] | string | undefined,
  ): Promise<string[]> {
    // A PIN must not stand in a log.
    const name = command.replace(/=.*$/, "");
    this.#said = Buffer.alloc(0);
    this.#line.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    const answer = await withDeadline(this.#clock, waitMs, (signal) =>
      this.#hear(answerIn, signal),
    ).catch((error: Error) => {
      if (error instanceof ModemError) throw error;
      throw new ModemError(`the modem did not answer ${name} within ${waitMs / 1_000} s`);
    });
    if (typeof answer === "string")
      throw new ModemError(`the modem answered ${name} with ${oneLine(answer)}`, true);
    return answer.filter((line) => line !== command);
  }

  #hear<T>(answerIn: (said: string) => T | undefined, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#gone !== undefined) return reject(new ModemError(this.#gone));
        const answer = answerIn(this.#said.toString("latin1"));
        if (answer !== undefined) resolve(answer);
      };
      this.#heard = look;
      signal.addEventListener("abort", () => reject(signal.reason));
      look();
    });
  }
}

/**
 * The lines of a whole answer, an error's text, or undefined while it is not at its end. Somebody's SMS may
 * say "OK", too; the modem's own stands after an empty line.
 */
function finalAnswer(said: string, holdsTexts = false): string[] | string | undefined {
  const lines = said.split(/\r?\n|\r/);
  // The last piece has no end of line yet.
  const whole = lines.slice(0, -1);
  for (const [index, line] of whole.entries()) {
    if (holdsTexts && index > 0 && whole[index - 1] !== "") continue;
    if (line === "OK") return whole.slice(0, index).filter((one) => one !== "");
    if (ERROR.test(line)) return line;
  }
  return undefined;
}
