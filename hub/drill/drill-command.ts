import type { Command } from "commander";
import { z } from "zod";
import { type Drill, drillSchema } from "../../contract/alarm-health.ts";
import type { Clock } from "../../contract/clock.ts";
import type { HubConfig } from "../config/hub-config.ts";
import { allowed } from "../http/rights.ts";

const LOOK_EVERY_MS = 1_000;
/** As long as a message may take to go out, and a little more. */
const PATIENCE_MS = 31 * 60_000;
const ANSWER_MS = 15_000;
const problemSchema = z.object({ detail: z.string() });

export interface DrillCommandDeps {
  out(line: string): void;
  err(line: string): void;
  /** The site's description; undefined, and said, when it cannot be read. */
  config(): HubConfig | undefined;
  clock: Clock;
}

/** `plenum-hub drill`: has the running hub try every receiver, and shows what becomes of it. */
export function addDrillCommand(
  program: Command,
  deps: DrillCommandDeps,
  ended: (code: number) => void,
): void {
  program
    .command("drill")
    .description("sends a test to every receiver through the running hub and says who was reached")
    .option("--hub <address>", "where the hub answers, when not as site.yaml says")
    .action(async ({ hub }: { hub?: string }) => {
      const config = deps.config();
      ended(config ? await drill(config, hub, deps) : 1);
    });
}

async function drill(
  config: HubConfig,
  hub: string | undefined,
  deps: DrillCommandDeps,
): Promise<number> {
  const { out, err, clock } = deps;
  const token = config.tokens.find(({ role }) => allowed(role, "maintain"));
  if (!token) {
    err("drill: needs a token of an engineer or admin under tokens in site.yaml; there is none.");
    return 1;
  }
  const base = `${hub ?? addressOf(config)}/api/v1/drills`;
  const ask = (path: string, method: "GET" | "POST") =>
    askHub(`${base}${path}`, method, token.token);
  try {
    let now = await ask("", "POST");
    out(
      `${now.id}: a test goes to ${countOf(now.steps.length, "receiver and step", "receivers and steps")}.`,
    );
    const shown = new Map<string, string>();
    const endMs = clock.monoMs() + PATIENCE_MS;
    for (;;) {
      show(now, shown, out);
      if (now.doneAt !== null) break;
      if (clock.monoMs() > endMs) throw new Error("the drill does not come to an end");
      await clock.sleep(LOOK_EVERY_MS);
      now = await ask(`/${now.id}`, "GET");
    }
    const failed = now.steps.filter(({ state }) => state === "failed").length;
    out(
      failed === 0
        ? `All ${now.steps.length} went through. Who reads the test acknowledges it from the message.`
        : `${failed} of ${now.steps.length} failed.`,
    );
    return failed === 0 ? 0 : 1;
  } catch (error) {
    err(`drill: ${whyOf(error)}`);
    return 1;
  }
}

/** One line for each receiver whose state is new, with how far the drill is. */
function show({ steps }: Drill, shown: Map<string, string>, out: (line: string) => void): void {
  for (const { receiver, kind, state, why } of steps) {
    const text = `${state}${why ? `: ${why}` : ""}`;
    if (shown.get(receiver) === text) continue;
    shown.set(receiver, text);
    const over = steps.filter((step) => step.state !== "queued").length;
    out(
      `${String(Math.floor((100 * over) / steps.length)).padStart(3)} %  ${receiver} (${kind}): ${text}`,
    );
  }
}

async function askHub(url: string, method: "GET" | "POST", token: string): Promise<Drill> {
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const body: unknown = await answer.json();
  if (!answer.ok) throw new Error(problemSchema.safeParse(body).data?.detail ?? `${answer.status}`);
  return drillSchema.parse(body);
}

function addressOf({ http }: HubConfig): string {
  if (http.publicUrl !== null) return http.publicUrl;
  const host = http.host === "0.0.0.0" || http.host === "::" ? "localhost" : http.host;
  const scheme = http.tls ? "https" : "http";
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${http.port}`;
}

const countOf = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`;

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "fetch failed") return error.message;
  const { cause } = error;
  const why = cause instanceof Error ? cause.message : "";
  return `the hub does not answer (${why}). Is it running, and is --hub right?`;
}
