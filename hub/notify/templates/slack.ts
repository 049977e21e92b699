import { shortened, type Told } from "./template.ts";

/** A section of a Slack message holds no more characters; its bar of text fewer. */
const MAX_SECTION_CHARS = 3_000;

/** Slack, incoming webhook: `text` for the notification, `blocks` for the channel. */
export function slackMessage({ message, facts }: Told): object {
  const { ackUrl, link } = facts;
  const text = escaped(message.subject);
  const body = shortened(escaped(message.text.trim()), MAX_SECTION_CHARS);
  const buttons = [
    ...(ackUrl ? [button("Acknowledge", ackUrl)] : []),
    ...(link ? [button("Look", link)] : []),
  ];
  return {
    text,
    blocks: [
      section(`*${shortened(text, MAX_SECTION_CHARS - 2)}*`),
      section(body),
      ...(buttons.length > 0 ? [{ type: "actions", elements: buttons }] : []),
    ],
  };
}

const section = (text: string) => ({ type: "section", text: { type: "mrkdwn", text } });
const button = (text: string, url: string) => ({
  ...{ type: "button", text: { type: "plain_text", text }, url },
});

/** The three characters by which Slack makes links and calls everybody (`<!channel>`). */
const escaped = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
