import { retentionsOf } from "../influx-databases.ts";
import type { Answer, Login } from "./setup-http.ts";
import { reasonOf } from "./setup-http.ts";
import { type Logins, PROBE, type SetupJob } from "./setup-job.ts";

/** One thing that was tried out with the logins as they are now. */
export interface Check {
  what: string;
  ok: boolean;
  /** What was seen when it is not as it should be. */
  found?: string;
}

/** Tries what the hub's logins may and may not do, in each database. */
export async function verifyLogins(job: SetupJob, logins: Logins): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { database } of retentionsOf(job.database)) {
    const written = await probe(job, database, logins.writer);
    checks.push(
      outcome(`${logins.writer.username} may write to ${database}`, stored(written), written),
    );
    const asked = await job.http.query(
      database,
      logins.reader,
      `SELECT value FROM ${PROBE} LIMIT 1`,
    );
    checks.push(outcome(`${logins.reader.username} may read ${database}`, answered(asked), asked));
    if (logins.caveat !== null) continue;
    const refused = await probe(job, database, logins.reader);
    checks.push(
      outcome(`${logins.reader.username} may not write to ${database}`, denied(refused), refused),
    );
  }
  return checks;
}

function probe({ http }: SetupJob, database: string, login: Login): Promise<Answer> {
  return http.write(database, login, `${PROBE} value=1 ${Date.now()}`);
}

const stored = ({ status }: Answer) => status === 204 || status === 200;
const denied = ({ status }: Answer) => status === 401 || status === 403;
const answered = ({ status, text }: Answer) => status === 200 && !text.includes('"error"');

function outcome(what: string, ok: boolean, answer: Answer): Check {
  return ok ? { what, ok } : { what, ok, found: `InfluxDB answered ${reasonOf(answer)}` };
}
