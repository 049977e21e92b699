import { constants } from "node:crypto";
import { createServer as createPlainServer, type Server, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import type { Clock } from "../../contract/clock.ts";
import { Turnstile } from "./turnstile.ts";

/** Who a client has proven to be by its certificate, or why its certificate is not taken. */
export type Peer = { node: string; serial: string } | { why: string };

/** The broker's view of TLS and of who may enter by it. */
export interface BrokerTls {
  current(): { key: string; cert: string };
  onChange(listener: (next: { key: string; cert: string }) => void): void;
  /** PEM of the authority whose client certificates are looked at. */
  authority: string;
  examine(presented: Presented): Peer;
  /** Why a certificate that was good may not be used any more; undefined while it may. */
  whyNot(serial: string, node: string): string | undefined;
}

export interface Presented {
  certificate: ReturnType<TLSSocket["getPeerX509Certificate"]>;
  error: string | null;
  address: string;
}

export interface ListenerDeps {
  host: string;
  port: number;
  tls: BrokerTls | undefined;
  /** Lets clients without a certificate through, for those who sign in with a password. */
  anonymous: boolean;
  clock: Clock;
  /** `peer` is undefined for a client that has shown no certificate. */
  onSocket(socket: Socket, peer: { node: string; serial: string } | undefined): void;
  onRefused(who: string, why: string): void;
}

/** Connections in all. */
const MAX_CONNECTIONS = 1_200;
const HANDSHAKE_MS = 5_000;

/** The port that clients connect to, with or without TLS. */
export class Listener {
  readonly #deps: ListenerDeps;
  readonly #server: Server;
  readonly #turnstile: Turnstile<Socket>;
  readonly #tls: TlsServer | undefined;
  /** Not handed on yet. */
  readonly #early = new Set<Socket>();

  constructor(deps: ListenerDeps) {
    this.#deps = deps;
    this.#tls = deps.tls && this.#tlsServer(deps.tls);
    this.#turnstile = new Turnstile(deps.clock, (socket) => {
      if (!socket.destroyed) this.#tls?.emit("connection", socket);
    });
    this.#server = createPlainServer({ pauseOnConnect: this.#tls !== undefined }, (socket) =>
      this.#tls ? this.#queue(socket) : deps.onSocket(socket, undefined),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  async open(): Promise<void> {
    const { host, port } = this.#deps;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Takes no more connections; resolves once those that were handed on have ended, too. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#turnstile.close();
    for (const socket of this.#early) socket.destroy();
    return closed;
  }

  #queue(socket: Socket): void {
    this.#early.add(socket);
    socket.once("close", () => this.#early.delete(socket));
    // Whoever is gone again before its turn is no fault.
    socket.on("error", () => socket.destroy());
    const address = socket.remoteAddress ?? "?";
    if (this.#turnstile.enter(address, socket)) return;
    this.#deps.onRefused(address, "too many connections wait for their handshake");
    socket.destroy();
  }

  #tlsServer(tls: BrokerTls): TlsServer {
    const options = (own: { key: string; cert: string }) => ({
      ...own,
      ca: tls.authority,
      minVersion: "TLSv1.2" as const,
      // A resumed session would carry yesterday's verdict on a certificate.
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    const server = createTlsServer({
      ...options(tls.current()),
      requestCert: true,
      // Judged below, because here a refusal has no name and no reason.
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_MS,
    });
    tls.onChange((next) => server.setSecureContext(options(next)));
    server.on("secureConnection", (socket) => this.#judge(socket, tls));
    server.on("tlsClientError", (error, socket) => {
      const { code, message } = error as NodeJS.ErrnoException;
      socket.destroy();
      if (code === "ECONNRESET") return;
      this.#deps.onRefused(
        socket.remoteAddress ?? "?",
        `TLS handshake failed (${code ?? message})`,
      );
    });
    return server;
  }

  #judge(socket: TLSSocket, tls: BrokerTls): void {
    const { anonymous, onSocket, onRefused } = this.#deps;
    const address = socket.remoteAddress ?? "?";
    const certificate = socket.getPeerX509Certificate();
    const error = socket.authorized ? null : String(socket.authorizationError);
    const guest = !certificate && anonymous;
    const peer = guest ? undefined : tls.examine({ certificate, error, address });
    if (!peer || "node" in peer) onSocket(socket, peer);
    else {
      onRefused(address, peer.why);
      socket.on("error", () => socket.destroy());
      socket.destroy();
    }
  }
}
