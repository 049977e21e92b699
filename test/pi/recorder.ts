import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Aedes } from "aedes";
import {
  type DataMessage,
  dataSchema,
  liveSchema,
  type SpoolEvent,
} from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";
import { parseRow } from "../../contract/row.ts";
import { HUB_STATUS_TOPIC, nodeTopic, parseNodeTopic } from "../../contract/topic.ts";

const MAX_LIVE = 10_000;

export interface RecorderOptions {
  /** False: keeps rows but never acknowledges them, as a hub whose storage is down. */
  acknowledge?: boolean;
  /** Called for each row, also when it comes again. */
  onRow?: (row: { epoch: string; sequence: number; text: string }) => void;
}

/** The hub's end of the wire, as small as can be: keeps and acknowledges the rows of data lanes. */
export class Recorder {
  readonly readings: Reading[] = [];
  readonly events: SpoolEvent[] = [];
  readonly #live: Reading[] = [];
  /** Whatever an honest node does not send: holes, changed rows, rows that are not allowed. */
  readonly complaints: string[] = [];
  /** Newest sequence stored, by epoch of the spool. */
  readonly stored = new Map<string, number>();
  readonly url: string;
  readonly #rows = new Map<string, string>();

  private constructor(
    private readonly broker: Aedes,
    private readonly server: ReturnType<typeof createServer>,
    private readonly options: RecorderOptions,
  ) {
    this.url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    broker.on("publish", ({ topic, payload }) => {
      const source = parseNodeTopic(topic);
      if (source?.lane === "data") this.#store(source.node, JSON.parse(payload.toString()));
      if (source?.lane === "live") this.#note(JSON.parse(payload.toString()));
    });
  }

  static async start(options: RecorderOptions = {}): Promise<Recorder> {
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle).listen(0, "127.0.0.1");
    await once(server, "listening");
    const recorder = new Recorder(broker, server, options);
    recorder.#publish(HUB_STATUS_TOPIC, true, {
      v: 1,
      state: "online",
      software: "recorder",
      at: Date.now(),
    });
    return recorder;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.broker.close(resolve));
    this.server.close();
  }

  /** Readings of one point in the order they came, from the `from`th on. */
  of(point: string, from = 0): Reading[] {
    return this.readings.slice(from).filter((reading) => reading.point === point);
  }

  /** Values of one point on the live lane, as they came; the newest `MAX_LIVE` of all points. */
  live(point: string): Reading[] {
    return this.#live.filter((reading) => reading.point === point);
  }

  #note(payload: unknown): void {
    for (const row of liveSchema.parse(payload).rows) {
      const parsed = parseRow(row);
      if (parsed.kind === "reading") this.#live.push(parsed.reading);
    }
    if (this.#live.length > MAX_LIVE) this.#live.splice(0, this.#live.length - MAX_LIVE);
  }

  #store(node: string, payload: unknown): void {
    const message = dataSchema.parse(payload);
    const { epoch, first, floor, rows } = message;
    const expected = Math.max((this.stored.get(epoch) ?? -1) + 1, floor);
    if (first > expected && this.stored.has(epoch))
      this.complaints.push(`rows ${expected}…${first - 1} never came`);
    let sequence = first;
    for (const row of rows) sequence += this.#row(message, sequence, row);
    this.stored.set(epoch, Math.max(this.stored.get(epoch) ?? 0, sequence - 1));
    if (this.options.acknowledge !== false)
      this.#publish(nodeTopic(node, "ack"), false, { epoch, upto: this.stored.get(epoch) });
  }

  /** Stores one row unless it came before; returns how many sequence numbers it stands for. */
  #row({ epoch }: DataMessage, sequence: number, row: unknown): number {
    const key = `${epoch} ${sequence}`;
    const text = JSON.stringify(row);
    const before = this.#rows.get(key);
    const parsed = parseRow(row);
    this.options.onRow?.({ epoch, sequence, text });
    if (before !== undefined) {
      if (before !== text) this.complaints.push(`row ${sequence} was ${before}, now ${text}`);
    } else {
      this.#rows.set(key, text);
      if (parsed.kind === "reading") this.readings.push(parsed.reading);
      else if (parsed.kind === "event") this.events.push(parsed.event);
      else if (parsed.kind === "refused") this.complaints.push(`row ${sequence}: ${parsed.why}`);
    }
    return parsed.kind === "skip" ? parsed.count : 1;
  }

  #publish(topic: string, retain: boolean, message: unknown): void {
    const payload = Buffer.from(JSON.stringify(message));
    this.broker.publish({ cmd: "publish", topic, payload, qos: 1, retain, dup: false }, (error) => {
      if (error) throw error;
    });
  }
}
