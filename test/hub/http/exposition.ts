/** One sample of the Prometheus text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  type: string;
  help: string;
  samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\})/;

/**
 * Reads the text format 0.0.4 strictly: HELP and TYPE once and before the samples, samples of a name
 * together, no series twice, nothing unescaped. Throws with the line that breaks it.
 */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("does not end with a newline");
  const families = new Map<string, Family>();
  const series = new Set<string>();
  let open = "";
  let help: [string, string] | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const fail = (why: string) => new Error(`${why}: ${JSON.stringify(line)}`);
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, kind, name = "", rest = ""] = comment;
      if (NAME.exec(name)?.[0] !== name) throw fail("bad name");
      if (families.has(name)) throw fail("described twice, or not together");
      if (kind === "HELP") help = [name, rest];
      else if (help?.[0] !== name || !/^(counter|gauge)$/.test(rest)) throw fail("TYPE");
      else {
        open = name;
        families.set(name, { type: rest, help: help[1], samples: [] });
      }
      continue;
    }
    const name = NAME.exec(line)?.[0] ?? "";
    if (name === "" || name !== open) throw fail("sample apart from its description");
    const { labels, rest } = labelsOf(line.slice(name.length), fail);
    if (!/^ [+-]?(\d+(\.\d+)?([eE][+-]?\d+)?)$/.test(rest)) throw fail("bad value");
    const key = JSON.stringify([name, Object.entries(labels).sort()]);
    if (series.has(key)) throw fail("series twice");
    series.add(key);
    families.get(name)!.samples.push({ name, labels, value: Number(rest) });
  }
  return families;
}

function labelsOf(text: string, fail: (why: string) => Error) {
  const labels: Record<string, string> = {};
  if (!text.startsWith("{")) return { labels, rest: text };
  let rest = text.slice(1);
  for (;;) {
    const match = LABEL.exec(rest);
    if (!match) throw fail("bad labels");
    const [all, label = "", value = "", end] = match;
    if (Object.hasOwn(labels, label)) throw fail("label twice");
    labels[label] = value.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));
    rest = rest.slice(all.length);
    if (end === "}") return { labels, rest };
  }
}
