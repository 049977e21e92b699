import { cpSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Random } from "../room/random.ts";
import { alarmCycle, doorCycle } from "./activity.ts";
import { drawFaults, type Fault, type Kind, possibleKinds } from "./fault-list.ts";
import { EDGE, FaultSite, passing, type SiteSize } from "./fault-site.ts";
import { inspect, type Verdict } from "./oracle.ts";
import { Workplace } from "./workplace.ts";

const READY_MS = 90_000;
const DRAIN_MS = 240_000;
/** So many faults run side by side. */
const LANES = 2;

export interface CampaignOptions extends SiteSize {
  seed: number;
  /** How long new faults begin. */
  faultsMs: number;
  /** Pause between two faults of a lane. */
  restMs: [number, number];
  kinds?: readonly Kind[];
  say: (line: string) => void;
}

export interface Outcome extends Verdict {
  faults: Record<string, number>;
}

/** Runs a whole site, breaks it for a while, lets it come to rest, and looks at what is left. */
export async function campaign(options: CampaignOptions): Promise<Outcome> {
  const place = new Workplace();
  try {
    const site = await FaultSite.start(place, options);
    const outcome = await run(site, options);
    if (outcome.problems.length > 0) keep(place, options);
    return outcome;
  } catch (error) {
    keep(place, options);
    throw error;
  } finally {
    place.close();
  }
}

/** For whoever looks for the cause: databases, spools and logs as they are now. */
function keep(place: Workplace, { seed, say }: CampaignOptions): void {
  if (!process.env.PLENUM_KEEP) return;
  const kept = path.join(tmpdir(), `plenum-kept-${seed}-${Date.now()}`);
  cpSync(place.folder, kept, { recursive: true, filter: (file) => !file.endsWith("/memory") });
  say(`everything is kept in ${kept}`);
}

async function run(site: FaultSite, options: CampaignOptions): Promise<Outcome> {
  const { say } = options;
  await site.allOnline(READY_MS);
  say(`${site.spools().length} nodes connected`);
  const active = new AbortController();
  const cycles = Promise.all([
    ...["node-a", "node-b"].map((node) => alarmCycle(site, node, active.signal)),
    doorCycle(site, active.signal),
  ]);
  // Told where it is awaited, also when something else has failed before.
  cycles.catch(() => undefined);
  const faults = await breakThings(site, options);
  say("all put right; waiting for what is on its way");
  await site.allOnline(READY_MS);
  active.abort();
  const [raisedA = 0, raisedB = 0] = await cycles;
  site.finish();
  await site.drained(DRAIN_MS);
  await site.service(EDGE).stop();
  await site.service("hub").stop();
  const verdict = await inspect(site, { "node-a": raisedA, "node-b": raisedB });
  await site.stop();
  return { ...verdict, faults };
}

async function breakThings(
  site: FaultSite,
  { seed, faultsMs, restMs, kinds, say }: CampaignOptions,
): Promise<Record<string, number>> {
  const possible = possibleKinds(site);
  const chosen = kinds?.filter((kind) => possible.includes(kind)) ?? possible;
  const counts: Record<string, number> = {};
  const locks = new Locks();
  const beganMs = performance.now();
  let broken: unknown;
  const lane = async (number: number) => {
    const random = new Random(seed * LANES + number);
    for (const fault of drawFaults(site, random, chosen)) {
      if (performance.now() - beganMs >= faultsMs || broken !== undefined) return;
      const restFor = restMs[0] + random.next() * (restMs[1] - restMs[0]);
      await locks.holding(fault.holds, async () => {
        const s = ((performance.now() - beganMs) / 1_000).toFixed(1).padStart(6);
        say(`${s} s  ${fault.text}`);
        counts[fault.kind] = (counts[fault.kind] ?? 0) + 1;
        await fault.run();
      });
      await passing(restFor);
    }
  };
  const lanes = Array.from({ length: LANES }, (_, number) =>
    lane(number).catch((error: unknown) => {
      broken ??= error;
    }),
  );
  await Promise.all(lanes);
  if (broken !== undefined) throw broken;
  return counts;
}

/** Two faults never work on the same thing at once. `*` waits for all and keeps all waiting. */
class Locks {
  readonly #held: { holds: Fault["holds"]; done: Promise<void> }[] = [];

  async holding(holds: Fault["holds"], work: () => Promise<void>): Promise<void> {
    for (let other = this.#against(holds); other; other = this.#against(holds)) await other.done;
    const done = work();
    const entry = { holds, done: done.catch(() => undefined) };
    this.#held.push(entry);
    try {
      await done;
    } finally {
      this.#held.splice(this.#held.indexOf(entry), 1);
    }
  }

  #against(holds: Fault["holds"]) {
    return this.#held.find(
      (other) =>
        holds.includes("*") ||
        other.holds.includes("*") ||
        other.holds.some((one) => holds.includes(one)),
    );
  }
}
