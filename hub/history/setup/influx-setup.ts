import { retentionsOf } from "../influx-databases.ts";
import { SecretFiles } from "./secret-files.ts";
import { type Login, SetupError, SetupHttp } from "./setup-http.ts";
import { type Logins, type SetupJob, type SetupOptions, secretFileOf } from "./setup-job.ts";
import { setUpV1 } from "./setup-v1.ts";
import { setUpV2 } from "./setup-v2.ts";
import { setUpV3 } from "./setup-v3.ts";
import { type Check, verifyLogins } from "./verify.ts";

export interface SetupResult {
  version: string;
  checks: Check[];
  logins: Logins;
  /** What to write into site.yaml, without a secret. */
  siteYaml: string;
}

/** Makes what the hub needs in an InfluxDB, whatever of it is there already, and tries it out. Throws SetupError. */
export async function setUpInflux(
  options: SetupOptions,
  did: SetupJob["did"],
): Promise<SetupResult> {
  const http = new SetupHttp(options.url);
  const job: SetupJob = { ...options, http, did, files: new SecretFiles(options.secrets) };
  const version = await versionOf(job);
  const logins = await setUpFor(version, job);
  const checks = await verifyLogins(job, logins);
  for (const { database } of retentionsOf(job.database)) await logins.tidy(database);
  return { version, checks, logins, siteYaml: siteYaml(job, logins) };
}

function setUpFor(version: string, job: SetupJob): Promise<Logins> {
  job.did(`found InfluxDB ${version} at ${job.url}`);
  const major = /^v?(\d+)\./.exec(version)?.[1];
  if (major === "1") return setUpV1(job);
  if (major === "2") return setUpV2(job);
  if (major === "3") return setUpV3(job);
  throw new SetupError(`InfluxDB ${version} is not known here; 1.x, 2.x and 3 Core are.`);
}

async function versionOf({ http, adminToken, url }: SetupJob): Promise<string> {
  const answer = await http.call("/ping", { token: adminToken });
  const told = (answer.json as { version?: unknown } | undefined)?.version;
  const version = answer.header("x-influxdb-version") ?? (told === undefined ? null : String(told));
  if (version) return version;
  throw new SetupError(
    `${url}/ping does not say which InfluxDB it is (status ${answer.status}): is it one, and does it need --admin-token?`,
  );
}

function siteYaml({ url, database, files }: SetupJob, { writer, reader }: Logins): string {
  const secret = (login: Login) => `"file:${files.pathOf(secretFileOf(login.username))}"`;
  return `storage:
  influx:
    url: ${JSON.stringify(url)}
    database: ${database}
    username: ${writer.username}
    password: ${secret(writer)}
    reader: { username: ${reader.username}, password: ${secret(reader)} }`;
}
