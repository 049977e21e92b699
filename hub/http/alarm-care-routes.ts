import { createRoute, z } from "@hono/zod-openapi";
import {
  alarmHealthSchema,
  coverageSchema,
  drillSchema,
  problemSchema,
  rehearsalSchema,
} from "../../contract/alarm-health.ts";
import { dutySchema, ruleTextSchema } from "../../contract/duty.ts";
import { idSchema } from "../../contract/id-schema.ts";
import type { AlarmCare } from "../alarm-health/alarm-care.ts";
import { DrillRefused } from "../drill/drills.ts";
import { ProblemRefused } from "../problems/problems.ts";
import { RehearsalRefused } from "../rehearsal/rehearsals.ts";
import { badRequest, HttpProblem, notFound } from "./problem.ts";
import type { RouteDeps } from "./route-deps.ts";
import { answers, idParam, jsonBody, listOf, timeParam, wholeParam } from "./schemas.ts";

const DAY_MS = 86_400_000;
/** Ten bad actors need a month to show. */
const USUAL_DAYS = 30;
const MAX_DRILLS = 120;
const MAX_DAYS = 800;

const Health = z.object(alarmHealthSchema.shape).openapi("AlarmHealth");
const Coverage = z.object(coverageSchema.shape).openapi("Coverage");
const Drill = z.object(drillSchema.shape).openapi("Drill");
const Problem = z.object(problemSchema.shape).openapi("RecurringProblem");
const Rehearsal = z.object(rehearsalSchema.shape).openapi("Rehearsal");
const OnDuty = z.object(dutySchema.shape).openapi("OnDuty");
const RuleText = z.object(ruleTextSchema.shape).openapi("RuleText");

/** What the hub knows about how well its alarms work, and what people do about it. */
export function addAlarmCareRoutes(deps: RouteDeps): void {
  const { alarmCare } = deps.sources;
  if (!alarmCare) return;
  addReports(deps, alarmCare);
  addDrills(deps, alarmCare);
  addProblems(deps, alarmCare);
  addRehearsals(deps, alarmCare);
}

function addReports({ app, auth, sources }: RouteDeps, care: AlarmCare): void {
  const watch = [auth.needs("watch")];
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/alarm-health",
      middleware: watch,
      request: {
        query: z.strictObject({ from: timeParam.optional(), to: timeParam.optional() }),
      },
      responses: answers("Figures of ISA-18.2 and EEMUA 191 beside their targets", Health),
    }),
    async (c) => {
      const now = sources.clock.nowMs();
      const { to = now, from = to - USUAL_DAYS * DAY_MS } = c.req.valid("query");
      try {
        return c.json(await care.health.report(from, to), 200);
      } catch (error) {
        throw error instanceof RangeError ? badRequest(error.message) : error;
      }
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/coverage",
      middleware: watch,
      responses: answers("What nobody would hear of", Coverage),
    }),
    (c) => c.json(care.coverage.report(), 200),
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/duty",
      // It names people.
      middleware: [auth.needs("service")],
      responses: answers("Whose turn it is in every rota, and until when", listOf(OnDuty)),
    }),
    (c) => c.json({ items: care.duty(sources.clock.nowMs()), next: null }, 200),
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/rules",
      middleware: watch,
      responses: answers("Every rule of the site as it stands now", listOf(RuleText)),
    }),
    (c) => c.json({ items: care.ruleTexts(), next: null }, 200),
  );
}

function addDrills({ app, auth }: RouteDeps, { drills }: AlarmCare): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/drills",
      middleware: [auth.needs("service")],
      responses: answers("Drills, the newest first", listOf(Drill)),
    }),
    (c) => c.json({ items: drills.list(MAX_DRILLS), next: null }, 200),
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/drills/{id}",
      middleware: [auth.needs("service")],
      request: { params: idParam },
      responses: answers("One drill as it stands now", Drill),
    }),
    (c) => c.json(known("drill", c.req.valid("param").id, drills.get), 200),
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/drills",
      middleware: [auth.needs("maintain")],
      responses: answers("The drill that has begun: a test goes to every receiver", Drill),
    }),
    (c) =>
      c.json(
        done(() => drills.start(c.get("identity").name)),
        200,
      ),
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/drills/{id}/ack",
      middleware: [auth.needs("operate")],
      request: {
        params: idParam,
        body: jsonBody(z.strictObject({ receiver: z.string().min(1).max(64) })),
      },
      responses: answers("The drill with the receiver's test acknowledged", Drill),
    }),
    (c) => {
      const { id } = c.req.valid("param");
      const { receiver } = c.req.valid("json");
      const { steps } = known("drill", id, drills.get);
      if (!steps.some((step) => step.receiver === receiver && step.kind !== "step"))
        throw notFound(`The drill sent nothing to "${receiver}".`);
      drills.acknowledge(id, receiver, c.get("identity").name);
      return c.json(known("drill", id, drills.get), 200);
    },
  );
}

function addProblems({ app, auth, sources }: RouteDeps, care: AlarmCare): void {
  const { problems, health } = care;
  const list = async (days = USUAL_DAYS, times = 3) => {
    await health.index.catchUp();
    return problems.list(sources.clock.nowMs() - days * DAY_MS, times);
  };
  const one = async (id: string) => {
    const all = await list(MAX_DAYS, 1);
    return known("problem", id, (name) => all.find(({ alarm }) => alarm === name));
  };
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/problems",
      middleware: [auth.needs("watch")],
      request: {
        query: z.strictObject({
          days: wholeParam.pipe(z.number().min(1).max(MAX_DAYS)).optional(),
          /** How often an alarm must have come to be one. */
          times: wholeParam.pipe(z.number().min(1).max(10_000)).optional(),
        }),
      },
      responses: answers(
        "Alarms that come again and again, and those with a note",
        listOf(Problem),
      ),
    }),
    async (c) => {
      const { days, times } = c.req.valid("query");
      return c.json({ items: await list(days, times), next: null }, 200);
    },
  );
  const link = z
    .url({ protocol: /^https?$/ })
    .max(500)
    .nullable()
    .default(null);
  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/problems/{id}/note",
      middleware: [auth.needs("operate")],
      request: {
        params: idParam,
        body: jsonBody(z.strictObject({ text: z.string().trim().max(2_000), link })),
      },
      responses: answers(
        "What is known; it shows with the alarm. An empty text removes it",
        Problem,
      ),
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      await one(id);
      const by = c.get("identity").name;
      done(() => problems.note(id, { ...c.req.valid("json"), by }));
      return c.json(await one(id), 200);
    },
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/problems/{id}/solved",
      middleware: [auth.needs("operate")],
      request: { params: idParam },
      responses: answers("The problem, solved until the alarm comes again", Problem),
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      await one(id);
      done(() => problems.solve(id, c.get("identity").name));
      return c.json(await one(id), 200);
    },
  );
}

function addRehearsals({ app, auth }: RouteDeps, care: AlarmCare): void {
  const { rehearsals } = care;
  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/rehearsals",
      middleware: [auth.needs("maintain")],
      request: {
        body: jsonBody(
          z.strictObject({
            /** One rule as it stands under `alarms` in site.yaml. */
            rule: z.string().min(1).max(10_000),
            from: z.number().int(),
            to: z.number().int(),
          }),
        ),
      },
      responses: answers(
        "The rehearsal that has begun; ask for it again to see how far it is",
        Rehearsal,
      ),
    }),
    (c) => {
      const { rule: text, ...span } = c.req.valid("json");
      const read = care.ruleOf(text);
      if ("problems" in read) throw badRequest(read.problems.slice(0, 10).join("; "));
      return c.json(
        done(() => rehearsals.start(read.rule, span).rehearsal),
        200,
      );
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/rehearsals",
      middleware: [auth.needs("watch")],
      responses: answers("Rehearsals since the hub started, the newest first", listOf(Rehearsal)),
    }),
    (c) => c.json({ items: rehearsals.list(), next: null }, 200),
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/rehearsals/{id}",
      middleware: [auth.needs("watch")],
      request: { params: z.strictObject({ id: idSchema }) },
      responses: answers("One rehearsal as far as it is", Rehearsal),
    }),
    (c) => c.json(known("rehearsal", c.req.valid("param").id, rehearsals.get), 200),
  );
}

function known<T>(what: string, id: string, find: (id: string) => T | undefined): T {
  const found = find(id);
  if (found === undefined) throw notFound(`No ${what} is called ${id}.`);
  return found;
}

const REFUSALS = [DrillRefused, ProblemRefused, RehearsalRefused];

/** Runs an order; what cannot be done is the caller's problem, in words. */
function done<T>(order: () => T): T {
  try {
    return order();
  } catch (error) {
    if (!(error instanceof Error) || !REFUSALS.some((kind) => error instanceof kind)) throw error;
    throw new HttpProblem(409, "Not possible", error.message);
  }
}
