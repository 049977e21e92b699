import { createRoute, z } from "@hono/zod-openapi";
import { idSchema } from "../../contract/id-schema.ts";
import { StoreError } from "../history/store.ts";
import { MAX_PER_ORDER } from "../ingest/quarantine-desk.ts";
import { HttpProblem } from "./problem.ts";
import type { RouteDeps } from "./route-deps.ts";
import { answers, jsonBody, limitParam, wholeParam } from "./schemas.ts";

const USUAL_PAGE = 500;

const item = z
  .object({
    id: z.number().int(),
    node: z.string(),
    epoch: z.string(),
    seq: z.number().int(),
    receivedAt: z.number().int(),
    why: z.string(),
    row: z.string(),
  })
  .openapi("Quarantined");
const page = z.object({
  items: z.array(item),
  next: z.string().nullable(),
  /** Rows ever refused, also those released, dropped or no longer kept. */
  total: z.number().int(),
  /** Rows kept at present. */
  held: z.number().int(),
  reasons: z.array(z.object({ why: z.string(), count: z.number().int() })),
});

const why = z.string().min(1).max(2_000);
const choice = {
  ids: z.array(z.number().int().min(1)).min(1).max(MAX_PER_ORDER).optional(),
  node: idSchema.optional(),
  why: why.optional(),
};
const NOTHING_CHOSEN = "say which rows: by ids, node or why";
type Chosen = { ids?: number[] | undefined; node?: string | undefined; why?: string | undefined };
const chooses = ({ ids, node, why }: Chosen) =>
  ids !== undefined || node !== undefined || why !== undefined;

/** Rows that were refused: what they are, and a person's orders to let them through or throw them away. */
export function addQuarantineRoutes({ app, auth, sources }: RouteDeps): void {
  const { quarantine, desk } = sources;
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/quarantine",
      middleware: [auth.needs("quarantine")],
      request: {
        query: z.strictObject({
          limit: limitParam.optional(),
          node: idSchema.optional(),
          why: why.optional(),
          cursor: wholeParam.optional(),
        }),
      },
      responses: answers(
        "Rows that were refused, the newest first; at most 10,000 are kept, and of the node with the " +
          "most the oldest go first",
        page,
      ),
    }),
    (c) => {
      const { limit = USUAL_PAGE, cursor, ...wanted } = c.req.valid("query");
      const items = quarantine.list({ ...wanted, before: cursor, limit: limit + 1 });
      const shown = items.slice(0, limit);
      const next = items.length > limit ? String(shown.at(-1)?.id) : null;
      const counts = { total: quarantine.count(), held: quarantine.held() };
      return c.json({ items: shown, next, ...counts, reasons: quarantine.reasons() }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/quarantine/release",
      middleware: [auth.needs("release")],
      request: { body: jsonBody(z.strictObject(choice).refine(chooses, NOTHING_CHOSEN)) },
      responses: answers(
        `Rows judged again by today's rules, the newest ${MAX_PER_ORDER} that fit: those that pass are ` +
          "stored once, the others stay with today's reason",
        z.object({
          released: z.number().int(),
          kept: z.array(z.object({ id: z.number().int(), why: z.string() })),
          more: z.boolean(),
        }),
      ),
    }),
    async (c) => {
      try {
        const { name } = c.get("identity");
        return c.json(await desk.release(c.req.valid("json"), name), 200);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        throw new HttpProblem(
          503,
          "Not released",
          "The history takes nothing at the moment; the rows stay in quarantine. Ask again later.",
        );
      }
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/quarantine/drop",
      middleware: [auth.needs("release")],
      request: {
        body: jsonBody(
          z
            .strictObject({ ...choice, reason: z.string().trim().min(1).max(500) })
            .refine(chooses, NOTHING_CHOSEN),
        ),
      },
      responses: answers(
        `Rows thrown away for good, the newest ${MAX_PER_ORDER} that fit; who, why and which stand in the ledger`,
        z.object({ dropped: z.number().int(), more: z.boolean() }),
      ),
    }),
    (c) => {
      const { reason, ...wanted } = c.req.valid("json");
      return c.json(desk.drop(wanted, c.get("identity").name, reason), 200);
    },
  );
}
