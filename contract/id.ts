/** Names of nodes, points, doors, rules and alarms: safe in a topic, a URL, a file name and a query. */
export const ID_PATTERN = /^[a-z0-9][a-z0-9_.-]{0,63}$/;

export function isId(value: unknown): value is string {
  return typeof value === "string" && ID_PATTERN.test(value);
}

/**
 * A point's name says where it is: `<place>.<role>`, as in `a03.inlet-top` or `ups-a.load`.
 * The place ends at the last dot; a name without a dot has no place.
 */
export function placeOf(point: string): string | undefined {
  const dot = point.lastIndexOf(".");
  return dot > 0 ? point.slice(0, dot) : undefined;
}

/** The part of a point's name after its place: `inlet-top` of `a03.inlet-top`. */
export function roleOf(point: string): string {
  return point.slice(point.lastIndexOf(".") + 1);
}

/** Turns `*.inlet-*` into a test of names. `*` stands for any run of characters; nothing else is special. */
export function globMatcher(glob: string): (name: string) => boolean {
  const parts = glob.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".*")}$`);
  return (name) => pattern.test(name);
}
