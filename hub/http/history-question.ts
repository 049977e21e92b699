import { StoreError } from "../history/store.ts";
import { badRequest, HttpProblem } from "./problem.ts";

/** Asks the history; what it cannot or may not answer becomes a problem that says so. */
export async function askHistory<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof RangeError) throw badRequest(error.message);
    if (error instanceof StoreError)
      throw new HttpProblem(503, "No history now", "The history store does not answer.", {
        "retry-after": "10",
      });
    throw error;
  }
}
