import type { Tier } from "./aggregate.ts";

/**
 * One row per reading, keyed by point and time, so that a point's history lies together on disk. Names
 * and reasons stand once, in their own tables. Mark 0 is a good value; it takes no byte in a row.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS point (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS mark (
    id INTEGER PRIMARY KEY, quality TEXT NOT NULL, reason TEXT NOT NULL, UNIQUE (quality, reason)
  ) STRICT;
  INSERT OR IGNORE INTO mark VALUES (0, 'good', '');
  CREATE TABLE IF NOT EXISTS reading (
    point INTEGER NOT NULL, at INTEGER NOT NULL, value REAL, mark INTEGER NOT NULL,
    PRIMARY KEY (point, at)
  ) STRICT, WITHOUT ROWID;
  ${(["5m", "1h"] as const)
    .map(
      (tier) => `CREATE TABLE IF NOT EXISTS ${rollupTable(tier)} (
    point INTEGER NOT NULL, at INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    sum REAL NOT NULL, good INTEGER NOT NULL, rows INTEGER NOT NULL, PRIMARY KEY (point, at)
  ) STRICT, WITHOUT ROWID;`,
    )
    .join("\n")}
`;

/**
 * For every connection that writes; the file itself remembers only the journal's mode. Readings of one round
 * go to a page per point: moving these pages into the file after every round would cost more than all
 * else, so the log may hold 64 MB of them first.
 */
export const CONNECTION = [
  "synchronous = FULL",
  "wal_autocheckpoint = 16000",
  "journal_size_limit = 67108864",
  "cache_size = -32768",
];

export function rollupTable(tier: Exclude<Tier, "raw">): string {
  return `rollup_${tier}`;
}

// better-sqlite3 binds numbers above 2^31 as floats; without the cast the division would not be whole.
const STEP = "CAST(@stepMs AS INTEGER)";
const POINTS = "SELECT id FROM point WHERE name IN (SELECT value FROM json_each(@points))";

const RAW_COLUMNS = `
  coalesce(min(value) FILTER (WHERE mark = 0), 0), coalesce(max(value) FILTER (WHERE mark = 0), 0),
  total(value) FILTER (WHERE mark = 0), count(*) FILTER (WHERE mark = 0), count(*)`;
const ROLLUP_COLUMNS = `
  coalesce(min(low) FILTER (WHERE good > 0), 0), coalesce(max(high) FILTER (WHERE good > 0), 0),
  total(sum), sum(good), sum(rows)`;

/** Rows of point, bucket, low, high, sum, good, rows. */
export function aggregateSql(tier: Tier): string {
  const table = tier === "raw" ? "reading" : rollupTable(tier);
  return `
    SELECT (SELECT name FROM point WHERE id = found.point), * FROM (
      SELECT point, at / ${STEP} * ${STEP} AS bucket,
        ${tier === "raw" ? RAW_COLUMNS : ROLLUP_COLUMNS}
      FROM ${table} WHERE point IN (${POINTS}) AND at >= @fromMs AND at < @toMs
      GROUP BY point, bucket
    ) AS found ORDER BY point, bucket`;
}

/** The ends of the range stand in for readings, so that a hole at either end is found like any other. */
export const HOLES = `
  SELECT before, at FROM (
    SELECT at, lag(at) OVER (ORDER BY at) AS before FROM (
      SELECT CAST(@fromMs AS INTEGER) AS at UNION ALL
      SELECT at FROM reading
        WHERE point = (SELECT id FROM point WHERE name = @point) AND at >= @fromMs AND at < @toMs
      UNION ALL SELECT CAST(@toMs AS INTEGER)
    )
  ) WHERE at - before > @longerThanMs ORDER BY at LIMIT @limit`;

/** One row of rows, good, sum, first, last. */
export const TOTALS = `
  SELECT count(*), count(*) FILTER (WHERE mark = 0), total(value) FILTER (WHERE mark = 0),
    min(at), max(at)
  FROM reading
  WHERE point = (SELECT id FROM point WHERE name = @point) AND at >= @fromMs AND at < @toMs`;

/** Deletes the oldest stretch of one point: a few thousand rows at most. */
export function dropSql(table: string): string {
  return `
    DELETE FROM ${table} WHERE point = @point AND at < @beforeMs
      AND at < (SELECT min(at) FROM ${table} WHERE point = @point) + CAST(@stretchMs AS INTEGER)`;
}
