import { readFileSync } from "node:fs";
import path from "node:path";

export type Secret = { value: string } | { why: string };

/** Looks up `env:NAME` or `file:PATH`. What it returns as `why` never holds the secret. */
export type ReadSecret = (reference: string) => Secret;

export const SECRET_PATTERN = /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/;
const MAX_SECRET_CHARS = 4_096;

/** Secrets from this process's environment and from files; relative paths start at `folder`. */
export function secretsFrom(folder: string, env: NodeJS.ProcessEnv = process.env): ReadSecret {
  return (reference) => {
    const name = reference.slice(reference.indexOf(":") + 1);
    if (reference.startsWith("file:")) return fromFile(path.resolve(folder, name));
    const value = env[name];
    if (value === undefined) return { why: `the environment variable ${name} is not set` };
    return checked(value, `the environment variable ${name}`);
  };
}

function fromFile(file: string): Secret {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    const why = code === "ENOENT" ? "is not there" : `cannot be read (${code})`;
    return { why: `the file ${file} ${why}` };
  }
  return checked(text.replace(/\r?\n$/, ""), `the file ${file}`);
}

function checked(value: string, where: string): Secret {
  if (value === "") return { why: `${where} is empty` };
  if (value.length > MAX_SECRET_CHARS) return { why: `${where} is longer than 4096 characters` };
  if (!/^[\x20-\x7e]+$/.test(value))
    return { why: `${where} holds characters other than printable ASCII` };
  return { value };
}
