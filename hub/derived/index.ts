import { ashraeStates } from "./ashrae-state.ts";
import { breakerLoads } from "./breaker-load.ts";
import { coolingFights } from "./cooling-fight.ts";
import { coolingRedundancies } from "./cooling-redundancy.ts";
import { coolingConditions } from "./cooling-unit.ts";
import type { Deriver } from "./derivation.ts";
import { dewMargins } from "./dew-margin.ts";
import { dewPoints } from "./dew-point.ts";
import { doorHours } from "./door-hours.ts";
import { loadsAlone } from "./feed-loss.ts";
import { phaseImbalances } from "./phase-imbalance.ts";
import { upsProtections } from "./ups-protection.ts";

/** Everything the hub derives. */
export const DERIVERS: readonly Deriver[] = [
  ...[dewPoints, dewMargins, ashraeStates],
  ...[coolingConditions, coolingFights, coolingRedundancies],
  ...[upsProtections, phaseImbalances, breakerLoads, loadsAlone],
  doorHours,
];
