import { TIER_KEPT_MS, TIERS, type Tier } from "./aggregate.ts";

const HOUR_MS = 3_600_000;

/**
 * The database of a tier: `plenum`, `plenum_5m` and `plenum_1h`, or, when the one in site.yaml ends in
 * `_raw`, `dc_raw`, `dc_5m` and `dc_1h`.
 */
export function databaseOf(configured: string, tier: Tier): string {
  if (tier === "raw") return configured;
  return `${configured.replace(/_raw$/, "")}_${tier}`;
}

/** How long InfluxDB keeps a tier and how much of it goes at once. */
export interface Retention {
  tier: Tier;
  database: string;
  /** 0: for ever. */
  keptHours: number;
  shardHours: number;
}

const SHARD_HOURS: Record<Tier, number> = { raw: 24, "5m": 7 * 24, "1h": 30 * 24 };

export function retentionsOf(configured: string): Retention[] {
  return TIERS.map((tier) => ({
    tier,
    database: databaseOf(configured, tier),
    keptHours: Number.isFinite(TIER_KEPT_MS[tier]) ? TIER_KEPT_MS[tier] / HOUR_MS : 0,
    shardHours: SHARD_HOURS[tier],
  }));
}
