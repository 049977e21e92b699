import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Every key of every body the set-up sends. */
interface Body {
  name: string;
  retentionRules: { everySeconds: number }[];
  database: string;
  bucketID: string;
  token: string;
  password: string;
  permissions: { action: string; resource: { id: string } }[];
  db: string;
  table: string;
  tags: string[];
  retention_period?: string;
  token_name: string;
}

/** What one request looks like to a stand-in. */
export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  json: Body;
  body: string;
  /** Of Basic authorization. */
  user: string;
  password: string;
  /** Of Token or Bearer authorization. */
  token: string;
}
export interface Replied {
  status: number;
  json?: unknown;
  headers?: Record<string, string>;
}

/**
 * A small HTTP server in the place of an InfluxDB that Debian has no package of. It knows the requests
 * of the public API reference that the set-up makes, and nothing else: 404.
 */
export class StandIn {
  readonly url: string;
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(reply: (asked: Asked) => Replied): Promise<StandIn> {
    let standIn: StandIn | undefined;
    const server = createServer(async (request, response) => {
      const asked = await read(request);
      standIn?.asked.push(asked);
      const { status, json, headers } = reply(asked);
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(json === undefined ? "" : JSON.stringify(json));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    standIn = new StandIn(server);
    return standIn;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function read(request: IncomingMessage): Promise<Asked> {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
  const [scheme = "", rest = ""] = (request.headers.authorization ?? "").split(" ");
  const [user = "", ...password] = Buffer.from(rest, "base64").toString().split(":");
  const basic = scheme === "Basic";
  return {
    method: request.method ?? "",
    path: pathname,
    query: searchParams,
    json: request.headers["content-type"] === "application/json" ? JSON.parse(body) : {},
    body,
    user: basic ? user : "",
    password: basic ? password.join(":") : "",
    token: basic ? "" : rest,
  };
}
