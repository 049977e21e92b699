import path from "node:path";
import { siteModelSchema } from "../../contract/site.ts";
import { withExternal } from "../external-broker/target-check.ts";
import { checkOutside } from "../foreign/foreign-check.ts";
import { withTls } from "../identity/tls-check.ts";
import { checkClimate, checkStandardRules } from "./climate-check.ts";
import { checkDelivery } from "./delivery-check.ts";
import { checkDrill } from "./drill-check.ts";
import { checkHeartbeat } from "./heartbeat-check.ts";
import type { ApiToken, HubConfig, Receiver, SiteRule } from "./hub-config.ts";
import { placeProblems } from "./place-check.ts";
import { sharedModemProblems, toReceiver } from "./receiver-check.ts";
import { receiverSchema } from "./receiver-schema.ts";
import { toRule } from "./rule-check.ts";
import { type ReadSecret, secretsFrom } from "./secret.ts";
import {
  httpSchema,
  mqttSchema,
  ruleSchema,
  SECTIONS,
  storageSchema,
  tokenSchema,
} from "./site-schema.ts";
import { type ConfigProblem, ConfigSource, type Path } from "./source.ts";

const MAX_CHARS = 1_000_000;
const MAX_ENTRIES = { tokens: 100, alarms: 500, receivers: 100 };
type ListName = keyof typeof MAX_ENTRIES;

/**
 * Checks a whole site.yaml and finds every problem at once. `file` names it in messages; relative
 * paths inside it start at that file's folder.
 */
export function checkSite(
  text: string,
  file: string,
  readSecret: ReadSecret = secretsFrom(path.dirname(path.resolve(file))),
): { config: HubConfig } | { problems: ConfigProblem[] } {
  if (text.length > MAX_CHARS) {
    const found = `${text.length} characters; allowed: ${MAX_CHARS}`;
    return { problems: [{ file, line: 1, column: 1, path: "", text: found }] };
  }
  const source = new ConfigSource(text, file);
  if (source.problems.length > 0) return { problems: sorted(source.problems) };
  const config = new SiteCheck(source, readSecret).run(path.dirname(path.resolve(file)));
  return config ? { config } : { problems: sorted(source.problems) };
}

class SiteCheck {
  readonly #source: ConfigSource;
  readonly #readSecret: ReadSecret;
  readonly #raw: Record<string, unknown>;

  constructor(source: ConfigSource, readSecret: ReadSecret) {
    this.#source = source;
    this.#readSecret = readSecret;
    const { raw } = source;
    const isMap = typeof raw === "object" && raw !== null && !Array.isArray(raw);
    this.#raw = isMap ? { ...raw } : {};
    if (!isMap) source.report([], `is not a map; allowed keys: ${SECTIONS.join(", ")}`);
  }

  run(folder: string): HubConfig | undefined {
    const source = this.#source;
    source.knownKeys([], SECTIONS);
    const site = source.parse(siteModelSchema, ["site"]);
    if (site) for (const [at, text] of placeProblems(site)) source.report(["site", ...at], text);
    const web = this.#section("http") ? source.parse(httpSchema, ["http"]) : httpSchema.parse({});
    const bare = this.#section("mqtt") ? source.parse(mqttSchema, ["mqtt"]) : mqttSchema.parse({});
    const report = (at: Path, text: string) => source.report(at, text);
    const http = withTls(web, this.#raw.http, { folder, listener: "http", report });
    const safe = withTls(bare, this.#raw.mqtt, { folder, listener: "mqtt", report });
    const mqtt = safe && withExternal(safe, { source, raw: this.#raw, folder });
    if (http && mqtt && http.port === mqtt.port && http.port !== 0)
      source.report(["mqtt", "port"], `${mqtt.port} is the HTTP port already; choose another`);
    const storage = this.#storage(folder);
    const tokens = this.#tokens();
    const receivers = this.#receivers();
    const { delivery, names } = checkDelivery({
      ...{ source, raw: this.#raw, timezone: site?.timezone ?? "UTC" },
      receivers: this.#names("receivers", "id").map(([name]) => name),
    });
    const alarms = this.#alarms(names);
    const desk = {
      ...{ source, raw: this.#raw },
      secret: (reference: string, at: Path) => this.#secret(reference, at),
    };
    const rooms = site?.rooms ?? [];
    const racks = rooms.flatMap((room) => room.rows.flatMap((row) => row.racks));
    const places = new Set([...rooms, ...racks].map(({ id }) => id));
    const standard = {
      climate: checkClimate({ source, raw: this.#raw, places }),
      standardRules: checkStandardRules({ source, raw: this.#raw }),
    };
    const outside = checkOutside(desk);
    const heartbeat = checkHeartbeat(desk);
    const drill = checkDrill(desk);
    if (!site || !http || !mqtt || !storage || source.problems.length > 0) return undefined;
    const { publicUrl = null, ...listen } = http;
    const config = { site, http: { ...listen, publicUrl }, mqtt, storage, tokens, alarms };
    const care = { heartbeat, ...(drill && { drill }) };
    return { ...config, ...standard, receivers, delivery, ...care, ...outside };
  }

  #storage(folder: string): HubConfig["storage"] | undefined {
    const storage = this.#source.parse(storageSchema, ["storage"]);
    if (!storage) return undefined;
    const full = path.resolve(folder, storage.path);
    if (!storage.influx) return { path: full, influx: null };
    const { url, database, username, password, reader } = storage.influx;
    const secret =
      password === undefined
        ? undefined
        : this.#secret(password, ["storage", "influx", "password"]);
    const login = { ...(username && { username }), ...(secret && { password: secret }) };
    const key =
      reader && this.#secret(reader.password, ["storage", "influx", "reader", "password"]);
    const asking = reader && key && { reader: { username: reader.username, password: key } };
    return { path: full, influx: { url, database, ...login, ...asking } };
  }

  #tokens(): ApiToken[] {
    this.#unique("tokens", "name");
    const tokens: ApiToken[] = [];
    for (const at of this.#entries("tokens")) {
      const text = this.#source.parse(tokenSchema, at);
      const token = text && this.#secret(text.token, [...at, "token"]);
      if (!text || token === undefined) continue;
      const twin = tokens.find((other) => other.token === token);
      if (twin)
        this.#source.report([...at, "token"], `is the same secret as that of "${twin.name}"`);
      tokens.push({ name: text.name, role: text.role, token });
    }
    return tokens;
  }

  #receivers(): Receiver[] {
    this.#unique("receivers", "id");
    const receivers: Receiver[] = [];
    for (const at of this.#entries("receivers")) {
      const text = this.#source.parse(receiverSchema, at);
      if (!text) continue;
      const secret = (reference: string, key: Path) => this.#secret(reference, [...at, ...key]);
      const result = toReceiver(text, secret);
      if ("receiver" in result) receivers.push(result.receiver);
      else for (const [key, what] of result.problems) this.#source.report([...at, ...key], what);
    }
    for (const [id, what] of sharedModemProblems(receivers)) {
      const index = this.#names("receivers", "id").find(([name]) => name === id)?.[1] ?? 0;
      this.#source.report(["receivers", index, "sms", "modem"], what);
    }
    return receivers;
  }

  #alarms(known: ReadonlySet<string>): SiteRule[] {
    this.#unique("alarms", "id");
    const rules: SiteRule[] = [];
    for (const at of this.#entries("alarms")) {
      const text = this.#source.parse(ruleSchema, at);
      if (!text) continue;
      const result = toRule(text, known);
      if ("rule" in result) rules.push(result.rule);
      else
        for (const [key, what] of result.problems)
          this.#source.report(key === null ? at : [...at, key], what);
    }
    return rules;
  }

  /** The place of each entry of a list; a list that is none, or is too long, is reported. */
  #entries(name: ListName): Path[] {
    if (!this.#section(name)) return [];
    const list = this.#raw[name];
    if (!Array.isArray(list)) {
      this.#source.report([name], "needs a list, each entry beginning with -");
      return [];
    }
    const most = MAX_ENTRIES[name];
    if (list.length > most) this.#source.report([name], `${list.length} entries; allowed: ${most}`);
    return list.slice(0, most).map((_, index) => [name, index]);
  }

  #section(name: string): boolean {
    return this.#raw[name] !== undefined && this.#raw[name] !== null;
  }

  #names(list: ListName, key: string): [name: string, index: number][] {
    const entries = this.#raw[list];
    if (!Array.isArray(entries)) return [];
    return entries.flatMap((entry: unknown, index): [string, number][] => {
      const name = (entry as Record<string, unknown> | null)?.[key];
      return typeof name === "string" ? [[name, index]] : [];
    });
  }

  #unique(list: ListName, key: string): void {
    const first = new Map<string, number>();
    for (const [name, index] of this.#names(list, key)) {
      const before = first.get(name);
      if (before === undefined) first.set(name, index);
      else
        this.#source.report(
          [list, index, key],
          `"${name}" is taken by ${list}[${before}]; choose another`,
        );
    }
  }

  #secret(reference: string, at: Path): string | undefined {
    const secret = this.#readSecret(reference);
    if ("value" in secret) return secret.value;
    this.#source.report(at, `${reference}: ${secret.why}`);
    return undefined;
  }
}

function sorted(problems: ConfigProblem[]): ConfigProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
