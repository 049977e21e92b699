import { type Document, isMap, isNode, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { nearest } from "./nearest.ts";

/** One thing wrong in a file somebody wrote. Lines and columns count from 1. */
export interface ConfigProblem {
  file: string;
  line: number;
  column: number;
  /** Where in the structure, as in `alarms[2].above`; empty for the file as a whole. */
  path: string;
  /** What was found, what is allowed, what to do. */
  text: string;
}

export type Path = (string | number)[];

export function formatProblem({ file, line, column, path, text }: ConfigProblem): string {
  return `${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${text}`;
}

const HIDDEN = new Set(["token", "secret", "password"]);

/** A YAML text that remembers where everything stands, and the problems found in it. */
export class ConfigSource {
  readonly problems: ConfigProblem[] = [];
  readonly raw: unknown;
  readonly #file: string;
  readonly #doc: Document;
  readonly #lines = new LineCounter();

  constructor(text: string, file: string) {
    this.#file = file;
    this.#doc = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    for (const { pos, code, message } of [...this.#doc.errors, ...this.#doc.warnings]) {
      const two = code === "MULTIPLE_DOCS";
      this.#report(pos[0], [], two ? "only one document per file; remove the line ---" : message);
    }
    if (this.problems.length === 0) this.raw = this.#toJs();
  }

  /** Notes a problem at the value under `path`, or at the nearest thing around it that exists. */
  report(path: Path, text: string): void {
    this.#report(this.#offset(path), path, text);
  }

  /** Checks one part of the file and notes everything wrong in it. */
  parse<S extends z.ZodType>(schema: S, path: Path): z.output<S> | undefined {
    const result = schema.safeParse(this.#at(path), { error: allowedText, reportInput: true });
    if (result.success) return result.data;
    for (const issue of result.error.issues) this.#reportIssue(issue, path);
    return undefined;
  }

  /** Notes every key of the map at `path` that is not one of `allowed`. */
  knownKeys(path: Path, allowed: readonly string[]): void {
    const map = this.#at(path);
    if (typeof map !== "object" || map === null || Array.isArray(map)) return;
    for (const key of Object.keys(map))
      if (!allowed.includes(key)) this.#reportKey(path, key, allowed);
  }

  #reportIssue(issue: z.core.$ZodIssue, base: Path): void {
    const path = [...base, ...(issue.path as Path)];
    if (issue.code === "unrecognized_keys") {
      const allowed = issue.message.split(/[ ,]+/);
      for (const key of issue.keys) this.#reportKey(path, key, allowed);
      return;
    }
    const { input, message } = issue;
    if (message.startsWith("is missing")) this.report(path, message);
    else if (input === undefined) this.report(path, `is missing; ${message}`);
    else if (HIDDEN.has(String(path.at(-1)))) this.report(path, message);
    else if (message.startsWith("is ")) this.report(path, `${shown(input)} ${message}`);
    else this.report(path, `found ${shown(input)}; ${message}`);
  }

  #reportKey(path: Path, key: string, allowed: readonly string[]): void {
    const meant = nearest(key, allowed);
    const hint = meant ? `did you mean "${meant}"?` : `allowed: ${allowed.join(", ")}`;
    const map = path.length === 0 ? this.#doc.contents : this.#doc.getIn(path, true);
    const pair = isMap(map) && map.items.find((item) => String(item.key) === key);
    const node = pair ? pair.key : undefined;
    const offset = (isNode(node) && node.range?.[0]) || this.#offset(path);
    this.#report(offset, path, `unknown key "${key}"; ${hint}`);
  }

  #report(offset: number, path: Path, text: string): void {
    const { line, col } = this.#lines.linePos(offset);
    const written = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`));
    const where = written.join("").replace(/^\./, "");
    const place = { file: this.#file, line: Math.max(1, line), column: Math.max(1, col) };
    this.problems.push({ ...place, path: where, text });
  }

  #offset(path: Path): number {
    for (let length = path.length; length > 0; length -= 1) {
      const node = this.#doc.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return this.#doc.contents?.range?.[0] ?? 0;
  }

  #at(path: Path): unknown {
    let value: unknown = this.raw;
    for (const part of path) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, part))
        return undefined;
      value = (value as Record<string | number, unknown>)[part];
    }
    return value;
  }

  #toJs(): unknown {
    try {
      return this.#doc.toJS({ maxAliasCount: 100 });
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      this.#report(0, [], `${error.message}; write the repeated part out`);
      return undefined;
    }
  }
}

/** What would have been allowed, in words, for each kind of finding a schema can have. */
function allowedText(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `needs ${TYPE_WORDS[issue.expected as string] ?? issue.expected}`;
    case "too_big":
    case "too_small": {
      const least = issue.code === "too_small";
      const bound = least ? issue.minimum : issue.maximum;
      const unit =
        issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
      const word =
        issue.inclusive === false
          ? least
            ? "more than"
            : "less than"
          : least
            ? "at least"
            : "at most";
      return `allowed: ${word} ${bound}${unit}`;
    }
    case "invalid_value":
      return `allowed: ${(issue.values as unknown[]).join(", ")}`;
    case "unrecognized_keys":
      return issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape).join(", ") : "";
    default:
      return issue.message ?? "not understood";
  }
}

const TYPE_WORDS: Record<string, string> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a map of keys and values",
  array: "a list, as in [one, two]",
};

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
