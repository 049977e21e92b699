import { spawnSync } from "node:child_process";
import { constants, createReadStream, openSync, writeSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openPty, type Pty } from "./wire/pty.ts";

/** Every byte there is, those a terminal would act on twice. */
const BYTES = Buffer.from([
  ...Array(256).keys(),
  ...[0x03, 0x04, 0x0a, 0x0d, 0x11, 0x13, 0x1a, 0x1c, 0x7f, 0x00, 0xff],
]);
const tools = (["script", "socat"] as const).filter(
  (tool) => spawnSync(tool, ["--help"]).error === undefined,
);

async function take(stream: AsyncIterable<Buffer>, count: number): Promise<Buffer> {
  let taken = Buffer.alloc(0);
  for await (const chunk of stream) {
    taken = Buffer.concat([taken, chunk]);
    if (taken.length >= count) break;
  }
  return taken;
}

function openSlave(pty: Pty): number {
  return openSync(pty.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
}

describe.each(tools)("a serial line made by %s", (tool) => {
  test("carries all 256 byte values to the room", async () => {
    const pty = await openPty([tool]);
    writeSync(openSlave(pty), BYTES);
    expect(await take(pty.input, BYTES.length)).toEqual(BYTES);
    await pty.close();
  });

  test("carries all 256 byte values from the room, and none of them back", async () => {
    const pty = await openPty([tool]);
    const reader = createReadStream("", {
      fd: openSync(pty.path, constants.O_RDONLY | constants.O_NOCTTY),
      highWaterMark: 1,
    });
    pty.write(BYTES);
    expect(await take(reader, BYTES.length)).toEqual(BYTES);
    reader.destroy();
    writeSync(openSlave(pty), "answer");
    expect((await take(pty.input, 6)).toString("latin1")).toBe("answer");
    await pty.close();
  });
});

test("a tool that is missing is named", async () => {
  const path = process.env.PATH;
  process.env.PATH = "/nonexistent";
  try {
    await expect(openPty()).rejects.toThrow(/script: .*socat: .*bsdutils/);
  } finally {
    process.env.PATH = path;
  }
});
