import { type FaultSite, passing } from "./fault-site.ts";
import { COOL, HOT, hotPointOf } from "./node-plan.ts";

/** A fault that hides an alarm from the hub lasts some seconds; several in a row and a slow machine make minutes. */
const NOTICED_MS = 240_000;
const LOOK_EVERY_MS = 500;
/** So long an alarm stands, and then does not, at least. */
const DWELL_MS = 2_500;
const DOOR_EVERY_MS = 1_700;

/**
 * Makes the node's alarm come and go, each time until the hub has written it down; says how often.
 * Throws when the hub misses one.
 */
export async function alarmCycle(
  site: FaultSite,
  node: string,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    count += 1;
    await noticed(site, node, { hot: HOT, change: "raised", occurrence: count });
    await noticed(site, node, { hot: COOL, change: "cleared", occurrence: count });
    await passing(DWELL_MS);
  }
  return count;
}

async function noticed(
  site: FaultSite,
  node: string,
  { hot, change, occurrence }: { hot: number; change: string; occurrence: number },
): Promise<void> {
  const alarm = `hot.${hotPointOf(node)}`;
  const end = performance.now() + NOTICED_MS;
  while (performance.now() < end) {
    // Said again and again: a node that was just killed has forgotten it.
    site.service(node).send({ hot });
    await passing(LOOK_EVERY_MS);
    const records = site.records.alarmsNow(alarm);
    if (records?.some((one) => one.change === change && one.occurrence >= occurrence)) return;
  }
  throw new Error(`${alarm} was not ${change} for the ${occurrence}. time in ${NOTICED_MS} ms`);
}

/** Opens and closes a door of the room; the real edge reads its contact. */
export async function doorCycle(site: FaultSite, signal: AbortSignal): Promise<number> {
  for (let moves = 0; ; moves += 1) {
    if (signal.aborted && moves % 2 === 0) return moves;
    await site.tellRoom(moves % 2 === 0 ? "open" : "close", "door-a1");
    await passing(DOOR_EVERY_MS);
  }
}
