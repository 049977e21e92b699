/** Heights in rem; theme and wall.css fix them, so the list can be planned instead of scrolled. */
const CARD_REM = 10.4;
const ROW_REM = 4.78;
const SHORT_REM = 2.5;

export interface ListPlan {
  /** One large card and rows; single lines; single lines in two columns. */
  kind: "card" | "short" | "columns";
  /** How many alarms have a place. */
  capacity: number;
}

/**
 * The largest form in which every priority 1 alarm has a place, and among those the one that does not
 * leave alarms out while a denser one would show them: nothing gets smaller than it must.
 */
export function planList(critical: number, total: number, heightRem: number): ListPlan {
  const card = 1 + Math.max(0, Math.floor((heightRem - CARD_REM) / ROW_REM));
  const lines = Math.max(1, Math.floor(heightRem / SHORT_REM));
  if (critical <= card || total <= card) return { kind: "card", capacity: card };
  if (critical <= lines) return { kind: "short", capacity: lines };
  return { kind: "columns", capacity: lines * 2 };
}
