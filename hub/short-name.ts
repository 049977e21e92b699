/** Names within the hub's own points must leave room for the rule's in an alarm's name. */
const MAX_CHARS = 38;

/** The name of a node, receiver or screen, or its beginning and end when an alarm's name would grow too long with it. */
export function shortName(name: string): string {
  if (name.length <= MAX_CHARS) return name;
  return `${name.slice(0, MAX_CHARS - 13)}-${name.slice(-12)}`;
}
