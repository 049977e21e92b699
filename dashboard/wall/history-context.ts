import { createContext } from "preact";
import { SparkHistory } from "./spark-history.ts";

/** Without a hub behind it every line stays empty. */
export const HistoryContext = createContext(
  new SparkHistory(
    async () => [],
    () => 0,
  ),
);
