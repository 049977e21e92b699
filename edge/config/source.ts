import { isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";

export type Path = readonly (string | number)[];

/** One mistake in a file, for a person to find and correct. */
export interface Problem {
  line: number;
  column: number;
  path: string;
  /** What was found; what is allowed; what to do. */
  message: string;
}

/** `edge.yaml:4:14 devices[0].address: 0x80 is outside …` */
export function problemText(file: string, { line, column, path, message }: Problem): string {
  return `${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}`;
}

/** A YAML file that still knows where everything stood. */
export interface Source {
  value: unknown;
  /** What is wrong with the YAML itself; then `value` must not be used. */
  broken: Problem[];
  /** A problem at the value of `path`, or at what surrounds it when the value is missing. */
  problem(path: Path, message: string): Problem;
  /** A problem at the name, not the value, of the last key of `path`. */
  problemAtKey(path: Path, message: string): Problem;
  /** A short value as it was written, such as `0x80`. */
  written(path: Path): string;
}

const LONGEST_QUOTE = 60;

export function readYaml(text: string): Source {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false });

  const at = (offset: number, path: Path, message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col), path: pathText(path), message };
  };
  const nodeAt = (path: Path) => (path.length === 0 ? doc.contents : doc.getIn(path, true));

  function offsetOf(path: Path): number {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node = nodeAt(path.slice(0, depth));
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  }

  function keyOffset(path: Path): number {
    const parent = nodeAt(path.slice(0, -1));
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
      : undefined;
    return isScalar(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(path);
  }

  const broken = doc.errors.map((error) => at(error.pos[0], [], sentence(error.message)));
  return {
    value: broken.length > 0 ? undefined : doc.toJS(),
    broken,
    problem: (path, message) => at(offsetOf(path), path, message),
    problemAtKey: (path, message) => at(keyOffset(path), path, message),
    written(path) {
      const node = nodeAt(path);
      if (!isNode(node) || !node.range) return "nothing";
      if (!isScalar(node)) return isMap(node) ? "a block" : "a list";
      const quote = text.slice(node.range[0], node.range[1]).trim();
      return quote.length > LONGEST_QUOTE
        ? `${quote.slice(0, LONGEST_QUOTE)}…`
        : quote || "nothing";
    },
  };
}

export function pathText(path: Path): string {
  return path
    .map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? key : `.${key}`))
    .join("");
}

function sentence(message: string): string {
  return `the YAML cannot be read: ${message.split("\n")[0]}`;
}
