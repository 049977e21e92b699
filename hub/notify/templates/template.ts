import type { WebhookTemplate } from "../../config/receiver-config.ts";
import type { OutgoingMessage } from "../channel.ts";
import { type Facts, factsOf } from "../facts.ts";
import type { HttpCall } from "../http-call.ts";
import { ntfyPost } from "./ntfy.ts";
import { pagerdutyEvent } from "./pagerduty.ts";
import { slackMessage } from "./slack.ts";
import { teamsMessage } from "./teams.ts";

/** What a form is filled in from. */
export interface Told {
  message: OutgoingMessage;
  facts: Facts;
}

/** The one request that tells a service of a message. */
export function postOf(template: WebhookTemplate, url: string, message: OutgoingMessage): HttpCall {
  const told = { message, facts: factsOf(message) };
  const headers = { "content-type": "application/json", "idempotency-key": message.key };
  const post = (body: object): HttpCall => ({
    ...{ method: "POST", url, headers, body: JSON.stringify(body) },
  });
  switch (template.name) {
    case "slack":
      return post(slackMessage(told));
    case "teams":
      return post(teamsMessage(told));
    case "pagerduty":
      return post(pagerdutyEvent(told, template.key));
    case "ntfy": {
      const { server, body } = ntfyPost(told, url);
      const { token } = template;
      const signed = token === null ? headers : { ...headers, authorization: `Bearer ${token}` };
      return { ...post(body), url: server, headers: signed };
    }
    case "servicenow":
    case "jira":
    case "zendesk":
      throw new Error(`${template.name} files tickets; it takes more than one request`);
  }
}

/** Cuts to a number of characters, never through one of two UTF-16 halves. */
export function shortened(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, maxChars - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
