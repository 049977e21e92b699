import { createHash } from "node:crypto";
import type { WebhookTemplate } from "../../config/receiver-config.ts";
import type { OutgoingMessage } from "../channel.ts";
import { type Facts, factsOf } from "../facts.ts";
import type { HttpCall } from "../http-call.ts";
import { shortened } from "./template.ts";

/** How one service keeps tickets. All but `idIn` only make the request. */
export interface TicketSystem {
  /** Asks for the ticket about the message's occurrence. */
  find(message: OutgoingMessage): HttpCall;
  /** The ticket in the answer to `find`; undefined when there is none. */
  idIn(answer: unknown): string | undefined;
  open(message: OutgoingMessage): HttpCall;
  /** Adds what the message says. People close tickets, since only they know that nothing is left to do. */
  note(message: OutgoingMessage, id: string): HttpCall;
}

const MAX_TITLE_CHARS = 150;

export function ticketSystemOf(template: WebhookTemplate, url: string): TicketSystem | undefined {
  if (!("password" in template)) return undefined;
  const { user, password } = template;
  const base = url.replace(/\/+$/, "");
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const headers = { authorization, accept: "application/json" };
  const caller: Caller = {
    get: (path, query) => ({
      ...{ method: "GET", url: `${base}${path}?${new URLSearchParams(query)}`, headers },
    }),
    send: (method, path, body, more = {}) => ({
      ...{ method, url: `${base}${path}`, body: JSON.stringify(body) },
      headers: { ...headers, "content-type": "application/json", ...more },
    }),
  };
  if (template.name === "servicenow") return serviceNow(caller);
  if (template.name === "zendesk") return zendesk(caller);
  return template.name === "jira" ? jira(caller, template) : undefined;
}

interface Caller {
  get(path: string, query: Record<string, string>): HttpCall;
  send(
    method: "POST" | "PUT" | "PATCH",
    path: string,
    body: object,
    more?: Record<string, string>,
  ): HttpCall;
}

/** ServiceNow, Table API: `correlation_id` names the occurrence. */
function serviceNow({ get, send }: Caller): TicketSystem {
  const table = "/api/now/table/incident";
  const urgency = { 1: "1", 2: "2", 3: "3", 4: "3" };
  return {
    find: (message) =>
      get(table, {
        sysparm_query: `correlation_id=${factsOf(message).thread}`,
        ...{ sysparm_fields: "sys_id", sysparm_limit: "1" },
      }),
    idIn: (answer) => text(first(pick(answer, "result")), "sys_id"),
    open(message) {
      const { thread, priority } = factsOf(message);
      return send("POST", table, {
        short_description: shortened(message.subject, MAX_TITLE_CHARS),
        description: message.text,
        ...{ urgency: urgency[priority], impact: urgency[priority] },
        ...{ correlation_id: thread, correlation_display: "Plenum" },
      });
    },
    note: (message, id) => send("PATCH", `${table}/${id}`, { work_notes: spoken(message) }),
  };
}

/** Zendesk, Ticketing API: `external_id` names the occurrence. */
function zendesk({ get, send }: Caller): TicketSystem {
  const priorities = { 1: "urgent", 2: "high", 3: "normal", 4: "low" };
  return {
    find: (message) => get("/api/v2/tickets.json", { external_id: factsOf(message).thread }),
    idIn: (answer) => text(first(pick(answer, "tickets")), "id"),
    open(message) {
      const { thread, priority } = factsOf(message);
      const ticket = {
        subject: shortened(message.subject, MAX_TITLE_CHARS),
        comment: { body: message.text },
        ...{ priority: priorities[priority], external_id: thread, tags: ["plenum"] },
      };
      return send("POST", "/api/v2/tickets.json", { ticket }, { "idempotency-key": thread });
    },
    note: (message, id) =>
      send("PUT", `/api/v2/tickets/${id}.json`, {
        ticket: { comment: { body: spoken(message), public: false } },
      }),
  };
}

/** Jira Cloud, REST API 3: a label names the occurrence, since labels can be searched for and hold no spaces. */
function jira(
  { get, send }: Caller,
  { project, issueType }: { project: string; issueType: string },
): TicketSystem {
  return {
    find: (message) =>
      get("/rest/api/3/search/jql", {
        jql: `project = ${JSON.stringify(project)} AND labels = "${labelOf(factsOf(message))}"`,
        ...{ fields: "summary", maxResults: "1" },
      }),
    idIn: (answer) => text(first(pick(answer, "issues")), "key"),
    open: (message) =>
      send("POST", "/rest/api/3/issue", {
        fields: {
          project: { key: project },
          issuetype: { name: issueType },
          summary: shortened(message.subject, MAX_TITLE_CHARS),
          description: atlassianText(message.text),
          labels: ["plenum", labelOf(factsOf(message))],
        },
      }),
    note: (message, id) =>
      send("POST", `/rest/api/3/issue/${id}/comment`, { body: atlassianText(spoken(message)) }),
  };
}

const labelOf = ({ thread }: Facts): string =>
  `plenum-${createHash("sha256").update(thread).digest("hex").slice(0, 20)}`;

/** Atlassian Document Format: one paragraph per line. */
const atlassianText = (plain: string) => ({
  type: "doc",
  version: 1,
  content: plain
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => ({ type: "paragraph", content: [{ type: "text", text: line }] })),
});

const spoken = ({ subject, text: rest }: OutgoingMessage): string => `${subject}\n\n${rest}`;

const pick = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined);

/** An id of theirs, which becomes part of an address. */
function text(value: unknown, key: string): string | undefined {
  const found = String(pick(value, key) ?? "");
  return /^[A-Za-z0-9_-]{1,64}$/.test(found) ? found : undefined;
}
