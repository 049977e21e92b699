import { createRoute, z } from "@hono/zod-openapi";
import type { Command } from "../../contract/alarm/engine.ts";
import type { AlarmView } from "../../contract/api.ts";
import { badRequest, notFound } from "./problem.ts";
import { allowed, type Right } from "./rights.ts";
import type { RouteDeps } from "./route-deps.ts";
import { Alarm, answers, idParam, jsonBody, listOf } from "./schemas.ts";

/** How long somebody with this right may shelve. */
const MAX_SHELF_H = { operate: 24, maintain: 168 };
const reason = z.string().trim().min(1, "say why").max(200);

/** Orders that need nothing but a name, the right they take, and the engine's word for them. */
const PLAIN_ORDERS = [
  ["ack", "operate", "acknowledge"],
  ["unshelve", "operate", "unshelve"],
  ["reset", "operate", "reset"],
  ["in-service", "maintain", "in-service"],
] as const satisfies readonly (readonly [string, Right, Command["do"]])[];

/** The list of alarms, and what people do about them. Each order carries its giver's name into the ledger. */
export function addAlarmRoutes({ app, auth, sources }: RouteDeps): void {
  const watch = [auth.needs("watch")];

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/alarms",
      middleware: watch,
      responses: answers(
        "Every alarm that is not normal, shelved or out of service",
        listOf(Alarm),
      ),
    }),
    (c) => c.json({ items: sources.alarms.views(), next: null }, 200),
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/alarms/{id}",
      middleware: watch,
      request: { params: idParam },
      responses: answers("One alarm", Alarm),
    }),
    (c) => {
      const { id } = c.req.valid("param");
      return c.json(known(id, sources.alarms.view(id)), 200);
    },
  );

  for (const [word, right, order] of PLAIN_ORDERS) {
    app.openapi(
      createRoute({
        method: "post",
        path: `/api/v1/alarms/{id}/${word}` as const,
        middleware: [auth.needs(right)],
        request: { params: idParam },
        responses: answers(
          "The alarm afterwards; an order that does not apply changes nothing",
          Alarm,
        ),
      }),
      (c) => {
        const { id } = c.req.valid("param");
        return c.json(give(id, { do: order, by: c.get("identity").name }), 200);
      },
    );
  }

  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/alarms/{id}/shelve",
      middleware: [auth.needs("operate")],
      request: {
        params: idParam,
        body: jsonBody(
          z.strictObject({ reason, until: z.number().int(), once: z.literal(true).optional() }),
        ),
      },
      responses: answers("The alarm afterwards", Alarm),
    }),
    (c) => {
      const { reason, until, once } = c.req.valid("json");
      const { name: by, role } = c.get("identity");
      const now = sources.clock.nowMs();
      if (until <= now) throw badRequest("`until` is in the past.");
      const mostH = allowed(role, "maintain") ? MAX_SHELF_H.maintain : MAX_SHELF_H.operate;
      if (until > now + mostH * 3_600_000)
        throw badRequest(`\`until\` is more than ${mostH} hours from now.`);
      const order = { do: "shelve", by, reason, until, once } as const;
      return c.json(give(c.req.valid("param").id, order), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/alarms/{id}/comment",
      middleware: [auth.needs("operate")],
      request: {
        params: idParam,
        body: jsonBody(
          z.strictObject({ text: z.string().trim().min(1, "say something").max(500) }),
        ),
      },
      responses: answers("The alarm, unchanged; the comment is in the ledger", Alarm),
    }),
    (c) => {
      const { id } = c.req.valid("param");
      const view = known(id, sources.alarms.view(id));
      const { subject, rule, occurrence, title } = view;
      const by = c.get("identity").name;
      const said = { by, reason: c.req.valid("json").text };
      const detail = { alarm: id, rule, subject, occurrence, title, ...said };
      sources.ledger.appendOwn("alarm.commented", sources.clock.nowMs(), detail);
      return c.json(view, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/alarms/{id}/out-of-service",
      middleware: [auth.needs("maintain")],
      request: { params: idParam, body: jsonBody(z.strictObject({ reason })) },
      responses: answers("The alarm afterwards", Alarm),
    }),
    (c) => {
      const by = c.get("identity").name;
      const { reason } = c.req.valid("json");
      return c.json(give(c.req.valid("param").id, { do: "out-of-service", by, reason }), 200);
    },
  );

  function give(id: string, order: Command): AlarmView {
    return known(id, sources.alarms.command(id, order));
  }
}

function known(id: string, view: AlarmView | undefined): AlarmView {
  if (!view) throw notFound(`No alarm is called ${id}.`);
  return view;
}
