import { OpenAPIHono } from "@hono/zod-openapi";
import { beforeEach, expect, test } from "vitest";
import type { AlarmView } from "../../../contract/api.ts";
import type { LinkFound } from "../../../hub/delivery/answers.ts";
import { addAckLinkRoute } from "../../../hub/http/ack-link-route.ts";
import type { AppEnv } from "../../../hub/http/app-env.ts";
import { sameOrigin, securityHeaders } from "../../../hub/http/guards.ts";
import { asProblem, problemResponse } from "../../../hub/http/problem.ts";
import { FakeClock } from "../../fake-clock.ts";

const VIEW: AlarmView = {
  ...{ id: "leak.rope", rule: "leak", subject: "rope", occurrence: 3, priority: 1 },
  ...{ title: "Leak <b>here</b>", detail: "sensor rope", place: "Hall A", state: "active" },
  ...{ raisedAt: Date.UTC(2026, 10, 23, 10), clearedAt: null, ack: null, shelved: null },
  ...{ suppressed: false, outOfService: null, value: 1, limit: null, unit: "" },
  runbook: "Close valve V3.",
};

let app: OpenAPIHono<AppEnv>;
let used: string[];
let found: Record<string, LinkFound>;
beforeEach(() => {
  used = [];
  found = {
    good: { kind: "ready", view: VIEW, who: "Anna" },
    taken: { kind: "taken", view: VIEW, by: "Bo", at: Date.UTC(2026, 10, 23, 11) },
    used: { kind: "used", at: Date.UTC(2026, 10, 23, 11) },
    old: { kind: "expired" },
    over: { kind: "over" },
  };
  const look = (token: string): LinkFound => found[token] ?? { kind: "unknown" };
  app = new OpenAPIHono<AppEnv>();
  app.onError((error) => {
    const problem = asProblem(error);
    if (!problem) throw error;
    return problemResponse(problem);
  });
  app.use(securityHeaders, sameOrigin(undefined));
  addAckLinkRoute(app, {
    answers: {
      look,
      useLink: (token) => {
        used.push(token);
        return look(token);
      },
    },
    ...{ timezone: "Europe/Helsinki", siteLabel: "Demo", clock: new FakeClock() },
  });
});

async function ask(path: string, method = "GET", headers: Record<string, string> = {}) {
  const incoming = { socket: { remoteAddress: "10.0.0.9" } };
  const answer = await app.request(`http://hub${path}`, { method, headers }, { incoming });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

test("opening a link shows the alarm and one button, and acknowledges nothing, however often it is opened", async () => {
  for (let n = 0; n < 3; n += 1) {
    const { status, text, headers } = await ask("/ack/good");
    expect(status).toBe(200);
    expect(text.match(/<button/g)).toHaveLength(1);
    expect(text).toContain("Leak &lt;b&gt;here&lt;/b&gt;");
    expect(text).toContain("Close valve V3.");
    expect(headers.get("cache-control")).toBe("no-store");
  }
  await ask("/ack/good", "HEAD");
  expect(used).toEqual([]);
});

test("the button acknowledges; a foreign page's button does not", async () => {
  const foreign = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  expect((await ask("/ack/good", "POST", foreign)).status).toBe(403);
  expect(used).toEqual([]);
  const own = await ask("/ack/good", "POST", { origin: "http://hub", host: "hub" });
  expect(own.text).toContain("It is yours now, Anna.");
  expect(used).toEqual(["good"]);
});

test.each([
  ["taken", 200, "Acknowledged already, by Bo"],
  ["used", 410, "This link has been used"],
  ["old", 410, "This link is too old"],
  ["over", 410, "This alarm is over"],
  ["forged", 404, "This link is not valid"],
])("a link that is %s answers %i in plain words", async (token, status, words) => {
  const answer = await ask(`/ack/${token}`);
  expect(answer.status).toBe(status);
  expect(answer.text).toContain(words);
  expect(answer.text).not.toContain("<button");
});

test("after 10 wrong links in a minute an address waits; a right link works all the same", async () => {
  for (let n = 0; n < 10; n += 1) expect((await ask(`/ack/wrong${n}`)).status).toBe(404);
  const { status, headers } = await ask("/ack/wrong");
  expect([status, headers.get("retry-after")]).toEqual([429, "60"]);
  expect((await ask("/ack/good")).status).toBe(200);
});
