import { createHash } from "node:crypto";

/** Fixed for ever: workers of different versions must agree. */
export const PARTITIONS = 64;

/** The part of the load a node belongs to, 0–63. */
export function partitionOf(node: string): number {
  return createHash("sha256").update(node).digest()[0]! % PARTITIONS;
}

export const partitionLease = (partition: number): string => `partition:${partition}`;

/**
 * Which partitions fall to `worker` while these workers are there (highest random weight): every worker
 * comes to the same answer, and one that comes or goes moves no partition between the others.
 */
export function partitionsOf(worker: string, workers: readonly string[]): number[] {
  const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  return all.filter((partition) => ownerOf(partition, workers) === worker);
}

function ownerOf(partition: number, workers: readonly string[]): string | undefined {
  let best: { worker: string; weight: string } | undefined;
  for (const worker of workers) {
    const weight = createHash("sha256").update(`${partition} ${worker}`).digest("hex");
    if (!best || weight > best.weight) best = { worker, weight };
  }
  return best?.worker;
}
