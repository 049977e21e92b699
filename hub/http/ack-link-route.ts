import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { Answers, LinkFound } from "../delivery/answers.ts";
import { siteTime } from "../notify/notice.ts";
import { type AppEnv, addressOf } from "./app-env.ts";
import { FailureThrottle } from "./throttle.ts";

export interface AckLinkDeps {
  answers: Pick<Answers, "look" | "useLink">;
  timezone: string;
  siteLabel: string;
  clock: Clock;
}

const STYLE = `body { margin: 0; font: 1.25rem/1.4 system-ui, sans-serif; background: #fff; color: #1a1a1a }
main { max-width: 34rem; margin: 0 auto; padding: 1.5rem }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
button { width: 100%; min-height: 5rem; margin: 1.5rem 0; font: bold 1.5rem system-ui, sans-serif;
  background: #0b5394; color: #fff; border: 0; border-radius: .5rem }
button:focus-visible { outline: .25rem solid #f1a900; outline-offset: .25rem }
p { margin: .5rem 0; white-space: pre-line }
@media (prefers-color-scheme: dark) { body { background: #16191d; color: #f2f2f2 } }
`;

/**
 * The page behind a link in a message: who opens it sees the alarm and one button, without signing in.
 * Opening acknowledges nothing, because mail scanners open every link; only the button does.
 */
export function addAckLinkRoute(app: OpenAPIHono<AppEnv>, deps: AckLinkDeps): void {
  const { answers, clock } = deps;
  const throttle = new FailureThrottle(clock);
  app.get("/ack/style.css", (c) =>
    c.body(STYLE, 200, { "content-type": "text/css; charset=utf-8" }),
  );
  const answer = (c: Context<AppEnv>, found: LinkFound, done: boolean) => {
    // Who guesses is slowed down; a right link always works, also from behind the same address.
    const waitS = found.kind === "unknown" ? throttle.note(addressOf(c)).limitedS : null;
    if (waitS !== null) {
      c.header("retry-after", String(waitS));
      return page(c, 429, "Too many attempts", `<p>Try again in ${waitS} seconds.</p>`);
    }
    const { status, title, body } = wordsOf(found, done, deps);
    return page(c, status, title, body);
  };
  app.get("/ack/:token", (c) => answer(c, answers.look(c.req.param("token")), false));
  app.post("/ack/:token", (c) => answer(c, answers.useLink(c.req.param("token")), true));
}

interface Words {
  status: 200 | 404 | 410;
  title: string;
  body: string;
}

function wordsOf(found: LinkFound, done: boolean, { timezone, siteLabel }: AckLinkDeps): Words {
  const time = (at: EpochMs) => escaped(siteTime(at, timezone));
  const signIn = '<p><a href="/">Open the dashboard</a> to see how it stands.</p>';
  switch (found.kind) {
    case "ready": {
      const { view, who } = found;
      const facts = [
        `<p>${escaped(view.detail)}</p>`,
        `<p>Priority ${view.priority} · ${escaped([view.place, siteLabel].filter((name) => name).join(", "))}</p>`,
        ...(view.raisedAt === null ? [] : [`<p>Since ${time(view.raisedAt)}</p>`]),
        ...(view.runbook ? [`<p><b>What to do:</b> ${escaped(view.runbook)}</p>`] : []),
      ].join("\n");
      if (done)
        return {
          ...{ status: 200, title: `Acknowledged: ${view.title}` },
          body: `<p>It is yours now, ${escaped(who)}. Nobody else is called for it.</p>${facts}${signIn}`,
        };
      return {
        ...{ status: 200, title: view.title },
        body: `${facts}<form method="post"><button>I take care of it</button></form>
<p>This acknowledges the alarm in the name of ${escaped(who)}.</p>`,
      };
    }
    case "taken":
      return {
        ...{ status: 200, title: found.view.title },
        body: `<p>Acknowledged already, by ${escaped(found.by)}, ${time(found.at)}.</p>${signIn}`,
      };
    case "used":
      return {
        ...{ status: 410, title: "This link has been used" },
        body: `<p>It acknowledged its alarm at ${time(found.at)}, and works only once.</p>${signIn}`,
      };
    case "expired":
      return {
        ...{ status: 410, title: "This link is too old" },
        body: `<p>It worked for 24 hours. Nothing was acknowledged.</p>${signIn}`,
      };
    case "over":
      return {
        ...{ status: 410, title: "This alarm is over" },
        body: `<p>There is nothing left to acknowledge. If it comes again, a new message follows.</p>${signIn}`,
      };
    case "unknown":
      return {
        ...{ status: 404, title: "This link is not valid" },
        body: `<p>It is cut off, altered or from another system. Nothing was acknowledged. Copy the whole link from the message, or sign in.</p>${signIn}`,
      };
  }
}

/** The referrer rule lets the browser say that the button stood on this hub's own page. */
function page(c: Context<AppEnv>, status: 200 | 404 | 410 | 429, title: string, body: string) {
  return c.html(
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<meta name="robots" content="noindex">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="/ack/style.css">
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${body}
</main>
</body>
</html>
`,
    status,
  );
}

function escaped(text: string): string {
  const codes: Record<string, string> = {
    "&": "amp",
    "<": "lt",
    ">": "gt",
    '"': "quot",
    "'": "#39",
  };
  return text.replace(/[&<>"']/g, (char) => `&${codes[char]};`);
}
