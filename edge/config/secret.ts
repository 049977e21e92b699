import { readFileSync } from "node:fs";
import { DeviceError } from "../bus/port.ts";

/**
 * The secret behind `env:NAME` or `file:PATH`, read each time, so that a changed one needs no restart.
 * Throws `DeviceError` "refused" while there is none.
 */
export function secretOf(reference: string, env: NodeJS.ProcessEnv = process.env): string {
  const [, kind, name = ""] = /^(env|file):(.+)$/.exec(reference) ?? [];
  const secret = kind === "file" ? fromFile(name) : env[name];
  if (secret) return secret;
  throw new DeviceError("refused", `there is no password in ${kind} ${name}`);
}

function fromFile(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
