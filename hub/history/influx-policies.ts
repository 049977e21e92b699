import type { Retention } from "./influx-databases.ts";
import type { RawSeries } from "./influx-queries.ts";

/** A retention policy of InfluxDB 1.x. */
export interface Policy {
  name: string;
  /** 0: for ever. */
  keptHours: number;
  shardHours: number;
}

export const showPolicies = (database: string) => `SHOW RETENTION POLICIES ON "${database}"`;

/** The policy that writes without one go to, from the answer to `showPolicies`. */
export function defaultPolicy(series: readonly RawSeries[] | undefined): Policy | undefined {
  const { columns = [], values = [] } = series?.[0] ?? {};
  // The answers to questions about the server hold texts where those about readings hold numbers.
  const rows = (values as unknown[][]).map((row) =>
    Object.fromEntries(columns.map((column, i) => [column, row[i]])),
  );
  const row = rows.find(({ default: isDefault }) => isDefault === true);
  return (
    row && {
      name: String(row.name),
      keptHours: hoursOf(String(row.duration)),
      shardHours: hoursOf(String(row.shardGroupDuration)),
    }
  );
}

/** Changes the default policy: readings go a shard at a time, up to a shard later than they are old. */
export function setPolicy(
  { database, keptHours, shardHours }: Retention,
  name = "autogen",
): string {
  const duration = keptHours > 0 ? `${keptHours}h` : "INF";
  return `ALTER RETENTION POLICY "${name}" ON "${database}" DURATION ${duration} SHARD DURATION ${shardHours}h`;
}

/** Hours of a duration as 1.x writes it: `2160h0m0s`, `0s` for ever. */
function hoursOf(duration: string): number {
  const [, hours = "0", minutes = "0", seconds = "0"] =
    /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration) ?? [];
  return Number(hours) + Number(minutes) / 60 + Number(seconds) / 3_600;
}
