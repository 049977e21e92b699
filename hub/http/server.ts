import { once } from "node:events";
import type { Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Database } from "better-sqlite3";
import type { Logger } from "pino";
import type { Answers } from "../delivery/answers.ts";
import type { EnrolRouteDeps } from "../identity/enrol-route.ts";
import type { ServerTls } from "../identity/server-tls.ts";
import { VERSION } from "../version.ts";
import { AccessNotes } from "./access-notes.ts";
import { createApp } from "./app.ts";
import { Auth } from "./auth.ts";
import { Metrics } from "./metrics.ts";
import { Sessions } from "./sessions.ts";
import type { HttpSources } from "./sources.ts";
import { StaticFiles } from "./static-files.ts";
import { Stream } from "./stream.ts";
import { FailureThrottle } from "./throttle.ts";
import { type AccessToken, TokenBook } from "./tokens.ts";
import { Views } from "./views.ts";

/** The operating system refuses further connections. 100 streams and as many pages fit. */
const MAX_CONNECTIONS = 500;
const HEADERS_MS = 5_000;
const REQUEST_MS = 15_000;
const IDLE_MS = 20_000;

export interface HttpDeps {
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Speaks TLS by this certificate; without it, plain HTTP. */
  tls?: ServerTls | undefined;
  /** Where new nodes enrol; only with `tls`. */
  enrol?: Pick<EnrolRouteDeps, "pki" | "mqttAt"> | undefined;
  /** What links in messages lead to. */
  answers?: Pick<Answers, "look" | "useLink">;
  /** The address people open when a proxy stands in front; https makes the cookies Secure. */
  publicUrl?: string | null;
  tokens: readonly AccessToken[];
  db: Database;
  sources: HttpSources;
  /** Folder of the built web pages; without it only the API answers. */
  webDir?: string | undefined;
  log: Logger;
}

export interface HttpService {
  port: number;
  stream: Stream;
  /** Feeds the event streams until aborted. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Listens; throws when the port cannot be had. */
export async function startHttp(deps: HttpDeps): Promise<HttpService> {
  const { sources, log } = deps;
  const publicUrl = deps.publicUrl == null ? undefined : new URL(deps.publicUrl);
  const { tls } = deps;
  const secure = tls !== undefined || publicUrl?.protocol === "https:";
  const { clock } = sources;
  const files = new StaticFiles(deps.webDir);
  const views = new Views(sources);
  const stream = new Stream({
    sources: { ...views, alarms: () => sources.alarms.views(), incidents: views.incidents },
    version: VERSION,
    build: files.build,
    clock,
    log,
  });
  const tokens = new TokenBook(deps.tokens);
  const notes = new AccessNotes({ ledger: sources.ledger, clock, log });
  const auth = new Auth({
    tokens,
    sessions: new Sessions({ db: deps.db, tokens, clock }),
    throttle: new FailureThrottle(clock),
    notes,
    tls: secure,
  });
  const metrics = new Metrics({
    sources,
    views,
    counters: () => ({
      streamClients: stream.clients,
      streamDropped: stream.dropped,
      refusedRequests: notes.refusals,
    }),
  });
  const app = createApp({
    auth,
    sources,
    views,
    stream,
    metrics,
    files,
    publicHost: publicUrl?.host,
    hsts: tls !== undefined,
    ...(deps.answers && { ackLink: { answers: deps.answers, clock, ...wordsOf(sources.site) } }),
    ...(tls && deps.enrol && { enrol: { ...deps.enrol, notes, clock } }),
    log,
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    ...(tls && { createServer: createTlsServer }),
    serverOptions: {
      ...(tls && { ...tls.current(), minVersion: "TLSv1.2" }),
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 1_000,
    },
  }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  tls?.onChange((next) => (server as TlsServer).setSecureContext(next));
  server.listen(deps.port, deps.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  if (files.build === "none")
    log.warn({ webDir: deps.webDir }, "no web pages; the API alone answers");
  log.info({ host: deps.host, port, tls: tls !== undefined }, "HTTP open");
  return {
    port,
    stream,
    run: (signal) => stream.run(signal),
    async close() {
      stream.close();
      metrics.close();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function wordsOf({ label, timezone }: HttpSources["site"]) {
  return { siteLabel: label, timezone };
}
