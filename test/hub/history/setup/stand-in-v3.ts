import { type Asked, type Replied, StandIn } from "./stand-in.ts";

/** InfluxDB 3 Core as its API reference describes it, as far as the set-up and the hub use it. */
export async function startV3(adminToken: string) {
  const state = {
    databases: new Map<string, string | null>(),
    tables: new Map<string, { tags: string[] }>(),
    tokens: new Map<string, string>(),
    lines: [] as string[],
  };
  let made = 0;
  const known = (token: string) =>
    token === adminToken || [...state.tokens.values()].includes(token);
  const conflict = { status: 409, json: { error: "already exists" } };
  const routes: Record<string, (asked: Asked) => Replied> = {
    "GET /ping": () => ({ status: 200, json: { version: "3.4.0", revision: "0" } }),
    "GET /api/v3/configure/database": () => ({
      status: 200,
      json: [...state.databases.keys()].map((name) => ({ "iox::database": name })),
    }),
    "POST /api/v3/configure/database": ({ json }) => {
      if (state.databases.has(json.db)) return conflict;
      if (state.databases.size >= 5) return { status: 400, json: { error: "too many databases" } };
      state.databases.set(json.db, json.retention_period ?? null);
      return { status: 200, json: {} };
    },
    "POST /api/v3/configure/table": ({ json }) => {
      if (state.tables.has(`${json.db}.${json.table}`)) return conflict;
      state.tables.set(`${json.db}.${json.table}`, json);
      return { status: 200, json: {} };
    },
    "DELETE /api/v3/configure/table": ({ query }) => {
      const found = state.tables.delete(`${query.get("db")}.${query.get("table")}`);
      return found ? { status: 200 } : { status: 404, json: { error: "table not found" } };
    },
    "POST /api/v3/configure/token/named_admin": ({ json }) => {
      if (state.tokens.has(json.token_name)) return conflict;
      made += 1;
      state.tokens.set(json.token_name, `apiv3_${made}_${"x".repeat(40)}`);
      return { status: 201, json: { token: state.tokens.get(json.token_name) } };
    },
    "DELETE /api/v3/configure/token": ({ query }) => ({
      status: state.tokens.delete(query.get("token_name") ?? "") ? 200 : 404,
    }),
    "POST /write": ({ query, body }) => {
      if (body === "") return { status: 400, json: { error: "no lines" } };
      const database = query.get("db") ?? "";
      state.databases.set(database, state.databases.get(database) ?? null);
      state.tables.set(`${database}.${body.split(/[ ,]/)[0]}`, { tags: [] });
      state.lines.push(`${database}: ${body.trim()}`);
      return { status: 204 };
    },
    "POST /query": () => ({ status: 200, json: { results: [{ statement_id: 0 }] } }),
  };
  const standIn = await StandIn.start((asked) => {
    // Of Basic authorization only the password counts.
    if (!known(asked.password || asked.token))
      return { status: 401, json: { error: "unauthorized" } };
    return routes[`${asked.method} ${asked.path}`]?.(asked) ?? { status: 404 };
  });
  return { standIn, state: () => state };
}
