import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import type { Clock } from "../../contract/clock.ts";
import { idSchema } from "../../contract/id-schema.ts";
import type { AccessNotes } from "../http/access-notes.ts";
import { type AppEnv, addressOf } from "../http/app-env.ts";
import { badRequest, HttpProblem } from "../http/problem.ts";
import { FailureThrottle } from "../http/throttle.ts";
import { EnrolRefused } from "./enrolment.ts";
import type { Pki } from "./pki.ts";

export const ENROL_PATH = "/enrol";

const bodySchema = z.strictObject({
  token: z.string().min(1).max(200),
  node: idSchema,
  request: z.string().min(1).max(4_096),
});

export interface EnrolRouteDeps {
  pki: Pick<Pki, "enrolment" | "trust">;
  notes: Pick<AccessNotes, "refused" | "countRefusal">;
  clock: Clock;
  /** Where nodes speak MQTT with TLS; null when they cannot. */
  mqttPort: () => number | null;
}

/**
 * Where a new node exchanges its token for a certificate. It stands outside the API, because who asks has
 * no account. More than ten refusals a minute from one address are not even looked at.
 */
export function addEnrolRoute(app: OpenAPIHono<AppEnv>, deps: EnrolRouteDeps): void {
  const { pki, notes, clock } = deps;
  const throttle = new FailureThrottle(clock);
  app.post(ENROL_PATH, async (c) => {
    const address = addressOf(c);
    const waitS = throttle.limitedS(address);
    if (waitS !== null) {
      notes.countRefusal();
      throw new HttpProblem(429, "Too many attempts", `Try again in ${waitS} s.`, {
        "retry-after": String(waitS),
      });
    }
    const body = bodySchema.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success)
      throw badRequest("needs token, node and request, as plenum-edge enrol sends them");
    const mqttPort = deps.mqttPort();
    if (mqttPort === null)
      throw new HttpProblem(409, "Not set up", "mqtt.tls is not set in the hub's site.yaml.");
    try {
      const { certificate } = await pki.enrolment.enrol(body.data);
      return c.json({ certificate, trust: pki.trust(), mqttPort }, 200);
    } catch (error) {
      if (!(error instanceof EnrolRefused)) throw error;
      const { node } = body.data;
      throttle.note(address);
      notes.refused({ address, request: "enrol", node, why: error.message });
      throw new HttpProblem(403, "Not enrolled", error.message);
    }
  });
}
