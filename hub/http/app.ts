import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import type { Logger } from "pino";
import { addEnrolRoute, type EnrolRouteDeps } from "../identity/enrol-route.ts";
import { isStorageFault } from "../state/hub-db.ts";
import { type AckLinkDeps, addAckLinkRoute } from "./ack-link-route.ts";
import { addAlarmCareRoutes } from "./alarm-care-routes.ts";
import { addAlarmRoutes } from "./alarm-routes.ts";
import type { AppEnv } from "./app-env.ts";
import type { Auth } from "./auth.ts";
import { addCompletenessRoute } from "./completeness-route.ts";
import { addDoorRoutes } from "./door-routes.ts";
import { MAX_BODY_BYTES, sameOrigin, securityHeaders, strictTransport } from "./guards.ts";
import { addIncidentRoutes } from "./incident-routes.ts";
import type { Metrics } from "./metrics.ts";
import { asProblem, badRequest, HttpProblem, notFound, problemResponse } from "./problem.ts";
import { addQuarantineRoutes } from "./quarantine-routes.ts";
import type { RouteDeps } from "./route-deps.ts";
import { addApiDescription, addServiceRoutes } from "./service-routes.ts";
import type { HttpSources } from "./sources.ts";
import type { StaticFiles } from "./static-files.ts";
import type { Stream } from "./stream.ts";
import { addStreamRoute } from "./stream-route.ts";
import type { Views } from "./views.ts";
import { addWallRoute } from "./wall-route.ts";
import { addWatchRoutes } from "./watch-routes.ts";

export interface AppDeps {
  auth: Auth;
  sources: HttpSources;
  views: Views;
  stream: Stream;
  metrics: Metrics;
  files: StaticFiles;
  /** Host and port of the address people open, when a proxy changes it. */
  publicHost: string | undefined;
  /** Tells browsers to come by TLS only, for half a year. */
  hsts: boolean;
  enrol?: EnrolRouteDeps;
  /** Answers links in messages. */
  ackLink?: AckLinkDeps;
  log: Logger;
}

/** Every route of the hub. Only /healthz and the web pages answer a stranger. */
export function createApp(deps: AppDeps): OpenAPIHono<AppEnv> {
  const { auth, sources, views, stream, metrics, files, log } = deps;
  const app = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const lines = result.error.issues.map(
        ({ path, message }) => `${path.join(".") || result.target}: ${message}`,
      );
      throw badRequest(lines.slice(0, 10).join("; "));
    },
  });
  app.onError((error) => {
    const problem = asProblem(error);
    if (problem) return problemResponse(problem);
    log.error({ err: error }, "request failed");
    return problemResponse(
      isStorageFault(error)
        ? new HttpProblem(503, "Not kept", "The hub's disk takes no data; nothing was changed.")
        : new HttpProblem(500, "Failed", "The hub could not answer; its log says why."),
    );
  });
  app.notFound((c) => problemResponse(notFound(`Nothing is at ${c.req.path.slice(0, 200)}.`)));

  app.use(securityHeaders, sameOrigin(deps.publicHost));
  if (deps.hsts) app.use(strictTransport);
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new HttpProblem(413, "Too large", `At most ${MAX_BODY_BYTES} bytes.`, {
          connection: "close",
        });
      },
    }),
  );
  app.get("/healthz", (c) => {
    const { status, selfCheck } = views.health();
    if (selfCheck.ok !== false) return c.json({ status });
    return c.json({ status: "failing", stage: selfCheck.stage, why: selfCheck.why }, 503);
  });
  if (deps.enrol) addEnrolRoute(app, deps.enrol);
  if (deps.ackLink) addAckLinkRoute(app, deps.ackLink);
  app.use("/api/*", auth.identify());
  app.use("/metrics", auth.identify());

  const routes: RouteDeps = { app, auth, sources, views };
  addServiceRoutes(routes);
  addWatchRoutes(routes);
  addWallRoute(routes);
  addAlarmRoutes(routes);
  addIncidentRoutes(routes);
  addAlarmCareRoutes(routes);
  addCompletenessRoute(routes);
  addDoorRoutes(routes);
  addQuarantineRoutes(routes);
  addStreamRoute(routes, stream);
  addApiDescription(routes);
  app.get("/metrics", auth.needs("service"), (c) =>
    c.text(metrics.text(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  app.get("*", (c) => {
    const file = files.find(c.req.path);
    if (!file) return c.notFound();
    if (c.req.header("if-none-match") === file.headers.etag) return c.body(null, 304, file.headers);
    return c.body(file.body, 200, file.headers);
  });
  return app;
}
