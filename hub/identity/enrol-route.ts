import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import type { Clock } from "../../contract/clock.ts";
import { idSchema } from "../../contract/id-schema.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { AccessNotes } from "../http/access-notes.ts";
import { type AppEnv, addressOf } from "../http/app-env.ts";
import { badRequest, HttpProblem } from "../http/problem.ts";
import { FailureThrottle } from "../http/throttle.ts";
import { EnrolRefused } from "./enrolment.ts";
import type { Pki } from "./pki.ts";

const MQTTS_PORT = 8_883;
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
  mqttAt: () => MqttPlace | null;
}

/** `host` null: the machine that answers here. */
export interface MqttPlace {
  host: string | null;
  port: number;
}

/** Where nodes reach the broker by TLS: the hub's own while it listens on `ownPort`, or one beside it. */
export function mqttPlace(mqtt: HubConfig["mqtt"], ownPort: number | undefined): MqttPlace | null {
  if (mqtt.external?.tls) {
    const { hostname, port } = new URL(mqtt.external.url);
    return { host: isLoopback(hostname) ? null : hostname, port: Number(port || MQTTS_PORT) };
  }
  return mqtt.tls && ownPort !== undefined ? { host: null, port: ownPort } : null;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
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
    const at = deps.mqttAt();
    if (at === null)
      throw new HttpProblem(409, "Not set up", "mqtt.tls is not set in the hub's site.yaml.");
    const where = { mqttPort: at.port, ...(at.host !== null && { mqttHost: at.host }) };
    try {
      const { certificate } = await pki.enrolment.enrol(body.data);
      return c.json({ certificate, trust: pki.trust(), ...where }, 200);
    } catch (error) {
      if (!(error instanceof EnrolRefused)) throw error;
      const { node } = body.data;
      throttle.note(address);
      notes.refused({ address, request: "enrol", node, why: error.message });
      throw new HttpProblem(403, "Not enrolled", error.message);
    }
  });
}
