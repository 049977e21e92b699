import type { IClientOptions, MqttClient } from "mqtt";
import type { Ack, Birth, DoorEvent } from "../../contract/message.ts";
import type { WireRow } from "../../contract/row.ts";
import { nodeTopic } from "../../contract/topic.ts";

const WINDOW_ROWS = 2_000;
const BATCH_ROWS = 250;
const RESEND_MS = 1_500;
const TICK_MS = 50;
const POINTS = 4;
/** Every so-many-th row is a door event. */
const DOOR_EVERY = 97;
export const HOT = 30;
export const COOL = 20;

/** Times of the generated points; a reading's value is its number in the spool. */
export interface Spooled {
  rows: Map<string, { count: number; sum: number }>;
  doorEvents: number;
}

/** An edge node that spools at a steady rate and speaks the protocol: epoch, floor, window, resend, ack. */
export class GeneratedNode {
  readonly spooled: Spooled = { rows: new Map(), doorEvents: 0 };
  readonly door: string;
  readonly hotPoint: string;
  /** What the point with the alarm says now. */
  hot = COOL;
  #rows: WireRow[] = [];
  #floor = 1;
  #next = 1;
  #cursor = 1;
  #resendAtMs = Number.POSITIVE_INFINITY;
  #owed = 0;
  #client: MqttClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #spooling = true;
  #session = 1;
  #ticks = 0;
  readonly #startMs = Date.now();
  readonly #epoch: string;

  constructor(
    readonly id: string,
    private readonly options: {
      rowsPerSecond: number;
      join: (options: IClientOptions) => Promise<MqttClient>;
      random: () => number;
    },
  ) {
    this.door = `door-${id}`;
    this.hotPoint = `${id}.hot`;
    this.#epoch = `epoch-${id}`;
  }

  get unacknowledged(): number {
    return this.#next - this.#floor;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    void this.#connect();
  }

  /** Spools nothing more; what is spooled is still sent. */
  finish(): void {
    this.#spooling = false;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#client?.endAsync(true);
  }

  async #connect(): Promise<void> {
    this.#session += 1;
    const offline = { v: 1, state: "offline", session: this.#session, at: Date.now() };
    const topic = nodeTopic(this.id, "status");
    const will = {
      topic,
      payload: Buffer.from(JSON.stringify(offline)),
      qos: 1,
      retain: true,
    } as const;
    try {
      const client = await this.options.join({ will, keepalive: 5, connectTimeout: 3_000 });
      client.on("message", (_topic, payload) => this.#acknowledge(payload));
      client.once("close", () => this.#again());
      await client.subscribeAsync(nodeTopic(this.id, "ack"), { qos: 1 });
      client.publish(nodeTopic(this.id, "birth"), JSON.stringify(this.#birth()), {
        qos: 1,
        retain: true,
      });
      const online = { ...offline, state: "online" };
      client.publish(topic, JSON.stringify(online), { qos: 1, retain: true });
      this.#cursor = this.#floor;
      this.#client = client;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#again();
    }
  }

  #again(): void {
    this.#client = undefined;
    if (this.#timer) setTimeout(() => void this.#connect(), 200 + 800 * this.options.random());
  }

  #tick(): void {
    if (this.#spooling) this.#spool();
    const client = this.#client;
    if (!client?.connected) return;
    const nowMs = performance.now();
    if (nowMs >= this.#resendAtMs) {
      this.#cursor = this.#floor;
      this.#resendAtMs = nowMs + RESEND_MS;
    }
    while (this.#cursor < this.#next && this.#cursor - this.#floor < WINDOW_ROWS)
      this.#send(client);
    this.#ticks += 1;
    if (this.#ticks % 5 !== 0) return;
    const at = Date.now();
    const live = { at, rows: [[this.hotPoint, at, this.hot]] };
    client.publish(nodeTopic(this.id, "live"), JSON.stringify(live), { qos: 0 }, () => undefined);
  }

  #send(client: MqttClient): void {
    const begin = this.#cursor - this.#floor;
    const rows = this.#rows.slice(begin, begin + BATCH_ROWS);
    const message = { epoch: this.#epoch, floor: this.#floor, first: this.#cursor, rows };
    client.publish(
      nodeTopic(this.id, "data"),
      JSON.stringify(message),
      { qos: 1 },
      () => undefined,
    );
    this.#cursor += rows.length;
    if (this.#resendAtMs === Number.POSITIVE_INFINITY)
      this.#resendAtMs = performance.now() + RESEND_MS;
  }

  #acknowledge(payload: Buffer): void {
    const { epoch, upto } = JSON.parse(payload.toString()) as Ack;
    if (epoch !== this.#epoch || upto < this.#floor || upto >= this.#next) return;
    this.#rows.splice(0, upto + 1 - this.#floor);
    this.#floor = upto + 1;
    this.#cursor = Math.max(this.#cursor, this.#floor);
    const waiting = this.#cursor > this.#floor;
    this.#resendAtMs = waiting ? performance.now() + RESEND_MS : Number.POSITIVE_INFINITY;
  }

  #spool(): void {
    this.#owed += (this.options.rowsPerSecond * TICK_MS) / 1_000;
    for (; this.#owed >= 1; this.#owed -= 1) {
      const seq = this.#next;
      this.#next += 1;
      // Slower than one a millisecond, so that no row lies in the future.
      const at = this.#startMs + seq;
      if (seq % DOOR_EVERY === 0) this.#rows.push({ event: this.#doorEvent(at) });
      else {
        const point = `${this.id}.p${seq % POINTS}`;
        const sum = this.spooled.rows.get(point) ?? { count: 0, sum: 0 };
        this.spooled.rows.set(point, { count: sum.count + 1, sum: sum.sum + seq });
        this.#rows.push([point, at, seq]);
      }
    }
  }

  #doorEvent(at: number): DoorEvent {
    this.spooled.doorEvents += 1;
    const source = this.spooled.doorEvents;
    const what = source % 2 === 1 ? "opened" : "closed";
    return { type: "door", door: this.door, what, at, source, clock: "synced" };
  }

  #birth(): Birth {
    const point = (id: string) =>
      ({ id, quantity: "temperature", label: id, periodMs: 1_000 }) as const;
    const ids = Array.from({ length: POINTS }, (_, n) => `${this.id}.p${n}`);
    return {
      ...{ v: 1, node: this.id, label: this.id, software: "generated", at: Date.now() },
      ...{ bootId: "boot-1", epoch: this.#epoch },
      points: [...ids, this.hotPoint].map(point),
      doors: [{ id: this.door, label: this.door }],
    };
  }
}
