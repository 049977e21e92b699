import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Identity } from "./rights.ts";

export interface AppEnv {
  Bindings: HttpBindings;
  Variables: { identity: Identity };
}

/** Where the request comes from, for the log and the throttle. */
export function addressOf(c: Context<AppEnv>): string {
  return c.env.incoming.socket.remoteAddress ?? "unknown";
}
