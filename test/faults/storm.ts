import { CROWD, type FaultSite, passing } from "./fault-site.ts";

/** Within so long every node must be back. */
const BACK_MS = 60_000;
const BEFORE_MS = 120_000;

/** All nodes of the crowd lose the hub at the same moment and come back. Throws when one does not, or alarms flood. */
export async function storm(site: FaultSite, how: "cable" | "hub", ms: number): Promise<void> {
  await site.allOnline(BEFORE_MS);
  const silentBefore = silent(site);
  if (how === "hub") await site.service("hub").hold();
  else site.link(CROWD).refuse();
  await passing(ms);
  const began = performance.now();
  if (how === "hub") site.service("hub").start();
  else site.link(CROWD).free();
  await site.allOnline(BACK_MS);
  await site.allFresh(BACK_MS - (performance.now() - began));
  site.stormsMs.push(Math.round(performance.now() - began));
  const more = silent(site) - silentBefore;
  if (more > 0) throw new Error(`${more} nodes were called silent, though all came back at once`);
}

function silent(site: FaultSite): number {
  const records = site.records.alarms("silent.%");
  return records.filter(({ change }) => change === "raised").length;
}
