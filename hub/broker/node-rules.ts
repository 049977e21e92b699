import { isId } from "../../contract/id.ts";
import { MAX_PAYLOAD_BYTES } from "../../contract/message.ts";
import { nodeTopic, parseNodeTopic, TOPIC_ROOT } from "../../contract/topic.ts";
import { isOwnNode, PROBE_NODE } from "../own-nodes.ts";

/** The largest last will, which is a node's status. */
const MAX_WILL_BYTES = 4_096;

/** The hub's status and alarms: nothing secret. No node's topics begin like this. */
export const HUB_TOPICS = `${TOPIC_ROOT}/hub/`;

/** A message as a client wants it published. */
export interface Publication {
  topic: string;
  payload: string | Buffer;
  qos?: number;
}

/** A client is the node its client id names; `hub` is ours. */
export function mayConnect(clientId: string): boolean {
  return isId(clientId) && (clientId === PROBE_NODE || !isOwnNode(clientId));
}

/** Why a node may not publish this; undefined when it may. */
export function whyNotPublish(node: string, { topic, payload, qos = 0 }: Publication) {
  const own = parseNodeTopic(topic)?.node;
  if (own === undefined) return "publish to a topic that is not for nodes";
  if (own !== node) return "publish to another node's topic";
  if (qos > 1) return "publish with QoS 2";
  if (payload.length > MAX_PAYLOAD_BYTES) return "payload too large";
  return undefined;
}

/** Why a node may not leave this last will; undefined when it may. */
export function whyNotWill(node: string, will: Publication) {
  if (will.topic !== nodeTopic(node, "status")) return "last will is not the node's own status";
  if (will.payload.length > MAX_WILL_BYTES) return "last will too large";
  return whyNotPublish(node, will);
}

/** A client may hear what is said to the node of its name, and everything the hub tells the world. */
export function maySubscribe(node: string, topic: string): boolean {
  return (
    topic === nodeTopic(node, "ack") ||
    topic === nodeTopic(node, "cmd") ||
    topic.startsWith(HUB_TOPICS)
  );
}
