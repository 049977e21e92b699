import { HTTPException } from "hono/http-exception";
import type { Problem } from "../../contract/api.ts";

/** A refusal that the caller is told about, as RFC 9457 problem details. `message` is its detail. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly headers: Record<string, string>;

  constructor(status: number, title: string, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.status = status;
    this.title = title;
    this.headers = headers;
  }
}

export const notFound = (what: string) => new HttpProblem(404, "Not found", what);
export const badRequest = (detail: string) =>
  new HttpProblem(400, "Request not understood", detail);

export function problemResponse({ status, title, message, headers }: HttpProblem): Response {
  const body: Problem = { type: "about:blank", title, status, detail: message };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** Errors of the framework itself (a body that is not JSON, for instance) in our words; undefined for a fault of ours. */
export function asProblem(error: Error): HttpProblem | undefined {
  if (error instanceof HttpProblem) return error;
  if (error instanceof HTTPException && error.status < 500)
    return new HttpProblem(error.status, "Request not understood", error.message || "no detail");
  return undefined;
}
