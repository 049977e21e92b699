import type { Told } from "./template.ts";

const COLOUR = { 1: "attention", 2: "warning", 3: "accent", 4: "default" };

/** Microsoft Teams, "when a webhook request is received" of Workflows: one adaptive card. */
export function teamsMessage({ message, facts }: Told): object {
  const { ackUrl, link, priority, isOver } = facts;
  const block = (text: string, look: object = {}) => ({
    ...{ type: "TextBlock", text: plain(text), wrap: true, ...look },
  });
  const open = (title: string, url: string) => ({ type: "Action.OpenUrl", title, url });
  const lines = message.text.trim().split("\n");
  const content = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    body: [
      block(message.subject, {
        ...{ weight: "bolder", size: "medium", color: isOver ? "good" : COLOUR[priority] },
      }),
      ...lines.filter((line) => line.trim()).map((line) => block(line, { spacing: "small" })),
    ],
    actions: [
      ...(ackUrl ? [open("Acknowledge", ackUrl)] : []),
      ...(link ? [open("Look", link)] : []),
    ],
  };
  const contentType = "application/vnd.microsoft.card.adaptive";
  return { type: "message", attachments: [{ contentType, contentUrl: null, content }] };
}

/** A text block understands some Markdown; names from devices must not make links of it. */
const plain = (text: string): string => text.replace(/[\\[\]*_`]/g, "\\$&");
