import { ApiError, type CompletenessItem, getCompleteness, getHistory } from "../api.ts";
import { heightWord } from "../places.ts";
import { hourMinute, shortDate } from "../time.ts";
import type { Coverage, Stretch } from "./chart-holes.ts";
import type { ChartRange } from "./chart-slots.ts";
import type { Series } from "./time-chart.tsx";

/** Lines of a rack's inlets, and what the hub knows to be missing in each. */
export async function inletSeries(ids: readonly string[], range: ChartRange): Promise<Series[]> {
  const found = await Promise.all(ids.map((id) => getHistory(id, range)));
  const series: Series[] = [];
  // One after the other: the hub makes two such reports at a time.
  for (const [i, id] of ids.entries())
    series.push({
      label: heightWord(id),
      buckets: found[i]?.items ?? [],
      coverage: await coverageOf(id, range),
    });
  return series;
}

/** Null when the hub has no time for the question: the chart then shows only what it sees itself. */
async function coverageOf(id: string, range: ChartRange): Promise<Coverage | null> {
  try {
    const item = await getCompleteness(id, range);
    return item ? toCoverage(item, range) : null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 503) return null;
    throw error;
  }
}

function toCoverage({ since, missing, thinned }: CompletenessItem, range: ChartRange): Coverage {
  const before: Stretch = { from: range.fromMs, to: Math.min(since ?? range.toMs, range.toMs) };
  // What was left over from thinning lies further apart; that is no hole.
  const holes = missing.filter(
    ({ from, to }) => !thinned.some((stretch) => from >= stretch.from && to <= stretch.to),
  );
  return { missing: before.to > before.from ? [before, ...holes] : holes, thinned };
}

/** "Sun 22 Nov 10:00–11:45": when a stretch was, for those who do not see the chart. */
export function stretchWords({ from, to }: Stretch, timeZone: string): string {
  const [day, end] = [shortDate(from, timeZone), shortDate(to, timeZone)];
  const until = `${day === end ? "" : `${end} `}${hourMinute(to, timeZone)}`;
  return `${day} ${hourMinute(from, timeZone)}–${until}`;
}
