/** Where a value stands in a JSON text: names of keys and numbers of list entries, outermost first. */
export type JsonPath = (string | number)[];

const STEP = /^(?:\[(\d{1,4})\]|\["([^"\\\p{Cc}]{1,64})"\]|\.?([A-Za-z0-9_:-]{1,64}))/u;
const MAX_STEPS = 12;

/**
 * Reads a path such as `ENERGY.Power`, `sensors[0].value` or `params["temperature:0"].tC`. Undefined
 * when it is not one: nothing in it is ever evaluated.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const path: JsonPath = [];
  let rest = text;
  while (rest !== "") {
    const match = STEP.exec(rest);
    if (!match || path.length >= MAX_STEPS) return undefined;
    const [step, index, quoted, plain] = match;
    // A dot stands between two names, and names do not run into one another without it.
    if (plain !== undefined && step.startsWith(".") !== path.length > 0) return undefined;
    path.push(index === undefined ? (quoted ?? plain ?? "") : Number(index));
    rest = rest.slice(step.length);
  }
  return path.length > 0 ? path : undefined;
}

/** The value there; undefined when there is none. Only what the sender wrote counts, never what objects inherit. */
export function valueAt(json: unknown, path: JsonPath): unknown {
  let value = json;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    if (Array.isArray(value) !== (typeof step === "number") || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
