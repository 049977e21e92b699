import { shortened, type Told } from "./template.ts";

/** ntfy turns a longer message into an attachment. */
const MAX_MESSAGE_CHARS = 1_300;
/** Plenum counts from 1, the most urgent; ntfy up to 5, the most urgent. */
const PRIORITY = { 1: 5, 2: 4, 3: 3, 4: 2 };

/** ntfy, "publish as JSON": it goes to the server's root, the topic stands in the body. */
export function ntfyPost({ message, facts }: Told, url: string): { server: string; body: object } {
  const { ackUrl, link, isOver, priority } = facts;
  const topic = new URL(url).pathname.replaceAll("/", "");
  return {
    server: new URL("/", url).href,
    body: {
      topic,
      title: message.subject,
      message: shortened(message.text.trim(), MAX_MESSAGE_CHARS),
      priority: isOver ? 3 : PRIORITY[priority],
      tags: [isOver ? "white_check_mark" : priority === 1 ? "rotating_light" : "warning"],
      ...(link && { click: link }),
      ...(ackUrl && { actions: [{ action: "view", label: "Acknowledge", url: ackUrl }] }),
    },
  };
}
