import { type Retention, retentionsOf } from "../influx-databases.ts";
import { newPassword } from "./secret-files.ts";
import { type Answer, type Call, type Login, reasonOf, SetupError } from "./setup-http.ts";
import { type Logins, PROBE, READER, type SetupJob, secretFileOf, WRITER } from "./setup-job.ts";

const HOUR_S = 3_600;
const POLICY = "autogen";
/** v1 logins; the public reference has them under the server's `/private` prefix. */
const LEGACY = "/private/legacy/authorizations";

interface Named {
  id: string;
}
interface Bucket extends Named {
  retentionRules: { everySeconds: number }[];
}
interface Mapping {
  bucketID: string;
  database: string;
  retention_policy: string;
  virtual?: boolean;
}
interface Permission {
  action: "read" | "write";
  resource: { type: string; id?: string; orgID?: string };
}
interface V1Login extends Named {
  token: string;
  permissions: Permission[];
}

/**
 * Makes buckets, the mappings that let the v1 interface find them, and v1 logins in an InfluxDB 2.x
 * (https://docs.influxdata.com/influxdb/v2/api/). The logins sign in by name and password.
 */
export async function setUpV2(job: SetupJob): Promise<Logins> {
  if (!job.adminToken || !job.org)
    throw new SetupError("InfluxDB 2.x needs --admin-token file:PATH and --org NAME.");
  return new V2(job, job.org).run();
}

class V2 {
  readonly #job: SetupJob;
  readonly #org: string;
  #orgId = "";

  constructor(job: SetupJob, org: string) {
    this.#job = job;
    this.#org = org;
  }

  async run(): Promise<Logins> {
    const found = await this.#get<{ orgs?: Named[] }>(`/api/v2/orgs?${query({ org: this.#org })}`);
    const org = found.orgs?.[0];
    if (!org) throw new SetupError(`InfluxDB knows no organization ${this.#org}.`);
    this.#orgId = org.id;
    const buckets: string[] = [];
    for (const retention of retentionsOf(this.#job.database)) {
      const bucket = await this.#makeBucket(retention);
      await this.#map(retention.database, bucket);
      buckets.push(bucket);
    }
    const writer = await this.#makeLogin(WRITER, "write", buckets);
    const reader = await this.#makeLogin(READER, "read", buckets);
    return { writer, reader, caveat: null, tidy: (database) => this.#tidy(database) };
  }

  async #makeBucket({ database, keptHours, shardHours }: Retention): Promise<string> {
    const where = query({ name: database, orgID: this.#orgId });
    const answer = await this.#call(`/api/v2/buckets?${where}`);
    const found = answer.status === 404 ? undefined : bodyOf<{ buckets?: Bucket[] }>(answer);
    const bucket = found?.buckets?.[0];
    const everySeconds = keptHours * HOUR_S;
    const retentionRules = [
      { type: "expire", everySeconds, shardGroupDurationSeconds: shardHours * HOUR_S },
    ];
    if (!bucket) {
      const json = { orgID: this.#orgId, name: database, retentionRules };
      const made = await this.#send<Bucket>("/api/v2/buckets", { json });
      this.#job.did(`made bucket ${database}`);
      return made.id;
    }
    const held = bucket.retentionRules[0]?.everySeconds ?? 0;
    if (held === everySeconds) this.#job.did(`found bucket ${database}`);
    else {
      const json = { retentionRules };
      await this.#send(`/api/v2/buckets/${bucket.id}`, { method: "PATCH", json });
      this.#job.did(`changed bucket ${database}, which kept ${held} s, to ${everySeconds} s`);
    }
    return bucket.id;
  }

  /** A mapping that the server only imagines is not kept: it is made. */
  async #map(database: string, bucketID: string): Promise<void> {
    const where = query({ orgID: this.#orgId, db: database });
    const { content = [] } = await this.#get<{ content?: Mapping[] }>(`/api/v2/dbrps?${where}`);
    const held = content.find(
      (one) => one.virtual !== true && one.database === database && one.bucketID === bucketID,
    );
    if (held) return this.#job.did(`found the mapping of ${database}`);
    await this.#send("/api/v2/dbrps", {
      json: { orgID: this.#orgId, bucketID, database, retention_policy: POLICY, default: true },
    });
    this.#job.did(`mapped database ${database} to its bucket`);
  }

  async #makeLogin(username: string, action: "read" | "write", buckets: string[]): Promise<Login> {
    const { files, did } = this.#job;
    const permissions = buckets.map((id) => ({
      action,
      resource: { type: "buckets", id, orgID: this.#orgId },
    }));
    const file = secretFileOf(username);
    const kept = files.read(file);
    const password = kept ?? newPassword();
    const login = await this.#soundLogin(username, permissions);
    if (login && kept) did(`found login ${username}`);
    else {
      const description = `Plenum: may ${action}`;
      const json = { token: username, description, orgID: this.#orgId, permissions };
      const { id } = login ?? (await this.#send<V1Login>(LEGACY, { json }));
      files.write(file, password);
      await this.#send(`${LEGACY}/${id}/password`, { json: { password } });
      did(
        `made login ${username}, which may only ${action}; its password is in ${files.pathOf(file)}`,
      );
    }
    return { username, password };
  }

  /** The login that is there; one with other permissions is removed, because they cannot be changed. */
  async #soundLogin(username: string, wanted: Permission[]): Promise<V1Login | undefined> {
    const where = query({ orgID: this.#orgId, token: username });
    const answer = await this.#call(`${LEGACY}?${where}`);
    if (answer.status === 404) return undefined;
    const { authorizations = [] } = bodyOf<{ authorizations?: V1Login[] }>(answer);
    const held = authorizations.find(({ token }) => token === username);
    const key = ({ action, resource }: Permission) => `${action} ${resource.type} ${resource.id}`;
    const same = (list: Permission[]) => list.map(key).sort().join();
    if (!held || same(held.permissions) === same(wanted)) return held;
    await this.#send(`${LEGACY}/${held.id}`, { method: "DELETE" });
    this.#job.did(`removed login ${username}, which had other rights`);
    return undefined;
  }

  async #tidy(bucket: string): Promise<void> {
    await this.#send(`/api/v2/delete?${query({ org: this.#org, bucket })}`, {
      json: {
        start: "1970-01-01T00:00:00Z",
        stop: "2100-01-01T00:00:00Z",
        predicate: `_measurement="${PROBE}"`,
      },
    });
  }

  #call(path: string, call: Call = {}): Promise<Answer> {
    return this.#job.http.call(path, { ...call, token: this.#job.adminToken });
  }

  async #get<T>(path: string): Promise<T> {
    return bodyOf<T>(await this.#call(path));
  }

  async #send<T>(path: string, call: Call): Promise<T> {
    return bodyOf<T>(await this.#call(path, { method: "POST", ...call }));
  }
}

const query = (values: Record<string, string>) => new URLSearchParams(values).toString();

function bodyOf<T>(answer: Answer): T {
  if (answer.status === 401)
    throw new SetupError(`The token of --admin-token is not taken (${reasonOf(answer)}).`);
  if (answer.status >= 300) throw new SetupError(`InfluxDB answered ${reasonOf(answer)}.`);
  return (answer.json ?? {}) as T;
}
