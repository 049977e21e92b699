import type { Coverage, Drill } from "../contract/alarm-health.ts";

const DAY_MS = 86_400_000;

/** The one sentence above the lists: would somebody hear of everything? */
export function coverageVerdict(coverage: Coverage): { words: string; isGood: boolean } {
  const { unwatched, rulesWithoutReceiver, receivers, nodesNotWatched } = coverage;
  const failing = receivers.filter((receiver) => receiver.failing !== null).length;
  const never = receivers.filter((receiver) => receiver.provenAt === null).length;
  const overdue = receivers.filter((each) => each.overdue && each.provenAt !== null).length;
  const gaps = [
    receivers.length === 0 && "nobody is told of anything: there is no receiver",
    failing > 0 && `${plural(failing, "receiver")} cannot be reached`,
    rulesWithoutReceiver.length > 0 && `${plural(rulesWithoutReceiver.length, "rule")} tell nobody`,
    unwatched.length > 0 && `${plural(unwatched.length, "point")} can never alarm`,
    nodesNotWatched.length > 0 &&
      `${plural(nodesNotWatched.length, "node")} may fall silent unseen`,
    never > 0 && `${plural(never, "receiver")} never proven`,
    overdue > 0 && `${plural(overdue, "receiver")} not proven for long`,
  ].filter((gap) => gap !== false);
  if (gaps.length === 0)
    return { words: "Every point can alarm, and everybody can be reached.", isGood: true };
  const text = gaps.join("; ");
  return { words: `${text[0]?.toUpperCase()}${text.slice(1)}.`, isGood: false };
}

const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** When a receiver last proved that it can be reached: "proven 12 days ago", "never proven". */
export function provenText(provenAt: number | null, now: number): string {
  if (provenAt === null) return "never proven";
  const days = Math.floor((now - provenAt) / DAY_MS);
  if (days < 1) return "proven within a day";
  return days === 1 ? "proven 1 day ago" : `proven ${days} days ago`;
}

/** How a drill went: "4 of 5 reached, 2 acknowledged". */
export function drillWords({ steps, doneAt }: Drill): string {
  const sent = steps.filter(({ kind }) => kind !== "step");
  const reached = sent.filter(({ state }) =>
    ["accepted", "delivered", "acknowledged"].includes(state),
  );
  const acknowledged = sent.filter(({ state }) => state === "acknowledged");
  const failed = sent.filter(({ state }) => state === "failed");
  const parts = [
    `${reached.length} of ${sent.length} reached`,
    acknowledged.length > 0 && `${acknowledged.length} acknowledged`,
    failed.length > 0 && `${failed.length} failed`,
    doneAt === null && "still going on",
  ];
  return parts.filter((part) => part !== false).join(", ");
}
