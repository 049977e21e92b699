/**
 * JSON with one possible spelling (RFC 8785): members sorted by UTF-16 code units, no white space,
 * numbers and strings as ECMAScript writes them. A member that is undefined is left out.
 * Throws TypeError for what JSON cannot say: NaN, Infinity, functions, lone surrogates, bigint.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      return canonicalText(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${value} cannot stand in JSON`);
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value)
        ? `[${value.map(canonicalJson).join(",")}]`
        : canonicalObject(value);
    default:
      throw new TypeError(`${typeof value} cannot stand in JSON`);
  }
}

function canonicalObject(value: object): string {
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${canonicalText(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

function canonicalText(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError("text holds half a character");
  return JSON.stringify(text);
}

/** A copy that `canonicalJson` accepts: half characters, which a stranger may send, become U+FFFD. */
export function withWholeCharacters<T>(value: T): T {
  if (typeof value === "string") return value.replace(/\p{Surrogate}/gu, "\ufffd") as T;
  if (Array.isArray(value)) return value.map(withWholeCharacters) as T;
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [
    withWholeCharacters(name),
    withWholeCharacters(member),
  ]);
  return Object.fromEntries(members) as T;
}
