/** MQTT topics of version 1. `ack` and `cmd` go to the node, everything else comes from it. */
export const TOPIC_ROOT = "plenum/v1";
export const NODE_LANES = ["birth", "status", "live", "data"] as const;
export type NodeLane = (typeof NODE_LANES)[number];

/** `renew` carries a node's request for its next certificate (PEM), answered by a command. */
export const nodeTopic = (node: string, lane: NodeLane | "renew" | "ack" | "cmd") =>
  `${TOPIC_ROOT}/${node}/${lane}`;
export const HUB_STATUS_TOPIC = `${TOPIC_ROOT}/hub/status`;
export const hubAlarmTopic = (alarm: string) => `${TOPIC_ROOT}/hub/alarms/${alarm}`;

/** The node and lane of a topic a node may publish to, or undefined for any other topic. */
export function parseNodeTopic(topic: string): { node: string; lane: NodeLane } | undefined {
  const match = /^plenum\/v1\/([a-z0-9][a-z0-9_.-]{0,63})\/(birth|status|live|data)$/.exec(topic);
  if (!match?.[1] || match[1] === "hub") return undefined;
  return { node: match[1], lane: match[2] as NodeLane };
}

/** The node of a topic on which it asks for its next certificate, or undefined for any other topic. */
export function parseRenewTopic(topic: string): string | undefined {
  const node = /^plenum\/v1\/([a-z0-9][a-z0-9_.-]{0,63})\/renew$/.exec(topic)?.[1];
  return node === "hub" ? undefined : node;
}
