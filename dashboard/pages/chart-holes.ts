/** A stretch of time in milliseconds since 1970. */
export interface Stretch {
  from: number;
  to: number;
}

/** What the hub says about one series in a range. */
export interface Coverage {
  /** Readings that should be there and are not. */
  missing: readonly Stretch[];
  /** Readings its node thinned out before it could send them. */
  thinned: readonly Stretch[];
}

/** Stretches in which not one of the series has data, in order of time. */
export function commonHoles(series: readonly Coverage[]): Stretch[] {
  const [first, ...others] = series;
  if (!first) return [];
  return others.reduce<Stretch[]>(
    (common, { missing }) => overlaps(common, missing),
    joined(first.missing),
  );
}

/** Stretches in which at least one of the series was thinned. */
export function allThinned(series: readonly Coverage[]): Stretch[] {
  return joined(series.flatMap(({ thinned }) => thinned));
}

export function isIn(stretches: readonly Stretch[], at: number): boolean {
  return stretches.some(({ from, to }) => at >= from && at < to);
}

/** The same stretches in order, those that touch as one. */
function joined(stretches: readonly Stretch[]): Stretch[] {
  const found: Stretch[] = [];
  for (const { from, to } of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found;
}

function overlaps(one: readonly Stretch[], other: readonly Stretch[]): Stretch[] {
  return one.flatMap((a) =>
    joined(other)
      .map((b) => ({ from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) }))
      .filter(({ from, to }) => to > from),
  );
}
