/** The hub's own name among the nodes; no edge node can have it, because its topics are reserved. */
export const HUB_NODE = "hub";
/** The node the hub plays towards itself, to see that a reading gets through. */
export const PROBE_NODE = "hub-probe";

/** The node whose points the hub makes of those of others. */
export const DERIVED_NODE = "hub-derived";

/** Whether a node is no edge node but the hub itself, in one of its parts. */
export function isOwnNode(node: string): boolean {
  return node === HUB_NODE || node === PROBE_NODE || node === DERIVED_NODE;
}

/** Whether a node's points tell of the hub, not of the room. */
export function tellsOfHub(node: string): boolean {
  return node === HUB_NODE || node === PROBE_NODE;
}

/** Whether a point or door of this name may only be the hub's. */
export function isOwnName(name: string): boolean {
  return name.startsWith(`${HUB_NODE}.`) || name.startsWith(`${PROBE_NODE}.`);
}
