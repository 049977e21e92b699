import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { promisify } from "node:util";

/** A serial line that is open. */
export interface SerialLine {
  write(bytes: Buffer): void;
  onData(listener: (bytes: Buffer) => void): void;
  /** Told once, when the line is gone by itself: the device was pulled, for instance. */
  onGone(listener: (why: string) => void): void;
  close(): void;
}

const STTY_MS = 3_000;

/** Opens a serial device raw, eight bits, without echo. Throws with why it cannot be had. */
export async function openSerialLine(device: string, baud: number): Promise<SerialLine> {
  // Non-blocking: without a carrier an open would wait for one for ever.
  const fd = openSync(device, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  let stream: ReadStream;
  try {
    const mode = [
      "-F",
      device,
      String(baud),
      "raw",
      "-echo",
      "clocal",
      "cs8",
      "-cstopb",
      "-parenb",
    ];
    await promisify(execFile)("stty", mode, { timeout: STTY_MS });
    stream = new ReadStream(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let gone: ((why: string) => void) | undefined;
  stream.on("error", (error) => gone?.(error.message));
  stream.on("close", () => gone?.(`${device} is gone`));
  return {
    write: (bytes) => void stream.write(bytes),
    onData: (listener) => void stream.on("data", listener),
    onGone(listener) {
      gone = (why) => {
        gone = undefined;
        listener(why);
      };
    },
    close() {
      gone = undefined;
      stream.destroy();
    },
  };
}
