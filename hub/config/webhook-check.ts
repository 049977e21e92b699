import { isRefusedTarget } from "../notify/address-guard.ts";
import type { Receiver } from "./hub-config.ts";
import type { Problem, Resolve } from "./receiver-check.ts";
import type { WebhookTemplate } from "./receiver-config.ts";
import type { WebhookText } from "./receiver-schema.ts";
import { SECRET_PATTERN } from "./secret.ts";
import type { Path } from "./source.ts";

/** What each service needs to be told; `may` can be left out. The generic form is "". */
const KEYS = {
  "": { must: [], may: ["secret"] },
  slack: { must: [], may: [] },
  teams: { must: [], may: [] },
  ntfy: { must: [], may: ["token"] },
  pagerduty: { must: ["key"], may: [] },
  servicenow: { must: ["user", "password"], may: [] },
  zendesk: { must: ["user", "password"], may: [] },
  jira: { must: ["user", "password", "project"], may: ["issueType"] },
} as const satisfies Record<string, { must: ServiceKey[]; may: ServiceKey[] }>;
type ServiceKey = "secret" | "key" | "token" | "user" | "password" | "project" | "issueType";
const ALL: ServiceKey[] = ["secret", "key", "token", "user", "password", "project", "issueType"];
const PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue";

export function toWebhook(
  id: string,
  webhook: WebhookText,
  resolve: Resolve,
): { receiver: Receiver } | { problems: Problem[] } {
  const { template = "", allowPrivate } = webhook;
  const { must, may } = KEYS[template] as { must: ServiceKey[]; may: ServiceKey[] };
  const name = template === "" ? "without a template a webhook" : template;
  const problems: Problem[] = [];
  for (const key of must)
    if (webhook[key] === undefined) problems.push([["webhook"], `${template} needs ${key}`]);
  for (const key of ALL)
    if (webhook[key] !== undefined && !must.includes(key) && !may.includes(key))
      problems.push([["webhook", key], `${name} has no ${key}`]);
  const at: Path = ["webhook", "url"];
  const written = webhook.url ?? (template === "pagerduty" ? PAGERDUTY_URL : undefined);
  if (written === undefined) problems.push([["webhook"], "needs url"]);
  const url = written && webTarget(written, { at, allowPrivate, resolve, problems });
  if (url && template === "ntfy" && !/^\/[\w-]{1,64}\/?$/.test(new URL(url).pathname))
    problems.push([at, "ntfy: the address ends with the topic, as in https://ntfy.sh/my-topic"]);
  const secret = (key: "secret" | "key" | "token" | "password") => {
    const reference = webhook[key];
    return reference === undefined ? null : (resolve(reference, ["webhook", key]) ?? null);
  };
  const made = problems.length === 0 ? templateOf(webhook, secret) : undefined;
  if (problems.length > 0 || !url) return { problems };
  const to = { kind: "webhook" as const, id, url, secret: secret("secret"), allowPrivate };
  return { receiver: { ...to, ...(made && { template: made }) } };
}

function templateOf(
  { template, user = "", project = "", issueType = "Task" }: WebhookText,
  secret: (key: "key" | "token" | "password") => string | null,
): WebhookTemplate | undefined {
  switch (template) {
    case undefined:
      return undefined;
    case "slack":
    case "teams":
      return { name: template };
    case "ntfy":
      return { name: template, token: secret("token") };
    case "pagerduty":
      return { name: template, key: secret("key") ?? "" };
    case "servicenow":
    case "zendesk":
      return { name: template, user, password: secret("password") ?? "" };
    case "jira":
      return { name: template, user, password: secret("password") ?? "", project, issueType };
  }
}

interface TargetPlace {
  at: Path;
  allowPrivate: boolean;
  resolve: Resolve;
  problems: Problem[];
}

/** The address to post to, from itself or a reference; what is wrong with it goes to `problems`. */
export function webTarget(
  text: string,
  { at, allowPrivate, resolve, problems }: TargetPlace,
): string | undefined {
  const isSecret = SECRET_PATTERN.test(text);
  const url = isSecret ? resolve(text, at) : text;
  if (url === undefined) return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    problems.push([at, "what it refers to is no address such as https://host/path"]);
    return undefined;
  }
  const { protocol, hostname } = new URL(url);
  const refused = isRefusedTarget(hostname, allowPrivate);
  if (refused) problems.push([at, refused]);
  else if (protocol === "http:" && !allowPrivate)
    problems.push([
      at,
      "is not encrypted; write https, or allowPrivate: true inside your own network",
    ]);
  return url;
}
