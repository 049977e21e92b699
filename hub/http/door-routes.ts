import { createRoute, z } from "@hono/zod-openapi";
import { idSchema } from "../../contract/id-schema.ts";
import type { Verdict } from "../ledger/chain.ts";
import { badRequest, HttpProblem } from "./problem.ts";
import type { RouteDeps } from "./route-deps.ts";
import {
  answers,
  Door,
  LedgerEntry,
  limitParam,
  listOf,
  timeParam,
  wholeParam,
} from "./schemas.ts";

const logQuery = z.strictObject({
  from: timeParam.optional(),
  to: timeParam.optional(),
  door: idSchema.optional(),
  type: z
    .string()
    .regex(/^[a-z][a-z0-9.-]{0,63}$/, "a type such as door.opened, or its family such as door")
    .optional(),
  cursor: wholeParam.optional(),
  limit: limitParam.optional(),
});

const verification = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), count: z.number().int(), head: z.string() }),
  z.object({ ok: z.literal(false), brokenAt: z.number().int(), why: z.string() }),
]);

/** Checking reads every record; it may take this share of the time. */
const VERIFY_SHARE = 0.1;
/** A check shorter than this needs no pause. */
const VERIFY_SHORT_MS = 50;

/** Doors now, and the access ledger. */
export function addDoorRoutes({ app, auth, sources, views }: RouteDeps): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/doors",
      middleware: [auth.needs("doors")],
      responses: answers("Every door with its state now", listOf(Door)),
    }),
    (c) => c.json({ items: views.doors(), next: null }, 200),
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/doors/log",
      middleware: [auth.needs("ledger")],
      request: { query: logQuery },
      responses: answers(
        "Ledger records; `next` is the cursor of the following page, or null",
        z.object({ items: z.array(LedgerEntry), next: z.number().int().nullable() }),
      ),
    }),
    (c) => {
      const { limit = 200, ...query } = c.req.valid("query");
      if (query.from !== undefined && query.to !== undefined && query.from >= query.to)
        throw badRequest("`from` must be earlier than `to`.");
      return c.json(sources.ledger.read({ ...query, limit }), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/doors/log/verify",
      middleware: [auth.needs("ledger")],
      responses: answers("Whether the hash chain is whole", verification),
    }),
    async (c) => c.json(await verify(), 200),
  );

  let verifyAgainAtMs = 0;
  let verifying: Promise<Verdict> | undefined;
  /** Everybody who asks while a check is running gets its verdict. */
  function verify(): Promise<Verdict> {
    verifying ??= verifyOnce().finally(() => {
      verifying = undefined;
    });
    return verifying;
  }

  async function verifyOnce(): Promise<Verdict> {
    const startMs = performance.now();
    if (startMs < verifyAgainAtMs) {
      const waitS = Math.ceil((verifyAgainAtMs - startMs) / 1_000);
      throw new HttpProblem(503, "Just checked", `The chain can be checked again in ${waitS} s.`, {
        "retry-after": String(waitS),
      });
    }
    const verdict = await sources.ledger.verifyInPages();
    const endMs = performance.now();
    const tookMs = endMs - startMs;
    if (tookMs > VERIFY_SHORT_MS) verifyAgainAtMs = endMs + tookMs / VERIFY_SHARE;
    return verdict;
  }
}
