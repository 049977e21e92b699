import { createRoute, z } from "@hono/zod-openapi";
import { idSchema } from "../../contract/id-schema.ts";
import { percentOf } from "../history/completeness.ts";
import type { PointCompleteness } from "../history/completeness-report.ts";
import type { LivePoint } from "../live/live-state.ts";
import { PROBE_NODE } from "../own-nodes.ts";
import { askHistory } from "./history-question.ts";
import { badRequest, HttpProblem } from "./problem.ts";
import type { RouteDeps } from "./route-deps.ts";
import { answers, limitParam, timeParam } from "./schemas.ts";

const DAY_MS = 86_400_000;
const MAX_RANGE_MS = 3 * 366 * DAY_MS;
const USUAL_PAGE = 1_000;
/** Reports made at the same time; each may keep the store busy for seconds. */
const MAX_RUNNING = 2;

const query = z.strictObject({
  from: timeParam.optional(),
  to: timeParam.optional(),
  node: idSchema.optional(),
  point: idSchema.optional(),
  /** `next` of the page before. */
  cursor: idSchema.optional(),
  limit: limitParam.optional(),
});

const stretch = { from: z.number().int(), to: z.number().int() };
const counted = {
  expected: z.number().int(),
  stored: z.number().int(),
  /** 100 only when nothing is missing. */
  percent: z.number(),
};
const item = z
  .object({
    node: z.string(),
    point: z.string(),
    ...counted,
    /** Nothing is expected before the first reading ever; null when there is none yet. */
    since: z.number().int().nullable(),
    missing: z.array(z.object(stretch)),
    more: z.boolean(),
    approximate: z.boolean(),
    /** What the node itself declared as thinned out or lost. */
    gaps: z.array(z.object({ ...stretch, count: z.number().int(), why: z.string() })),
    /** Those of `gaps` that were thinned: of each minute the lowest, highest and last reading are there. */
    thinned: z.array(z.object({ ...stretch, count: z.number().int() })),
  })
  .openapi("Completeness");
const report = z.object({
  from: z.number().int(),
  to: z.number().int(),
  settling: z.boolean(),
  nodes: z.array(z.object({ node: z.string(), points: z.number().int(), ...counted })),
  items: z.array(item),
  next: z.string().nullable(),
});

/** What the history should hold, what it holds, and what is missing. */
export function addCompletenessRoute({ app, auth, sources }: RouteDeps): void {
  let running = 0;
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/completeness",
      middleware: [auth.needs("watch")],
      request: { query },
      responses: answers(
        "Per point what the history should hold by its period, what it holds, which ranges are missing " +
          "and which the node declared thinned or lost; per node the sums over this page. The day before " +
          "`to` unless `from` is given; the last minute is left out",
        report,
      ),
    }),
    async (c) => {
      const { limit = USUAL_PAGE, ...asked } = c.req.valid("query");
      const toMs = Math.min(asked.to ?? Number.POSITIVE_INFINITY, sources.clock.nowMs());
      const fromMs = asked.from ?? toMs - DAY_MS;
      if (fromMs >= toMs)
        throw badRequest("`from` must be earlier than `to`, and not in the future.");
      if (toMs - fromMs > MAX_RANGE_MS)
        throw badRequest("At most three years can be asked for at once.");
      if (running >= MAX_RUNNING)
        throw new HttpProblem(503, "Busy", "Two such reports are being made. Ask again soon.", {
          "retry-after": "5",
        });
      const points = pointsOf(asked);
      const page = points.slice(0, limit);
      running += 1;
      try {
        const made = await askHistory(() =>
          sources.completeness.report({ fromMs, toMs, points: page }),
        );
        const { settling, ...range } = made;
        const items = made.items.map((one) => ({ ...one, thinned: thinnedOf(one) }));
        const next = points.length > page.length ? (page.at(-1)?.info.id ?? null) : null;
        const bounds = { from: range.fromMs, to: range.toMs };
        return c.json({ ...bounds, settling, nodes: nodesOf(items), items, next }, 200);
      } finally {
        running -= 1;
      }
    },
  );

  function pointsOf({ node, point, cursor }: z.infer<typeof query>): LivePoint[] {
    return [...sources.live.points()]
      .filter(
        (live) =>
          live.node !== PROBE_NODE &&
          (node === undefined || live.node === node) &&
          (point === undefined || live.info.id === point) &&
          (cursor === undefined || live.info.id > cursor),
      )
      .sort((a, b) => (a.info.id < b.info.id ? -1 : 1));
  }
}

/** A node says in words what it did; that it thinned, by these. */
const THINNED = /lowest, highest and last of each minute|\bthinned\b/i;

function thinnedOf({ gaps }: PointCompleteness) {
  return gaps.filter(({ why }) => THINNED.test(why)).map(({ why: _, ...stretch }) => stretch);
}

function nodesOf(items: readonly PointCompleteness[]) {
  const nodes = new Map<
    string,
    { points: number; expected: number; stored: number; whole: boolean }
  >();
  for (const { node, expected, stored, percent } of items) {
    const sum = nodes.get(node) ?? { points: 0, expected: 0, stored: 0, whole: true };
    nodes.set(node, {
      points: sum.points + 1,
      expected: sum.expected + expected,
      // A point with more rows than expected must not hide what another lacks.
      stored: sum.stored + Math.min(stored, expected),
      whole: sum.whole && percent === 100,
    });
  }
  return [...nodes].map(([node, { whole, ...sum }]) => ({
    node,
    ...sum,
    percent: whole ? 100 : percentOf(sum.stored, sum.expected, false),
  }));
}
