import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import type { Readable, Writable } from "node:stream";

/** A serial line between this process and whoever opens `path`. Eight bits clean, no echo. */
export interface Pty {
  path: string;
  input: AsyncIterable<Buffer>;
  write(bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** Node cannot open a pty itself; these tools, one of which every Debian has, do it for us. */
const TOOLS = [
  {
    command: "script",
    // Ends with us even when we are killed: `cat` sees the end of descriptor 3.
    args: ["-q", "-f", "-c", "stty raw -echo; tty; exec cat <&3", "/dev/null"],
    says: "stdout",
    ready: /(\/dev\/\S+)\r?\n/,
  },
  {
    command: "socat",
    args: ["-d", "-d", "STDIO", "pty,raw,echo=0"],
    says: "stderr",
    // It names the device before it has made it raw.
    ready: /(\/dev\/\S+)\r?\n[\s\S]*starting data transfer loop/,
  },
] as const;
type Tool = (typeof TOOLS)[number];
const START_MS = 5_000;
const STOP_MS = 2_000;

/** Throws when no tool for it works on this machine. */
export async function openPty(
  tools: readonly Tool["command"][] = ["script", "socat"],
): Promise<Pty> {
  const failures: string[] = [];
  for (const tool of TOOLS.filter(({ command }) => tools.includes(command))) {
    try {
      return await openWith(tool);
    } catch (error) {
      failures.push(`${tool.command}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(
    `No serial line could be made (${failures.join("; ")}). Install bsdutils (script) or socat.`,
  );
}

async function openWith({ command, args, says, ready }: Tool): Promise<Pty> {
  // Its own process group, so that Ctrl-C in a terminal does not end the line before the room.
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env: { PATH: process.env.PATH, SHELL: "/bin/sh" },
    detached: true,
  });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const stdin = child.stdin as Writable;
  const stdout = child.stdout as Readable;
  // Writing to a line whose tool has ended; the end itself is reported by `input`.
  stdin.on("error", () => stdin.destroy());
  const from = says === "stdout" ? stdout : (child.stderr as Readable);
  const path = await announced(child, from, ready);
  child.stderr?.resume();
  // As long as somebody holds it open, the line survives its users coming and going.
  const held = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  return {
    path,
    input: stdout,
    write: (bytes) => void stdin.write(bytes),
    close: async () => {
      closeSync(held);
      stdout.destroy();
      // A polite SIGTERM makes `script` wait for two seconds; the end of its command does not.
      (child.stdio[3] as Writable).end();
      stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Waits for the tool to name the device and to be ready. */
function announced(child: ChildProcess, from: Readable, ready: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = (error?: Error, path = "") => {
      clearTimeout(timer);
      from.off("data", onData);
      child.off("error", onError);
      child.off("exit", onExit);
      if (error) {
        child.kill();
        reject(error);
      } else resolve(path);
    };
    const onError = (error: Error) => finish(error);
    const onExit = () => finish(new Error(`ended at once: ${text.trim()}`));
    const onData = (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const path = ready.exec(text)?.[1];
      if (!path) return;
      // Nothing may flow away before `input` is iterated.
      from.pause();
      finish(undefined, path);
    };
    const timer = setTimeout(() => finish(new Error("named no device")), START_MS);
    from.on("data", onData);
    child.once("error", onError);
    child.once("exit", onExit);
  });
}
