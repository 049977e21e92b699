import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "./app-env.ts";
import type { Auth } from "./auth.ts";
import type { HttpSources } from "./sources.ts";
import type { Views } from "./views.ts";

/** What the files that add routes are given. */
export interface RouteDeps {
  app: OpenAPIHono<AppEnv>;
  auth: Auth;
  sources: HttpSources;
  views: Views;
}
