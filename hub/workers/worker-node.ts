import type { Birth, NodeStatus, PointInfo } from "../../contract/message.ts";
import { good } from "../../contract/reading.ts";
import { encodeReading } from "../../contract/row.ts";
import { nodeTopic } from "../../contract/topic.ts";
import type { LiveState } from "../live/live-state.ts";
import { VERSION } from "../version.ts";

/** A worker is a node like any other, so that the same rules notice when it stops or cannot store. */
export const workerNode = (worker: string): string => `worker-${worker}`;
const NODE_PATTERN = /^worker-/;
export const FAILING = "history-failing";
const LAG = "store-lag";
const STORED = "stored";
const PARTITIONS = "partitions";
export const WORKER_PERIOD_MS = 5_000;

export interface WorkerFigures {
  storeError: string | null;
  storeLagMs: number;
  stored: number;
  partitions: number;
}

type Publish = (topic: string, payload: string, options: { retain?: boolean; qos?: 0 | 1 }) => void;

/** What a worker says of itself over MQTT. */
export class WorkerNode {
  readonly #node: string;
  readonly #bootId: string;
  readonly #session: number;

  constructor(worker: string, bootId: string, now: number) {
    this.#node = workerNode(worker);
    this.#bootId = bootId;
    // Also rises when the worker starts again.
    this.#session = Math.floor(now / 1_000);
  }

  will(now: number): { topic: string; payload: string } {
    return {
      topic: nodeTopic(this.#node, "status"),
      payload: JSON.stringify(this.#status(now, "offline")),
    };
  }

  announce(publish: Publish, now: number): void {
    const options = { retain: true, qos: 1 } as const;
    publish(nodeTopic(this.#node, "birth"), JSON.stringify(this.#birth(now)), options);
    this.status(publish, now, "online");
  }

  status(publish: Publish, now: number, state: NodeStatus["state"]): void {
    const payload = JSON.stringify(this.#status(now, state));
    publish(nodeTopic(this.#node, "status"), payload, { retain: true, qos: 1 });
  }

  figures(publish: Publish, now: number, figures: WorkerFigures): void {
    const values = [
      [FAILING, figures.storeError === null ? 0 : 1],
      [LAG, Math.round(figures.storeLagMs) / 1_000],
      [STORED, figures.stored],
      [PARTITIONS, figures.partitions],
    ] as const;
    const rows = values.map(([role, value]) =>
      encodeReading({ point: `${this.#node}.${role}`, at: now, ...good(value) }),
    );
    publish(nodeTopic(this.#node, "live"), JSON.stringify({ at: now, rows }), { qos: 0 });
  }

  #status(at: number, state: NodeStatus["state"]): NodeStatus {
    return { v: 1, state, session: this.#session, at };
  }

  #birth(at: number): Birth {
    const point = (role: string, quantity: PointInfo["quantity"], label: string): PointInfo => ({
      id: `${this.#node}.${role}`,
      quantity,
      label,
      periodMs: WORKER_PERIOD_MS,
    });
    const label = `Hub ${this.#node.replace("-", " ")}`;
    return {
      ...{ v: 1, node: this.#node, label, at, doors: [] },
      software: `plenum-hub ${VERSION}`,
      bootId: this.#bootId,
      epoch: this.#bootId,
      points: [
        point(FAILING, "flag", `${label}: history store not writing`),
        point(LAG, "duration", `${label}: oldest reading not stored`),
        point(STORED, "count", `${label}: readings stored since its start`),
        point(PARTITIONS, "count", `${label}: partitions held of 64`),
      ],
    };
  }
}

/** What all workers together say; a hub without workers hears nothing and all is well. */
export function figuresOfWorkers(live: Pick<LiveState, "nodes" | "point">): WorkerFigures {
  const all: WorkerFigures = { storeError: null, storeLagMs: 0, stored: 0, partitions: 0 };
  for (const { id, online } of live.nodes()) {
    if (!online || !NODE_PATTERN.test(id)) continue;
    const value = (role: string) => {
      const reading = live.point(`${id}.${role}`)?.reading;
      return reading?.quality === "good" ? reading.value : 0;
    };
    if (value(FAILING) === 1) all.storeError ??= `${id} cannot write history; see its log`;
    all.storeLagMs = Math.max(all.storeLagMs, value(LAG) * 1_000);
    all.stored += value(STORED);
    all.partitions += value(PARTITIONS);
  }
  return all;
}
