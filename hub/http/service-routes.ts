import { createRoute, z } from "@hono/zod-openapi";
import type { SiteModel } from "../../contract/site.ts";
import { VERSION } from "../version.ts";
import { MAX_TOKEN_LENGTH, SIGN_IN_PATH } from "./auth.ts";
import { ROLES } from "./rights.ts";
import type { RouteDeps } from "./route-deps.ts";
import { answers, jsonBody, limitParam, listOf, Notification } from "./schemas.ts";

const USUAL_PAGE = 500;
const pageQuery = z.strictObject({ limit: limitParam.optional() });

const who = z
  .object({ name: z.string(), role: z.enum(ROLES), via: z.enum(["token", "session"]) })
  .openapi("Identity");

/** Signing in and out, the site's plan, and deliveries. */
export function addServiceRoutes({ app, auth, sources }: RouteDeps): void {
  app.openapi(
    createRoute({
      method: "post",
      path: SIGN_IN_PATH,
      request: {
        body: jsonBody(z.strictObject({ token: z.string().min(1).max(MAX_TOKEN_LENGTH) })),
      },
      responses: answers("Signed in; the answer sets the session's cookie", who),
    }),
    (c) => c.json(auth.signIn(c, c.req.valid("json").token), 200),
  );

  app.openapi(
    createRoute({
      method: "get",
      path: SIGN_IN_PATH,
      middleware: [auth.needs("site")],
      responses: answers("Who is signed in", who),
    }),
    (c) => c.json(c.get("identity"), 200),
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: SIGN_IN_PATH,
      middleware: [auth.needs("site")],
      responses: answers("Signed out", z.object({})),
    }),
    (c) => {
      auth.signOut(c);
      return c.json({}, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/site",
      middleware: [auth.needs("site")],
      responses: answers(
        "The place as people know it: rooms, rows, racks, cooling, power, doors",
        z.custom<SiteModel>().openapi({ type: "object" }),
      ),
    }),
    (c) => c.json(sources.site, 200),
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/notifications",
      middleware: [auth.needs("service")],
      request: { query: pageQuery },
      responses: answers("The newest deliveries to people", listOf(Notification)),
    }),
    (c) => {
      const { limit = USUAL_PAGE } = c.req.valid("query");
      return c.json({ items: sources.outbox.list({ limit }), next: null }, 200);
    },
  );
}

/** The description of everything above, for people and generators. */
export function addApiDescription({ app, auth }: RouteDeps): void {
  app.get("/api/v1/openapi.json", auth.needs("site"), (c) =>
    c.json(
      app.getOpenAPI31Document({
        openapi: "3.1.0",
        info: { title: "Plenum", version: VERSION },
        security: [{ bearer: [] }],
      }),
    ),
  );
}
