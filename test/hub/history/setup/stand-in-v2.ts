import { type Asked, type Replied, StandIn } from "./stand-in.ts";

interface Bucket {
  id: string;
  name: string;
  retentionRules: { everySeconds: number }[];
}
interface V1Login {
  id: string;
  token: string;
  password?: string;
  permissions: { action: string; resource: { id: string } }[];
}

/** InfluxDB 2.x as its API reference describes it, as far as the set-up and the hub use it. */
export async function startV2(adminToken: string) {
  const state = {
    buckets: [] as Bucket[],
    mappings: [] as { id: string; database: string; bucketID: string }[],
    logins: [] as V1Login[],
    lines: [] as string[],
  };
  let made = 0;
  const id = () => {
    made += 1;
    return String(made).padStart(16, "0");
  };
  const routes: Record<string, (asked: Asked) => Replied> = {
    "GET /api/v2/orgs": ({ query }) =>
      query.get("org") === "site"
        ? { status: 200, json: { orgs: [{ id: "00000000000000aa", name: "site" }] } }
        : { status: 404, json: { code: "not found", message: "organization name not found" } },
    "GET /api/v2/buckets": ({ query }) => {
      const buckets = state.buckets.filter(({ name }) => name === query.get("name"));
      return buckets.length > 0
        ? { status: 200, json: { buckets } }
        : { status: 404, json: { code: "not found", message: "bucket not found" } };
    },
    "POST /api/v2/buckets": ({ json }) => {
      const bucket = { ...json, id: id() };
      state.buckets.push(bucket);
      return { status: 201, json: bucket };
    },
    "PATCH /api/v2/buckets": ({ path, json }) => {
      const bucket = state.buckets.find((one) => path.endsWith(one.id));
      return bucket ? { status: 200, json: Object.assign(bucket, json) } : { status: 404 };
    },
    // A bucket without a mapping is shown with one that the server imagines.
    "GET /api/v2/dbrps": ({ query }) => {
      const database = query.get("db");
      const bucket = state.buckets.find(({ name }) => name === database);
      const kept = state.mappings.filter((one) => one.database === database);
      const imagined = { id: bucket?.id, database, bucketID: bucket?.id, virtual: true };
      return { status: 200, json: { content: kept.length > 0 || !bucket ? kept : [imagined] } };
    },
    "POST /api/v2/dbrps": ({ json }) => {
      state.mappings.push({ ...json, id: id() });
      return { status: 201, json };
    },
    "GET /private/legacy/authorizations": ({ query }) => {
      const found = state.logins.filter(({ token }) => token === query.get("token"));
      return { status: 200, json: { authorizations: found } };
    },
    "POST /private/legacy/authorizations": ({ json }) => {
      const login = { ...json, id: id() };
      state.logins.push(login);
      return { status: 201, json: login };
    },
    "DELETE /private/legacy/authorizations": ({ path }) => {
      state.logins = state.logins.filter((login) => !path.endsWith(login.id));
      return { status: 204 };
    },
    "POST /api/v2/delete": () => ({ status: 204 }),
  };

  const standIn = await StandIn.start((asked) => {
    if (asked.path === "/ping")
      return {
        status: 204,
        headers: { "x-influxdb-version": "v2.7.12", "x-influxdb-build": "OSS" },
      };
    if (asked.path === "/write" || asked.path === "/query") return v1(asked);
    if (asked.token !== adminToken)
      return { status: 401, json: { code: "unauthorized", message: "unauthorized access" } };
    if (asked.path.endsWith("/password")) {
      const login = state.logins.find((one) => asked.path.includes(`/${one.id}/`));
      if (login) login.password = asked.json.password;
      return { status: login ? 204 : 404 };
    }
    const path = asked.path.replace(/\/\d{16}$/, "");
    return routes[`${asked.method} ${path}`]?.(asked) ?? { status: 404, json: { message: "path" } };
  });

  /** The v1 interface: a login may do to a bucket what its permissions say. */
  function v1({ path, query, body, user, password }: Asked): Replied {
    const form = new URLSearchParams(path === "/query" ? body : "");
    const database = query.get("db") ?? form.get("db");
    const login = state.logins.find((one) => one.token === user && one.password === password);
    const bucket = state.mappings.find((one) => one.database === database)?.bucketID;
    if (!login) return { status: 401, json: { code: "unauthorized", message: "Unauthorized" } };
    if (!bucket)
      return {
        status: 404,
        json: { code: "not found", message: `bucket "${database}" not found` },
      };
    const action = path === "/write" ? "write" : "read";
    if (!login.permissions.some((one) => one.action === action && one.resource.id === bucket))
      return { status: 403, json: { code: "forbidden", message: "insufficient permissions" } };
    if (path === "/query") return { status: 200, json: { results: [{ statement_id: 0 }] } };
    if (body === "")
      return { status: 400, json: { code: "invalid", message: "writing requires points" } };
    state.lines.push(`${database}: ${body.trim()}`);
    return { status: 204 };
  }
  return { standIn, state: () => state };
}
