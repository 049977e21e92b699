import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { AccessNotes } from "./access-notes.ts";
import { type AppEnv, addressOf } from "./app-env.ts";
import { isUnsafe } from "./guards.ts";
import { HttpProblem } from "./problem.ts";
import { allowed, type Identity, type Right } from "./rights.ts";
import type { Sessions } from "./sessions.ts";
import type { FailureThrottle } from "./throttle.ts";
import type { TokenBook } from "./tokens.ts";

export interface AuthDeps {
  tokens: TokenBook;
  sessions: Sessions;
  throttle: FailureThrottle;
  notes: AccessNotes;
  /** True when browsers reach this hub by TLS. */
  tls: boolean;
}

export const MAX_TOKEN_LENGTH = 512;
export const SIGN_IN_PATH = "/api/v1/session";
const CHALLENGE = { "www-authenticate": 'Bearer realm="plenum"' };

/** Who is asking, by bearer token or session cookie; without an identity the answer is 401. */
export class Auth {
  readonly #deps: AuthDeps;
  readonly #cookie: string;

  constructor(deps: AuthDeps) {
    this.#deps = deps;
    this.#cookie = deps.tls ? "__Host-plenum" : "plenum";
  }

  identify(): MiddlewareHandler<AppEnv> {
    return async (c, next) => {
      const signingIn = c.req.method === "POST" && c.req.path === SIGN_IN_PATH;
      if (!signingIn) c.set("identity", this.#identityOf(c));
      await next();
    };
  }

  /** Middleware of one route: only roles with this right pass. */
  needs(right: Right): MiddlewareHandler<AppEnv> {
    return async (c, next) => {
      const { name, role } = c.get("identity");
      if (!allowed(role, right)) {
        const request = `${c.req.method} ${c.req.path}`.slice(0, 200);
        this.#deps.notes.refused({ by: name, role, address: addressOf(c), request });
        throw new HttpProblem(403, "Not allowed", `The role ${role} may not do this.`);
      }
      await next();
    };
  }

  /** Opens a session for the holder of a token and sets its cookie. */
  signIn(c: Context<AppEnv>, token: string): Identity {
    const entry = this.#deps.tokens.find(token);
    if (!entry) throw this.#wrongToken(c);
    this.#deps.notes.signedIn(entry.name, addressOf(c));
    const { secret, maxAgeS } = this.#deps.sessions.open(entry);
    this.#setCookie(c, secret, maxAgeS);
    return { name: entry.name, role: entry.role, via: "session" };
  }

  signOut(c: Context<AppEnv>): void {
    const secret = getCookie(c, this.#cookie);
    if (secret) this.#deps.sessions.close(secret);
    deleteCookie(c, this.#cookie, { path: "/", secure: this.#deps.tls });
    this.#deps.notes.signedOut(c.get("identity").name, addressOf(c));
  }

  /** A test, for a long-lived answer, of whether its caller is still signed in. */
  stillSignedIn(c: Context<AppEnv>): () => boolean {
    const secret = getCookie(c, this.#cookie);
    if (c.get("identity").via === "token" || !secret) return () => true;
    return () => this.#deps.sessions.isOpen(secret);
  }

  #identityOf(c: Context<AppEnv>): Identity {
    const header = c.req.header("authorization");
    if (header !== undefined) {
      const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
      const entry =
        token && token.length <= MAX_TOKEN_LENGTH ? this.#deps.tokens.find(token) : undefined;
      if (!entry) throw this.#wrongToken(c);
      return { name: entry.name, role: entry.role, via: "token" };
    }
    const secret = getCookie(c, this.#cookie);
    const session = secret ? this.#deps.sessions.find(secret) : undefined;
    if (!secret || !session)
      throw new HttpProblem(401, "Sign in", "Nobody is signed in.", CHALLENGE);
    if (isUnsafe(c.req.method) && !c.req.header("origin") && !c.req.header("sec-fetch-site"))
      throw new HttpProblem(403, "Refused", "The browser did not say which page asks for this.");
    if (session.renewMaxAgeS !== null) this.#setCookie(c, secret, session.renewMaxAgeS);
    return session.identity;
  }

  #wrongToken(c: Context<AppEnv>): HttpProblem {
    const address = addressOf(c);
    const { first, limitedS } = this.#deps.throttle.note(address);
    if (first) this.#deps.notes.refused({ address, request: "sign-in", why: "wrong token" });
    else this.#deps.notes.countRefusal();
    if (limitedS === null)
      return new HttpProblem(401, "Sign in", "This token is not known here.", CHALLENGE);
    return new HttpProblem(429, "Too many attempts", `Try again in ${limitedS} s.`, {
      "retry-after": String(limitedS),
    });
  }

  #setCookie(c: Context<AppEnv>, secret: string, maxAge: number): void {
    setCookie(c, this.#cookie, secret, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      secure: this.#deps.tls,
      maxAge,
    });
  }
}
