import { useEffect, useState } from "preact/hooks";
import { errorText } from "../api.ts";

export interface Asked<T> {
  /** What the hub answered last; kept while a newer answer fails. */
  value: T | null;
  problem: string | null;
  /** Asks again at once. */
  again: () => void;
}

/** Asks the hub when the page opens, whenever `key` changes, and every `everyMs` if that is given. */
export function useAsked<T>(ask: () => Promise<T>, key = "", everyMs?: number): Asked<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isStopped = false;
    const load = async () => {
      try {
        const answer = await ask();
        if (isStopped) return;
        setValue(answer);
        setProblem(null);
      } catch (error) {
        if (!isStopped) setProblem(errorText(error));
      }
    };
    void load();
    const timer = everyMs === undefined ? undefined : setInterval(() => void load(), everyMs);
    return () => {
      isStopped = true;
      clearInterval(timer);
    };
  }, [key, turn, everyMs]);
  return { value, problem, again: () => setTurn((n) => n + 1) };
}

/** While nothing has come yet, and when the hub refused. */
export function Waiting({ problem }: { problem: string | null }) {
  return problem === null ? (
    <p class="quiet">Waiting for the hub …</p>
  ) : (
    <p class="problem" role="alert">
      {problem}
    </p>
  );
}

/** A problem beside what is shown already. */
export function Trouble({ problem }: { problem: string | null }) {
  if (problem === null) return null;
  return (
    <p class="problem" role="alert">
      {problem}
    </p>
  );
}
