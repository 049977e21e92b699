import { createRoute, z } from "@hono/zod-openapi";
import { QUANTITIES } from "../../contract/quantity.ts";
import { isOwnNode } from "../own-nodes.ts";
import { askHistory } from "./history-question.ts";
import { historyRange } from "./history-step.ts";
import { HttpProblem, notFound } from "./problem.ts";
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
      responses: answers(
        "Every point with its newest value; the last ones, named hub.…, are the hub's own",
        listOf(Point),
      ),
    }),
    (c) => c.json({ items: [...views.points(), ...views.ownPoints()], next: null }, 200),
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
      const items = await askHistory(() => sources.history.history({ point: info.id, ...range }));
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
      method: "delete",
      path: "/api/v1/nodes/{id}",
      middleware: [auth.needs("forget")],
      request: { params: idParam },
      responses: answers(
        "The node, its points and doors are forgotten; its history stays. Only while it is offline",
        z.object({}),
      ),
    }),
    (c) => {
      forget(c.req.valid("param").id, c.get("identity").name);
      return c.json({}, 200);
    },
  );

  app.openapi(
    createRoute({
      ...get,
      path: "/api/v1/health",
      responses: answers("The hub's own condition", HealthReport),
    }),
    (c) => c.json(views.health(), 200),
  );

  function forget(id: string, by: string): void {
    const node = sources.live.node(id);
    if (!node || isOwnNode(id)) throw notFound(`No node is called ${id}.`);
    if (node.online)
      throw new HttpProblem(409, "Node is online", "Switch the node off first, then forget it.");
    const { label, points } = node.birth;
    const detail = { node: id, label, points: points.length, by };
    sources.ledger.appendOwn("node.forgotten", sources.clock.nowMs(), detail);
    sources.live.forget(id);
  }

  function pointOf(id: string) {
    const point = views.find(id);
    if (!point) throw notFound(`No point is called ${id}.`);
    return point;
  }
}
