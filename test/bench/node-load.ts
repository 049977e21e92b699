import mqtt, { type MqttClient } from "mqtt";
import type { Birth } from "../../contract/message.ts";
import { nodeTopic } from "../../contract/topic.ts";

const BATCH_ROWS = 250;
const WINDOW_ROWS = 2_000;
const START_MS = Date.now() - 86_400_000;

export interface LoadOptions {
  batchRows?: number;
  /** Rows sent and not yet acknowledged. Infinity for a receiver that never acknowledges. */
  windowRows?: number;
}

/** One simulated edge node that sends as fast as its window of unacknowledged rows lets it. */
export class LoadNode {
  readonly points: string[];
  readonly #epoch = `bench-${process.pid}-${Date.now()}`;
  readonly #batchRows: number;
  readonly #windowRows: number;
  #client!: MqttClient;
  #next = 1;
  #acked = 0;
  #allowed = 0;

  constructor(
    readonly id: string,
    pointCount: number,
    { batchRows = BATCH_ROWS, windowRows = WINDOW_ROWS }: LoadOptions = {},
  ) {
    this.#batchRows = batchRows;
    this.#windowRows = windowRows;
    this.points = Array.from({ length: pointCount }, (_, i) => `${id}.v${i}`);
  }

  get sent(): number {
    return this.#next - 1;
  }

  get acked(): number {
    return this.#acked;
  }

  async connect(mqttUrl: string): Promise<void> {
    this.#client = await mqtt.connectAsync(mqttUrl, {
      clientId: this.id,
      reconnectPeriod: 0,
      keepalive: 30,
    });
    this.#client.on("message", (_topic, payload) => {
      this.#acked = Math.max(
        this.#acked,
        (JSON.parse(payload.toString()) as { upto: number }).upto,
      );
      this.#pump();
    });
    await this.#client.subscribeAsync(nodeTopic(this.id, "ack"), { qos: 1 });
    const birth: Birth = {
      v: 1,
      node: this.id,
      label: this.id,
      software: "bench",
      bootId: "bench",
      epoch: this.#epoch,
      at: Date.now(),
      points: this.points.map((id) => ({
        id,
        quantity: "temperature",
        label: id,
        periodMs: 1_000,
      })),
      doors: [],
    };
    await this.#client.publishAsync(nodeTopic(this.id, "birth"), JSON.stringify(birth), {
      qos: 1,
      retain: true,
    });
  }

  /** Lets the node send up to that many rows in all. */
  allow(rows: number): void {
    this.#allowed = rows;
    this.#pump();
  }

  /** Lets it send that many more. */
  grant(rows: number): void {
    this.allow(Math.max(this.#allowed, this.sent) + rows);
  }

  /** The same value of all its points. */
  publishAll(value: number): void {
    const at = Date.now();
    const rows = this.points.map((point) => [point, at, value]);
    this.#client.publish(nodeTopic(this.id, "live"), JSON.stringify({ at, rows }), { qos: 0 });
  }

  /** Newest values of all its points; with `value` of the first alone. */
  publishLive(value?: number): void {
    const now = Date.now();
    const points = value === undefined ? this.points : this.points.slice(0, 1);
    const rows = points.map((point, i) => [point, now, value ?? (now % 1_000) + i]);
    this.#client.publish(nodeTopic(this.id, "live"), JSON.stringify({ at: Date.now(), rows }), {
      qos: 0,
    });
  }

  close(): Promise<void> {
    return this.#client.endAsync(true);
  }

  #pump(): void {
    const batch = this.#batchRows;
    while (
      this.#next + batch - 1 <= this.#allowed &&
      this.sent - this.#acked + batch <= this.#windowRows
    ) {
      this.#client.publish(nodeTopic(this.id, "data"), this.#batch(), { qos: 1 });
      this.#next += batch;
    }
  }

  /** The value is the sequence number, so that a sum finds a lost or doubled row. Each point has one row a second. */
  #batch(): string {
    const rows: string[] = [];
    for (let seq = this.#next; seq < this.#next + this.#batchRows; seq += 1) {
      const at = START_MS + Math.floor(seq / this.points.length) * 1_000;
      rows.push(`["${this.points[seq % this.points.length]}",${at},${seq / 100}]`);
    }
    const floor = this.#acked + 1;
    return `{"epoch":"${this.#epoch}","floor":${floor},"first":${this.#next},"rows":[${rows.join(",")}]}`;
  }
}
