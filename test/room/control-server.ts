import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { z } from "zod";
import { CommandError } from "./commands.ts";
import { closeServer, listen } from "./wire/listen.ts";

const BODY_MAX = 4_096;

const orderSchema = z.strictObject({
  command: z.string().max(40),
  target: z.string().max(80).default(""),
  value: z
    .union([z.string().max(80), z.number()])
    .transform(String)
    .default(""),
});

export interface ControlDeps {
  /** Carries out a command, says what was done, throws CommandError. */
  obey(command: string, target: string, value: string): string;
  commands(): unknown;
  state(): Record<string, number>;
  faults(): unknown;
}

/**
 * The room's control on loopback: `POST /do {command, target, value}`, `GET /state` (true values by
 * point), `GET /faults` (what is not as it should be), `GET /` (every command in plain words).
 */
export async function startControl(
  deps: ControlDeps,
  port: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    answer(deps, request, response).catch((error: unknown) => {
      reply(response, 500, { error: String(error) });
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const bound = await listen(server, port);
  return { port: bound, close: () => closeServer(server, sockets) };
}

async function answer(deps: ControlDeps, request: IncomingMessage, response: ServerResponse) {
  const route = `${request.method} ${new URL(request.url ?? "/", "http://room").pathname}`;
  const pages: Record<string, () => unknown> = {
    "GET /": () => ({ commands: deps.commands() }),
    "GET /state": () => deps.state(),
    "GET /faults": () => deps.faults(),
  };
  const page = pages[route];
  if (page) return reply(response, 200, page());
  if (route !== "POST /do")
    return reply(response, 404, {
      error: `${route} does not exist; allowed: ${Object.keys(pages).join(", ")}, POST /do`,
    });
  // A web page elsewhere cannot send this type without asking first, and is not answered then.
  if (!request.headers["content-type"]?.startsWith("application/json"))
    return reply(response, 415, { error: "the content type must be application/json" });
  try {
    const { command, target, value } = orderSchema.parse(JSON.parse(await bodyOf(request)));
    reply(response, 200, { done: deps.obey(command, target, value) });
  } catch (error) {
    const why = refusalOf(error);
    if (why === undefined) throw error;
    reply(response, 400, { error: why });
  }
}

function refusalOf(error: unknown): string | undefined {
  if (error instanceof CommandError) return error.message;
  if (error instanceof SyntaxError) return `the body is not JSON: ${error.message}`;
  if (!(error instanceof z.ZodError)) return undefined;
  const issues = error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  return `${issues.join("; ")}; allowed: {"command", "target", "value"}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > BODY_MAX)
      throw new CommandError(`the body is longer than ${BODY_MAX} characters`);
  }
  return body;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
