import { createRoute, z } from "@hono/zod-openapi";
import { idSchema } from "../../contract/id-schema.ts";
import { incidentDetailSchema, incidentViewSchema } from "../../contract/incident.ts";
import type { IncidentSource } from "../incidents/incident-room.ts";
import { IncidentRefused } from "../incidents/incidents.ts";
import { HttpProblem, notFound } from "./problem.ts";
import type { RouteDeps } from "./route-deps.ts";
import { answers, idParam, jsonBody, limitParam } from "./schemas.ts";

const Incident = z.object(incidentViewSchema.shape).openapi("Incident");
const Detail = z.object(incidentDetailSchema.shape).openapi("IncidentDetail");
const List = z.object({ items: z.array(Incident), next: z.string().nullable() });
const text = z.string().trim().min(1, "say something").max(1_000);

/** Incidents, and what people do about them. Each order carries its giver's name into the ledger. */
export function addIncidentRoutes({ app, auth, sources }: RouteDeps): void {
  const { incidents } = sources;
  if (!incidents) return;
  const watch = [auth.needs("watch")];
  const operate = [auth.needs("operate")];

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/incidents",
      middleware: watch,
      request: {
        query: z.strictObject({
          /** `closed`: from the newest back; without it, what is open, over, or was closed within a day. */
          state: z.literal("closed").optional(),
          limit: limitParam.optional(),
          /** The `next` of the page before. */
          before: idSchema.optional(),
        }),
      },
      responses: answers("Incidents, the most urgent first", List),
    }),
    (c) => {
      const { state, limit = 100, before } = c.req.valid("query");
      if (state === "closed") return c.json(incidents.closed(limit, before), 200);
      return c.json({ items: incidents.list(), next: null }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/incidents/{id}",
      middleware: watch,
      request: { params: idParam },
      responses: answers("One incident with its members and timeline", Detail),
    }),
    (c) => c.json(known(c.req.valid("param").id, incidents.detail(c.req.valid("param").id)), 200),
  );

  app.get("/api/v1/incidents/:id/report", auth.needs("watch"), (c) => {
    const id = c.req.param("id");
    return c.body(known(id, incidents.report(id)), 200, {
      "content-type": "text/markdown; charset=utf-8",
      "content-disposition": `attachment; filename="${idSchema.parse(id)}.md"`,
    });
  });

  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/incidents/{id}/ack",
      middleware: operate,
      request: { params: idParam },
      responses: answers("The incident afterwards; all its alarms are acknowledged", Detail),
    }),
    (c) => {
      const { id } = c.req.valid("param");
      return c.json(
        done(() => incidents.acknowledge(id, c.get("identity").name)),
        200,
      );
    },
  );

  const orders: [word: "merge" | "split" | "note", body: OrderBody, what: string][] = [
    ["merge", z.strictObject({ into: idSchema }), "The incident that holds both now"],
    ["split", z.strictObject({ alarm: idSchema }), "The new incident of that alarm alone"],
    ["note", z.strictObject({ text }), "The incident with the note in its timeline"],
  ];
  for (const [word, body, what] of orders)
    app.openapi(
      createRoute({
        method: "post",
        path: `/api/v1/incidents/{id}/${word}` as const,
        middleware: operate,
        request: { params: idParam, body: jsonBody(body) },
        responses: answers(what, Detail),
      }),
      (c) => {
        const { id } = c.req.valid("param");
        const order = c.req.valid("json") as Record<string, string>;
        const [argument = ""] = Object.values(order);
        const by = c.get("identity").name;
        return c.json(
          done(() => incidents[word](id, argument, by)),
          200,
        );
      },
    );
}

type OrderBody = z.ZodObject<Record<string, z.ZodType>>;

function known<T>(id: string, found: T | undefined): T {
  if (found === undefined) throw notFound(`No incident is called ${id.slice(0, 64)}.`);
  return found;
}

/** Runs an order; what cannot be done is the caller's problem, in words. */
function done(order: () => ReturnType<IncidentSource["note"]>): ReturnType<IncidentSource["note"]> {
  try {
    return order();
  } catch (error) {
    if (!(error instanceof IncidentRefused)) throw error;
    const isUnknown = error.message.startsWith("No incident");
    throw isUnknown ? notFound(error.message) : new HttpProblem(409, "Not possible", error.message);
  }
}
