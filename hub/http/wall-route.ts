import { createRoute, z } from "@hono/zod-openapi";
import type { RouteDeps } from "./route-deps.ts";
import { answers } from "./schemas.ts";

/** Where a screen on the wall says that it paints. */
export function addWallRoute({ app, auth, sources }: RouteDeps): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/wall",
      middleware: [auth.needs("site")],
      responses: answers("Heard; who is no wall screen is not watched", z.object({})),
    }),
    (c) => {
      sources.walls?.heard(c.get("identity").name);
      return c.json({}, 200);
    },
  );
}
