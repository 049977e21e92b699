import { basic, messageOf } from "../influx-connection.ts";

const DEADLINE_MS = 10_000;

/** The set-up cannot go on; the text says what was found and what to do. */
export class SetupError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SetupError";
  }
}

export interface Login {
  username: string;
  password: string;
}

export interface Answer {
  status: number;
  text: string;
  /** The body as JSON; undefined when it is none. */
  json: unknown;
  header(name: string): string | null;
}

export interface Call {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** Sent as Basic authorization. */
  login?: Login | undefined;
  token?: string | undefined;
  json?: unknown;
  form?: Record<string, string>;
  lines?: string;
}

/** Asks one InfluxDB server; each request ends within 10 s. */
export class SetupHttp {
  readonly #base: string;

  constructor(url: string) {
    this.#base = new URL(url).href.replace(/\/$/, "");
  }

  /** Any answer with a status is returned; throws SetupError when there is none. */
  async call(
    path: string,
    { method, login, token, json, form, lines }: Call = {},
  ): Promise<Answer> {
    const body = form ? new URLSearchParams(form) : json ? JSON.stringify(json) : lines;
    const headers: Record<string, string> = {};
    if (json) headers["content-type"] = "application/json";
    if (login) headers.authorization = basic(login.username, login.password);
    // 2.x knows the word Token; 3 takes both.
    if (token) headers.authorization = `Token ${token}`;
    try {
      const response = await fetch(`${this.#base}${path}`, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers,
        redirect: "error",
        signal: AbortSignal.timeout(DEADLINE_MS),
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      const { status } = response;
      return { status, text, json: parsed(text), header: (name) => response.headers.get(name) };
    } catch (error) {
      throw new SetupError(`${this.#base} does not answer: ${messageOf(error)}`);
    }
  }

  /** Writes one line with time in milliseconds. */
  write(database: string, login: Login, lines: string): Promise<Answer> {
    return this.call(`/write?${new URLSearchParams({ db: database, precision: "ms" })}`, {
      method: "POST",
      login,
      lines,
    });
  }

  query(database: string, login: Login, q: string): Promise<Answer> {
    return this.call("/query", { login, form: { db: database, q } });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What the server gave as its reason, at most 200 characters. */
export function reasonOf({ status, text, json }: Answer): string {
  const { error, message } = (json ?? {}) as { error?: unknown; message?: unknown };
  return `${status} ${String(message ?? error ?? text)
    .trim()
    .slice(0, 200)}`;
}
