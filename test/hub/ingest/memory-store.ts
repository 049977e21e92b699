import type { HistoryStore, StoredReading, StoreError } from "../../../hub/history/store.ts";

/** A history that keeps rows in a map and fails as a test tells it. */
export class MemoryStore implements Pick<HistoryStore, "write"> {
  readonly rows = new Map<string, StoredReading>();
  readonly writes: number[] = [];
  /** Asked before every write; what it returns is thrown. */
  failure: (readings: readonly StoredReading[]) => StoreError | undefined = () => undefined;

  async write(readings: readonly StoredReading[]): Promise<void> {
    this.writes.push(readings.length);
    const error = this.failure(readings);
    if (error) throw error;
    for (const row of readings) this.rows.set(`${row.reading.point} ${row.reading.at}`, row);
  }

  /** Values of a point in order of time; null for a bad reading. */
  values(point: string): (number | null)[] {
    return [...this.rows.values()]
      .map(({ reading }) => reading)
      .filter((reading) => reading.point === point)
      .sort((a, b) => a.at - b.at)
      .map((reading) => (reading.quality === "bad" ? null : reading.value));
  }
}
