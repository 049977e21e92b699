import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../contract/clock.ts";
import type { WebhookReceiver } from "../../../../hub/config/hub-config.ts";
import type { WebhookTemplate } from "../../../../hub/config/receiver-config.ts";
import { postOf } from "../../../../hub/notify/templates/template.ts";
import { webhookChannel } from "../../../../hub/notify/webhook-channel.ts";
import { page } from "../messages.ts";
import { type TicketServer, ticketServer } from "./ticket-server.ts";

const URL_OF = "https://service.example/hook";
const SUBJECT = "P2 A03 inlet top 31.8 °C (limit 27) — Hall A";
const THREAD = "plenum/inlet-high.a03.inlet-top/3";
const bodyOf = (template: WebhookTemplate, message = page(), url = URL_OF) =>
  JSON.parse(postOf(template, url, message).body ?? "");

describe("one request", () => {
  test("Slack gets text and blocks with two buttons", () => {
    const body = bodyOf({ name: "slack" });
    expect(body.text).toBe(SUBJECT);
    expect(body.blocks.map(({ type }: { type: string }) => type)).toEqual([
      ...["section", "section", "actions"],
    ]);
    expect(body.blocks[2].elements).toMatchObject([
      { type: "button", url: "https://hub.example/ack/t0ken" },
      { type: "button", url: "https://hub.example/?alarm=1" },
    ]);
  });

  test("a device named <!channel> calls nobody in Slack", () => {
    const body = bodyOf({ name: "slack" }, { ...page(), subject: "<!channel> & more" });
    expect(body.text).toBe("&lt;!channel&gt; &amp; more");
  });

  test("Teams gets one adaptive card 1.4 in a message", () => {
    const body = bodyOf({ name: "teams" });
    expect(body).toMatchObject({
      type: "message",
      attachments: [
        {
          contentType: "application/vnd.microsoft.card.adaptive",
          content: { type: "AdaptiveCard", version: "1.4" },
        },
      ],
    });
    const { content } = body.attachments[0];
    expect(content.body[0]).toMatchObject({ type: "TextBlock", text: SUBJECT, color: "warning" });
    expect(content.actions[0]).toEqual({
      ...{ type: "Action.OpenUrl", title: "Acknowledge", url: "https://hub.example/ack/t0ken" },
    });
    const hostile = bodyOf({ name: "teams" }, { ...page(), subject: "[x](http://evil)" });
    expect(hostile.attachments[0].content.body[0].text).toBe("\\[x\\](http://evil)");
  });

  test("ntfy gets the topic in the body at the server's root, priority 4 for P2, and the token", () => {
    const template = { name: "ntfy", token: "tk_1" } as const;
    const call = postOf(template, "https://ntfy.example/plant-room", page());
    expect(call.url).toBe("https://ntfy.example/");
    expect(call.headers.authorization).toBe("Bearer tk_1");
    expect(JSON.parse(call.body ?? "")).toMatchObject({
      ...{
        topic: "plant-room",
        title: SUBJECT,
        priority: 4,
        click: "https://hub.example/?alarm=1",
      },
      actions: [{ action: "view", label: "Acknowledge", url: "https://hub.example/ack/t0ken" }],
    });
  });

  test.each([
    ["raised", "trigger"],
    ["repeated", "trigger"],
    ["acknowledged", "acknowledge"],
    ["cleared", "resolve"],
    ["withdrawn", "resolve"],
  ])("PagerDuty: %s is %s under one dedup_key", (change, action) => {
    const body = bodyOf({ name: "pagerduty", key: "R0UT1NG" }, page(change));
    expect(body).toMatchObject({
      ...{ routing_key: "R0UT1NG", event_action: action, dedup_key: THREAD },
    });
    if (action === "trigger")
      expect(body.payload).toMatchObject({
        ...{ summary: SUBJECT, source: "Demo site", severity: "error", component: "A03" },
        timestamp: "2026-01-01T00:00:00.000Z",
      });
  });

  test("a PagerDuty summary is at most 1,024 characters", () => {
    const long = { ...page(), subject: "x".repeat(2_000) };
    const { summary } = bodyOf({ name: "pagerduty", key: "k" }, long).payload;
    expect(summary).toHaveLength(1_024);
  });
});

describe.each(["servicenow", "jira", "zendesk"] as const)("tickets at %s", (name) => {
  let server: TicketServer;
  afterEach(() => server.close());
  const open = async () => {
    server = await ticketServer(name);
    const login = { name, user: "plenum", password: "secret" };
    const template = { ...login, ...(name === "jira" && { project: "OPS", issueType: "Task" }) };
    const receiver: WebhookReceiver = {
      ...{ kind: "webhook", id: "desk", url: `http://127.0.0.1:${server.port}/` },
      ...{ secret: null, allowPrivate: true, template: template as WebhookTemplate },
    };
    return webhookChannel(receiver, { clock: systemClock });
  };

  test("one occurrence is one ticket: raised opens it, repeated and cleared are noted in it", async () => {
    const channel = await open();
    for (const change of ["raised", "repeated", "cleared"])
      expect(await channel.send(page(change))).toEqual({ kind: "delivered" });
    expect(server.tickets).toMatchObject([{ title: SUBJECT, notes: 2 }]);
    expect(server.logins).toEqual(new Set(["plenum:secret"]));
  });

  test("an attempt whose answer was lost opens no second ticket", async () => {
    const channel = await open();
    server.loseNextAnswer = true;
    expect(await channel.send(page())).toMatchObject({ kind: "failed" });
    expect(await channel.send(page())).toEqual({ kind: "delivered" });
    expect(server.tickets).toHaveLength(1);
  });

  test("the end of something without a ticket opens none", async () => {
    const channel = await open();
    expect(await channel.send(page("cleared"))).toMatchObject({ kind: "accepted" });
    expect(server.tickets).toHaveLength(0);
  });
});
