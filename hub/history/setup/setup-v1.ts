import { type Retention, retentionsOf } from "../influx-databases.ts";
import { defaultPolicy, setPolicy, showPolicies } from "../influx-policies.ts";
import type { RawSeries } from "../influx-queries.ts";
import { newPassword } from "./secret-files.ts";
import { type Answer, type Login, reasonOf, SetupError } from "./setup-http.ts";
import {
  ADMIN,
  type Logins,
  PROBE,
  READER,
  type SetupJob,
  secretFileOf,
  WRITER,
} from "./setup-job.ts";

/** Makes databases, how long they keep, and the logins in an InfluxDB 1.x. */
export async function setUpV1(job: SetupJob): Promise<Logins> {
  const stranger = { username: "plenum_nobody", password: newPassword() };
  if ((await job.http.query("", stranger, "SHOW DATABASES")).status === 200)
    throw new SetupError(
      `${job.url} lets anybody do anything: set auth-enabled = true under [http] in influxdb.conf, restart it, and run this again.`,
    );
  return new V1(job, await administrator(job)).run();
}

/**
 * Who may set up: the one who was named, or the first administrator, whom 1.x lets anybody make while
 * there is none. Its password stays in a file, which the hub never needs.
 */
async function administrator(job: SetupJob): Promise<Login> {
  if (job.admin) return job.admin;
  const file = secretFileOf(ADMIN);
  const password = job.files.read(file) ?? newPassword();
  const login = { username: ADMIN, password };
  const known = await job.http.query("", login, "SHOW USERS");
  const users = known.status === 200 ? (tableOf(known)?.values as unknown[][]) : [];
  if (known.status === 200 && users.some(([name]) => name === ADMIN)) return login;
  job.files.write(file, password);
  const made = await job.http.call("/query", {
    form: { q: `CREATE USER "${ADMIN}" WITH PASSWORD '${password}' WITH ALL PRIVILEGES` },
  });
  if (made.status !== 200 || made.text.includes('"error"'))
    throw new SetupError(
      `There is an administrator already (${reasonOf(made)}). Name it with --admin-user and --admin-password file:PATH.`,
    );
  job.did(`made the administrator ${ADMIN}; its password is in ${job.files.pathOf(file)}`);
  return login;
}

class V1 {
  readonly #job: SetupJob;
  readonly #admin: Login;

  constructor(job: SetupJob, admin: Login) {
    this.#job = job;
    this.#admin = admin;
  }

  async run(): Promise<Logins> {
    const retentions = retentionsOf(this.#job.database);
    for (const retention of retentions) await this.#makeDatabase(retention);
    const writer = await this.#makeUser(WRITER);
    const reader = await this.#makeUser(READER);
    for (const { database } of retentions) {
      await this.#grant("WRITE", database, writer);
      await this.#grant("READ", database, reader);
    }
    const tidy = (database: string) => this.#tell(`DROP MEASUREMENT "${PROBE}"`, database);
    return { writer, reader, caveat: null, tidy };
  }

  async #makeDatabase(retention: Retention): Promise<void> {
    const { database, keptHours } = retention;
    const known = await this.#ask("SHOW DATABASES");
    const isThere = (known?.values as unknown[][] | undefined)?.some(([name]) => name === database);
    if (!isThere) await this.#tell(`CREATE DATABASE "${database}"`);
    const series = await this.#ask(showPolicies(database));
    const held = defaultPolicy(series && [series]);
    const asWanted =
      held?.keptHours === keptHours && held.shardHours === retention.shardHours ? held : undefined;
    if (!asWanted) await this.#tell(setPolicy(retention, held?.name));
    const keeps = keptHours > 0 ? `keeps ${keptHours / 24} days` : "keeps for ever";
    const verb = isThere ? (asWanted ? "found" : "changed") : "made";
    this.#job.did(`${verb} database ${database}, which ${keeps}`);
  }

  /** An existing user keeps its password when the file still holds it; otherwise it gets a new one. */
  async #makeUser(username: string): Promise<Login> {
    const { files, http, did } = this.#job;
    const file = secretFileOf(username);
    const password = files.read(file) ?? newPassword();
    const login = { username, password };
    const users = (await this.#ask("SHOW USERS"))?.values as unknown[][] | undefined;
    const held = users?.find(([name]) => name === username);
    // An empty statement list is refused with 400 to those it knows, and with 401 to those it does not.
    const sound = held && (await http.query("", login, "SHOW DATABASES")).status !== 401;
    if (sound && files.read(file)) did(`found user ${username}`);
    else {
      files.write(file, password);
      await this.#tell(
        held
          ? `SET PASSWORD FOR "${username}" = '${password}'`
          : `CREATE USER "${username}" WITH PASSWORD '${password}'`,
      );
      const verb = held ? "gave a new password to" : "made";
      did(`${verb} user ${username}; its password is in ${files.pathOf(file)}`);
    }
    if (held?.[1] === true) {
      await this.#tell(`REVOKE ALL PRIVILEGES FROM "${username}"`);
      did(`took the administrator's rights from ${username}`);
    }
    return login;
  }

  async #grant(right: "READ" | "WRITE", database: string, { username }: Login): Promise<void> {
    const grants = (await this.#ask(`SHOW GRANTS FOR "${username}"`))?.values as unknown[][];
    if (grants?.some(([name, held]) => name === database && held === right)) return;
    await this.#tell(`GRANT ${right} ON "${database}" TO "${username}"`);
    this.#job.did(`gave ${username} the right to ${right.toLowerCase()} ${database}, no other`);
  }

  async #tell(q: string, database = ""): Promise<void> {
    await this.#ask(q, database);
  }

  async #ask(q: string, database = ""): Promise<RawSeries | undefined> {
    const answer = await this.#job.http.query(database, this.#admin, q);
    if (answer.status === 401)
      throw new SetupError(
        `${this.#admin.username} cannot sign in (${reasonOf(answer)}): check --admin-user and --admin-password.`,
      );
    const why = /"error":"((?:[^"\\]|\\.)*)"/.exec(answer.text)?.[1];
    // A secret stands in some statements, so what failed is told by its first two words.
    const what = q.split(" ").slice(0, 2).join(" ");
    if (answer.status !== 200 || why !== undefined)
      throw new SetupError(`${what} was refused: ${why ?? reasonOf(answer)}`);
    return tableOf(answer);
  }
}

function tableOf({ json }: Answer): RawSeries | undefined {
  const { results } = (json ?? {}) as { results?: { series?: RawSeries[] }[] };
  return results?.[0]?.series?.[0];
}
