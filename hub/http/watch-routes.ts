import { createRoute, z } from "@hono/zod-openapi";
import { QUANTITIES } from "../../contract/quantity.ts";
import { StoreError } from "../history/store.ts";
import { historyRange } from "./history-step.ts";
import { badRequest, HttpProblem, notFound } from "./problem.ts";
import type { RouteDeps } from "./route-deps.ts";
import {
  answers,
  durationParam,
  HealthReport,
  History,
  idParam,
  listOf,
  Node,
  Point,
  timeParam,
} from "./schemas.ts";

/** Points, their history, nodes and the hub's own health. */
export function addWatchRoutes({ app, auth, sources, views }: RouteDeps): void {
  const get = { method: "get" as const, middleware: [auth.needs("watch")] };

  app.openapi(
    createRoute({
      ...get,
      path: "/api/v1/points",
      responses: answers("Every point with its newest value", listOf(Point)),
    }),
    (c) => c.json({ items: views.points(), next: null }, 200),
  );

  app.openapi(
    createRoute({
      ...get,
      path: "/api/v1/points/{id}",
      request: { params: idParam },
      responses: answers("One point", Point),
    }),
    (c) => c.json(views.point(pointOf(c.req.valid("param").id)), 200),
  );

  app.openapi(
    createRoute({
      ...get,
      path: "/api/v1/points/{id}/history",
      request: {
        params: idParam,
        query: z.strictObject({
          from: timeParam.optional(),
          to: timeParam.optional(),
          step: durationParam.optional(),
        }),
      },
      responses: answers("Minimum, maximum and mean of good values; holes stay holes", History),
    }),
    async (c) => {
      const { info } = pointOf(c.req.valid("param").id);
      const range = historyRange(c.req.valid("query"), {
        periodMs: info.periodMs,
        nowMs: sources.clock.nowMs(),
      });
      const items = await ask(() => sources.history.history({ point: info.id, ...range }));
      const { fromMs: from, toMs: to, stepMs } = range;
      const { unit } = QUANTITIES[info.quantity];
      return c.json({ point: info.id, unit, from, to, stepMs, items, next: null }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...get,
      path: "/api/v1/nodes",
      responses: answers("Every edge node", listOf(Node)),
    }),
    (c) => c.json({ items: views.nodes(), next: null }, 200),
  );

  app.openapi(
    createRoute({
      ...get,
      path: "/api/v1/health",
      responses: answers("The hub's own condition", HealthReport),
    }),
    (c) => c.json(views.health(), 200),
  );

  function pointOf(id: string) {
    const point = views.find(id);
    if (!point) throw notFound(`No point is called ${id}.`);
    return point;
  }
}

async function ask<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof RangeError) throw badRequest(error.message);
    if (error instanceof StoreError)
      throw new HttpProblem(503, "No history now", "The history store does not answer.", {
        "retry-after": "10",
      });
    throw error;
  }
}
