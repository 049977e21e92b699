import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";
import { HttpProblem } from "./problem.ts";

export const MAX_BODY_BYTES = 64 * 1024;

/** Sent with every answer. No HSTS here: it would lock people out where there is no TLS. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
    "form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

export const securityHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
  if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
};

/** Only on a listener that speaks TLS itself. */
export const strictTransport: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  c.res.headers.set("strict-transport-security", "max-age=15552000");
};

export function isUnsafe(method: string): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

/**
 * Refuses a change that another site's page asks the browser to make. hono's own csrf() looks at
 * form bodies only and lets JSON from a foreign page pass. `publicHost` is what people type when a
 * proxy stands in front.
 */
export function sameOrigin(publicHost: string | undefined): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (isUnsafe(c.req.method)) {
      const site = c.req.header("sec-fetch-site");
      const origin = c.req.header("origin");
      const foreignSite = site !== undefined && site !== "same-origin" && site !== "none";
      const ours = [c.req.header("host"), publicHost];
      const foreignOrigin = origin !== undefined && !ours.includes(hostOf(origin) ?? "none");
      if (foreignSite || foreignOrigin)
        throw new HttpProblem(403, "Refused", "This request comes from another site's page.");
    }
    await next();
  };
}

/** The host and port of an Origin header; "null" and anything else that is no address gives undefined. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
