import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

/** What a person saw at one point. */
export interface Check {
  /** ISO 8601, UTC. */
  at: string;
  point: string;
  device: string;
  unit: string;
  /** Before it was touched; null when it had no value. */
  from: number | null;
  /** Afterwards; null when it lost its value. */
  seen: number | null;
  /** The reason for a lost value, or empty. */
  reason: string;
  /** The bytes behind `seen`, in hex; empty where the bus has none. */
  raw: string;
  initials: string;
}

/** First line: what the sheet is about. `key` is the public key, base64 of its SPKI form. */
interface Start {
  sheet: 1;
  node: string;
  at: string;
  initials: string;
  key: string;
}
/** Last line. A sheet without it was cut off, or is still being written. */
interface End {
  end: number;
  at: string;
}
type Content = Start | Check | End;
/** `previous` is the SHA-256 of the line before, so that no line can go missing or change its place. */
type Line = Content & { previous: string };

/**
 * The key that signs this node's sheets, made when there is none, readable by the owner only. Throws when
 * the file can be read by others: then it proves nothing.
 */
export function sheetKey(file: string): KeyObject {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(file, pem, { mode: 0o600, flag: "wx" });
  }
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw new Error(
      `${file} can be read by others (mode ${mode.toString(8)}); its signatures prove nothing. ` +
        "Remove it, and a new one is made; sheets signed with it stay as they are.",
    );
  return createPrivateKey(readFileSync(file));
}

/** Ten groups of four hex digits, to be compared by eye or read out over the telephone. */
export function fingerprint(key: string): string {
  const digest = createHash("sha256").update(Buffer.from(key, "base64")).digest("hex");
  return digest.slice(0, 40).match(/.{4}/g)?.join(" ") ?? "";
}

const publicKeyText = (key: KeyObject): string =>
  createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");

const lineHash = (line: string): string => createHash("sha256").update(line).digest("hex");

/** Writes a sheet line by line: JSON Lines, each with its own signature over everything before `,"signature"`. */
export class SheetWriter {
  readonly #key: KeyObject;
  readonly #append: (line: string) => void;
  #previous = "";
  #checks = 0;

  constructor(
    key: KeyObject,
    start: { node: string; at: string; initials: string },
    append: (line: string) => void,
  ) {
    this.#key = key;
    this.#append = append;
    this.#write({ sheet: 1, ...start, key: publicKeyText(key) });
  }

  get checks(): number {
    return this.#checks;
  }

  add(check: Check): void {
    this.#checks += 1;
    this.#write(check);
  }

  finish(at: string): void {
    this.#write({ end: this.#checks, at });
  }

  #write(content: Content): void {
    const line: Line = { ...content, previous: this.#previous };
    const body = JSON.stringify(line);
    const signature = sign(null, Buffer.from(body), this.#key).toString("base64");
    const text = `${body.slice(0, -1)},"signature":"${signature}"}`;
    this.#previous = lineHash(text);
    this.#append(text);
  }
}

export type SheetCheck =
  | { is: "genuine"; start: Start; checks: Check[]; end: End }
  /** Every problem, with the number of its line; the first line is 1. */
  | { is: "wrong"; problems: string[] };

/**
 * Checks a sheet. Without `key`, the one the sheet names is believed: then the fingerprint must be
 * compared with the node's.
 */
export function verifySheet(text: string, key?: string): SheetCheck {
  const lines = text.split("\n").filter((line) => line !== "");
  const start = contentOf(lines[0] ?? "") as Partial<Start> | undefined;
  if (start?.sheet !== 1 || typeof start.key !== "string")
    return { is: "wrong", problems: ["line 1: this is not a point-check sheet"] };
  const problems: string[] = [];
  if (key !== undefined && key !== start.key)
    problems.push("line 1: the sheet was signed with another key than this node's");
  let previous = "";
  for (const [i, line] of lines.entries()) {
    const why = problemOf(line, previous, key ?? start.key);
    if (why) problems.push(`line ${i + 1}: ${why}`);
    previous = lineHash(line);
  }
  const contents = lines.map((line) => contentOf(line) as Partial<Content> | undefined);
  const end = contents.at(-1) as Partial<End> | undefined;
  if (typeof end?.end !== "number" || end.end !== lines.length - 2)
    problems.push(`line ${lines.length}: the last line is missing; lines may have been cut off`);
  if (problems.length > 0) return { is: "wrong", problems };
  const checks = contents.slice(1, -1) as Check[];
  return { is: "genuine", start: start as Start, checks, end: end as End };
}

function problemOf(line: string, previous: string, key: string): string | undefined {
  const match = /^(\{.*),"signature":"([A-Za-z0-9+/=]+)"\}$/.exec(line);
  if (!match?.[1] || !match[2] || contentOf(line) === undefined) return "has no signature";
  if (!isSignedBy(`${match[1]}}`, match[2], key)) return "was altered, or signed by somebody else";
  const { previous: said } = contentOf(line) as { previous?: unknown };
  return said === previous ? undefined : "does not follow the line before it";
}

function isSignedBy(body: string, signature: string, key: string): boolean {
  try {
    const der = { key: Buffer.from(key, "base64"), format: "der", type: "spki" } as const;
    const bytes = Buffer.from(signature, "base64");
    // Several texts spell the same bytes; only the usual one is what was written.
    if (bytes.toString("base64") !== signature) return false;
    return verify(null, Buffer.from(body), createPublicKey(der), bytes);
  } catch (error) {
    // A key that is none signs nothing.
    if (error instanceof Error) return false;
    throw error;
  }
}

function contentOf(line: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The sheet as a page to read and to file; `signed` is the name of the file it was made from. */
export function sheetPage(sheet: Extract<SheetCheck, { is: "genuine" }>, signed: string): string {
  const { start, checks, end } = sheet;
  const rows = checks.map((check, i) => [
    String(i + 1),
    check.at.slice(0, 19).replace("T", " "),
    check.point,
    check.device,
    seenText(check),
    check.raw,
    check.initials,
  ]);
  const table = [["No", "Time (UTC)", "Point", "Device", "Seen", "Raw", "By"], ...rows];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  const lines = table.map((row) =>
    row
      .map((text, i) => text.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
  return [
    `Point check of node ${start.node}`,
    `Begun ${start.at.slice(0, 16).replace("T", " ")} UTC by ${start.initials}, ended ${end.at.slice(0, 16).replace("T", " ")} UTC; points: ${checks.length}`,
    "",
    ...lines,
    "",
    `This page was made from ${signed}, which is signed; the page itself is not.`,
    `Key ${fingerprint(start.key)}`,
    `To check it: plenum-edge verify-sheet ${signed}`,
    "",
  ].join("\n");
}

function seenText({ from, seen, unit, reason }: Check): string {
  const text = (value: number | null) =>
    value === null ? "no value" : `${Number(value.toFixed(2))}${unit === "" ? "" : ` ${unit}`}`;
  return `${text(from)} → ${seen === null ? `no value (${reason})` : text(seen)}`;
}
