import type { AlarmHealth, Figure } from "../contract/alarm-health.ts";

/** Whether a figure misses its target; null when there is nothing to count. */
export function misses({ value, target, bad }: Figure): boolean | null {
  if (value === null) return null;
  return bad === "above" ? value > target : value < target;
}

/** A figure for people: 0.4, 12, 3.5 %. */
export function figureText(value: number | null, unit = ""): string {
  if (value === null) return "—";
  const text = value === 0 || value >= 100 ? value.toFixed(0) : trimmed(value);
  return unit === "%" ? `${text} %` : text;
}

const trimmed = (value: number) => (value < 0.1 ? "< 0.1" : value.toFixed(1).replace(/\.0$/, ""));

/** The one sentence above the figures: what is worst, and what to do about it. */
export function verdict(health: AlarmHealth): { words: string; isGood: boolean } {
  const { raised, perTenMinutes, timeInFlood, topTen, chattering, standing } = health;
  if (raised === 0)
    return { words: "No alarm sounded in this period.", isGood: standing.length === 0 };
  if (misses(timeInFlood))
    return {
      words: `Alarms came in floods for ${figureText(timeInFlood.value, "%")} of the time: nobody can read more than 10 in 10 minutes. Look at what happened in the floods below first.`,
      isGood: false,
    };
  if (misses(perTenMinutes))
    return {
      words: `${figureText(perTenMinutes.value)} alarms in 10 minutes on average are more than a person can follow. Start with the top ten below.`,
      isGood: false,
    };
  const [worst] = topTen;
  if (worst && worst.times >= 10 && worst.sharePercent >= 25)
    return {
      words: `One alarm makes ${figureText(worst.sharePercent, "%")} of all: “${worst.title}”. Mend what causes it, or rehearse another limit or delay for its rule.`,
      isGood: false,
    };
  if (chattering.length > 0)
    return {
      words: `${count(chattering.length, "alarm comes and goes", "alarms come and go")} within minutes. Give the rule a deadband or a longer off-delay, and rehearse it before.`,
      isGood: false,
    };
  if (standing.length > 0)
    return {
      words: `${count(standing.length, "alarm has", "alarms have")} stood for more than a day. An alarm nobody can clear hides the next one.`,
      isGood: false,
    };
  return { words: "The alarms are few enough to be read, one by one.", isGood: true };
}

const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

/** 45 s, 12 min, 3.5 h. */
export function spanText(seconds: number | null): string {
  if (seconds === null) return "—";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1).replace(/\.0$/, "")} h`;
}
