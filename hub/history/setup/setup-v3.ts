import { type Retention, retentionsOf } from "../influx-databases.ts";
import { type Answer, type Call, type Login, reasonOf, SetupError } from "./setup-http.ts";
import { type Logins, PROBE, READER, type SetupJob, secretFileOf, WRITER } from "./setup-job.ts";

/**
 * A table's tags are fixed by its first write, and a point without a place has fewer of them. So the
 * tables are made with all tags before the first reading comes.
 */
const TABLES = {
  point: {
    tags: ["point", "node", "place"],
    fields: [
      { name: "value", type: "float64" },
      { name: "q", type: "int64" },
      { name: "reason", type: "utf8" },
    ],
  },
  rollup: {
    tags: ["point"],
    fields: [
      ...["low", "high", "sum"].map((name) => ({ name, type: "float64" })),
      ...["good", "rows"].map((name) => ({ name, type: "int64" })),
    ],
  },
};

/**
 * Makes databases, tables and tokens in an InfluxDB 3 Core
 * (https://docs.influxdata.com/influxdb3/core/api/). Core knows administrators' tokens only.
 */
export async function setUpV3(job: SetupJob): Promise<Logins> {
  if (!job.adminToken) throw new SetupError("InfluxDB 3 needs --admin-token file:PATH.");
  return new V3(job).run();
}

class V3 {
  readonly #job: SetupJob;

  constructor(job: SetupJob) {
    this.#job = job;
  }

  async run(): Promise<Logins> {
    for (const retention of retentionsOf(this.#job.database)) {
      await this.#makeDatabase(retention);
      await this.#makeTable(retention.database, retention.tier === "raw" ? "point" : "rollup");
    }
    const writer = await this.#makeToken(WRITER);
    const reader = await this.#makeToken(READER);
    const caveat =
      "InfluxDB 3 Core has administrators' tokens only: the reader's token may write, too. Keep both from dashboards that others can edit.";
    return { writer, reader, caveat, tidy: (database) => this.#tidy(database) };
  }

  /** How long a database keeps can only be said when it is made. */
  async #makeDatabase({ database, keptHours }: Retention): Promise<void> {
    const keeps = keptHours > 0 ? { retention_period: `${keptHours / 24}d` } : {};
    const made = await this.#send("/api/v3/configure/database", {
      json: { db: database, ...keeps },
    });
    const period = keptHours > 0 ? `${keptHours / 24} days` : "for ever";
    this.#job.did(
      made
        ? `made database ${database}, which keeps ${period}`
        : `found database ${database}; it should keep ${period}, which cannot be looked up or changed`,
    );
  }

  async #makeTable(db: string, table: "point" | "rollup"): Promise<void> {
    const json = { db, table, ...TABLES[table] };
    const made = await this.#send("/api/v3/configure/table", { json });
    this.#job.did(`${made ? "made" : "found"} table ${table} in ${db}`);
  }

  /** A token is told once, when it is made: without its file there is only a new one. */
  async #makeToken(username: string): Promise<Login> {
    const { files, did } = this.#job;
    const file = secretFileOf(username);
    const kept = files.read(file);
    if (kept && (await this.#isTaken(kept))) {
      did(`found the token ${username}`);
      return { username, password: kept };
    }
    const path = "/api/v3/configure/token/named_admin";
    const json = { token_name: username };
    let answer = await this.#call(path, { json });
    if (answer.status === 409) {
      const held = new URLSearchParams({ token_name: username });
      await this.#send(`/api/v3/configure/token?${held}`, { method: "DELETE" });
      answer = await this.#call(path, { json });
    }
    const { token } = (answer.json ?? {}) as { token?: unknown };
    if (answer.status >= 300 || typeof token !== "string")
      throw new SetupError(`InfluxDB made no token ${username}: ${reasonOf(answer)}`);
    files.write(file, token);
    did(`made the token ${username}; it is in ${files.pathOf(file)}`);
    return { username, password: token };
  }

  async #isTaken(token: string): Promise<boolean> {
    const answer = await this.#job.http.call("/api/v3/configure/database?format=json", { token });
    return answer.status === 200;
  }

  async #tidy(db: string): Promise<void> {
    const where = new URLSearchParams({ db, table: PROBE });
    await this.#send(`/api/v3/configure/table?${where}`, { method: "DELETE" });
  }

  #call(path: string, call: Call): Promise<Answer> {
    return this.#job.http.call(path, { ...call, token: this.#job.adminToken });
  }

  /** False when it is there already. */
  async #send(path: string, call: Call): Promise<boolean> {
    const answer = await this.#call(path, call);
    if (answer.status === 409) return false;
    if (answer.status === 401)
      throw new SetupError(`The token of --admin-token is not taken (${reasonOf(answer)}).`);
    if (answer.status >= 300) throw new SetupError(`InfluxDB answered ${reasonOf(answer)}.`);
    return true;
  }
}
