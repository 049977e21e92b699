import type { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { SECURITY_HEADERS } from "./guards.ts";
import { HttpProblem } from "./problem.ts";
import type { RouteDeps } from "./route-deps.ts";
import { MAX_STREAM_CLIENTS, type Stream, type StreamSink } from "./stream.ts";

/** GET /api/v1/stream: server-sent events. */
export function addStreamRoute({ app, auth }: RouteDeps, stream: Stream): void {
  app.get("/api/v1/stream", auth.needs("watch"), (c) => {
    if (c.req.method !== "GET") throw new HttpProblem(405, "Not allowed", "Use GET.");
    if (stream.clients >= MAX_STREAM_CLIENTS)
      throw new HttpProblem(503, "Full", `${MAX_STREAM_CLIENTS} browsers are connected already.`, {
        "retry-after": "10",
      });
    const { outgoing } = c.env;
    outgoing.writeHead(200, {
      ...SECURITY_HEADERS,
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    if (!stream.open(sinkOf(outgoing), auth.stillSignedIn(c))) outgoing.destroy();
    return RESPONSE_ALREADY_SENT;
  });
}

/**
 * Writes to the socket itself: the framework's stream helper swallows write errors and offers no way
 * to cut a reader that has stopped reading.
 */
function sinkOf(response: ServerResponse): StreamSink {
  return {
    write: (text) => response.writable && response.write(text),
    onDrain: (listener) => response.on("drain", listener),
    onClose: (listener) => response.on("close", listener),
    destroy: () => response.destroy(),
  };
}
