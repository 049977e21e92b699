/** Finds a topic's captures: what stood for each `+`, in order. Undefined when the topic is another. */
export type TopicMatcher = (topic: string) => string[] | undefined;

/** A level is matched whole, as MQTT does it: `a/+/c`, never `a/b+/c`. */
export const TOPIC_PATTERN = /^(?![$/])(?:\+|[^+#/\p{Cc}]{1,64})(?:\/(?:\+|[^+#/\p{Cc}]{1,64}))*$/u;

export function captureCount(pattern: string): number {
  return pattern.split("/").filter((level) => level === "+").length;
}

export function topicMatcher(pattern: string): TopicMatcher {
  const levels = pattern.split("/");
  return (topic) => {
    const found = topic.split("/", levels.length + 1);
    if (found.length !== levels.length) return undefined;
    const captures: string[] = [];
    for (const [i, level] of levels.entries()) {
      if (level === "+") captures.push(found[i]!);
      else if (level !== found[i]) return undefined;
    }
    return captures;
  };
}

/** Puts the captures where `{1}`, `{2}` … stand. */
export function filled(template: string, captures: readonly string[]): string {
  return template.replace(/\{(\d)\}/g, (_, n: string) => captures[Number(n) - 1] ?? "");
}

/** The numbers between braces in a template; NaN for one that is none. */
export function placeholders(template: string): number[] {
  return [...template.matchAll(/\{([^}]*)\}/g)].map(([, text]) =>
    /^\d$/.test(text ?? "") ? Number(text) : Number.NaN,
  );
}
