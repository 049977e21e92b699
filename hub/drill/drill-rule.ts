import type { SiteRule } from "../config/hub-config.ts";

/** On what the drills say of themselves: failed or overdue. */
export const drillRule = (receivers: readonly string[]): SiteRule => ({
  ...{ id: "hub-drill", points: ["hub.drill"], nodes: [], priority: 3, latch: false },
  ...{ condition: { kind: "digital", equals: [1, 2] }, onDelayMs: 60_000, offDelayMs: 60_000 },
  title: "Drill of the ways alarms go: {value}",
  runbook:
    "The newest drill did not get through to everybody, or none did for 35 days. plenum-hub drill " +
    "says who is not reached and why. Put that right and drill again.",
  receivers: [...receivers],
});
