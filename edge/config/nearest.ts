const MOST_EDITS = 2;

/** The name a person most likely meant, if one is at most two typing mistakes away. */
export function nearest(written: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, edits: editDistance(written.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= Math.min(MOST_EDITS, best.name.length - 1) ? best.name : undefined;
}

/** `did you mean sht31?` or the whole list. */
export function suggestion(written: string, names: readonly string[]): string {
  const name = nearest(written, names);
  const all = `allowed: ${names.length > 0 ? names.join(", ") : "none"}`;
  return name === undefined ? all : `did you mean ${name}? ${all}`;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
