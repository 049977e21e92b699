import { pino } from "pino";
import { systemClock } from "../../contract/clock.ts";
import type { Birth } from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";
import { readBoot } from "../../edge/boot.ts";
import type { Spool } from "../../edge/spool/spool.ts";
import { openStore } from "../../edge/spool/store.ts";
import { freeBytesOf, keepSpool } from "../../edge/spool-keeper.ts";
import { dialMqtt } from "../../edge/uplink/link.ts";
import { createUplink, type Uplink } from "../../edge/uplink/uplink.ts";
import { readJournal } from "./journal.ts";
import {
  COOL,
  doorOf,
  hotPointOf,
  type NodeOrder,
  type NodePlan,
  pointOf,
  stepMs,
} from "./node-plan.ts";

const TICK_MS = 100;
const LIVE_EVERY_TICKS = 10;
const COMMIT_EVERY_MS = 500;

/**
 * A node without sensors: the edge's own spool, keeper and uplink, fed with readings that count up from
 * 0, so that whatever is missing can be named. It goes on where its spool ends.
 */
class PlayedNode {
  readonly #plan: NodePlan;
  readonly #id: string;
  readonly #spool: Spool;
  readonly #uplink: Uplink;
  readonly #next: number[];
  readonly #boot = readBoot();
  readonly #keep: () => Promise<void>;
  #doorEvents: number;
  #owed = 0;
  #rows = 0;
  #ticks = 0;

  constructor(plan: NodePlan, { id, spool: file }: NodePlan["nodes"][number]) {
    this.#plan = plan;
    this.#id = id;
    const { readings, events } = readJournal(file);
    this.#next = Array.from(
      { length: plan.pointsEach },
      (_, n) => (readings.get(pointOf(id, n))?.max ?? -1) + 1,
    );
    this.#doorEvents = [...events.values()].filter(({ type }) => type === "door").length;
    const log = pino({ base: { node: id }, level: "warn" }, pino.destination({ sync: true }));
    const clock = systemClock;
    const taken = () => ({ monoMs: clock.monoMs() + this.#boot.baseMs, synced: true });
    const quotaBytes = plan.quotaBytes;
    this.#spool = openStore({
      ...{ path: file, quotaBytes, bootId: this.#boot.id, clock, log },
      ...{ taken: taken(), memoryOnly: false },
    }).spool;
    this.#uplink = createUplink({
      ...{ node: id, url: plan.url, dial: dialMqtt, spool: this.#spool, durable: true },
      newest: () => this.#newest(),
      birth: () => this.#birth(),
      clockState: () => "synced",
      health: () => ({}),
      alarms: { standing: () => [], order: () => undefined },
      ...{ clock, random: Math.random, log },
    });

    const freeBytes = freeBytesOf(file);
    const event: Parameters<typeof keepSpool>[0]["readings"]["event"] = (one) =>
      this.#spool.addEvent(one, taken());
    this.#keep = () =>
      keepSpool(
        {
          ...{ spool: this.#spool, readings: { taken, event }, freeBytes },
          ...{ onRows: this.#uplink.rows, commitEveryMs: COMMIT_EVERY_MS, clock, log },
        },
        new AbortController().signal,
      );
  }

  async run(): Promise<void> {
    await Promise.all([this.#keep(), this.#uplink.run(new AbortController().signal)]);
  }

  tick(): void {
    this.#ticks += 1;
    if (!finishing) this.#spoolSome();
    if (this.#ticks % LIVE_EVERY_TICKS === 0)
      for (const reading of this.#newest()) this.#uplink.live(reading, false);
  }

  #spoolSome(): void {
    const { pointsEach, rowsPerSecond, doorEvery, baseMs } = this.#plan;
    this.#owed += (rowsPerSecond * TICK_MS) / 1_000;
    for (; this.#owed >= 1; this.#owed -= 1) {
      const point = this.#rows % pointsEach;
      const value = this.#next[point]!;
      const at = baseMs + value * stepMs(this.#plan);
      const reading: Reading = { point: pointOf(this.#id, point), at, quality: "good", value };
      this.#spool.addReading(reading, this.#taken());
      this.#next[point] = value + 1;
      this.#rows += 1;
      if (doorEvery > 0 && this.#rows % doorEvery === 0) this.#moveDoor(at);
    }
  }

  #moveDoor(at: number): void {
    const source = this.#doorEvents + 1;
    const what = source % 2 === 1 ? "opened" : "closed";
    const door = doorOf(this.#id);
    this.#spool.addEvent({ type: "door", door, what, at, source, clock: "synced" }, this.#taken());
    this.#doorEvents = source;
    this.#uplink.rows();
  }

  #newest(): Reading[] {
    const at = systemClock.nowMs();
    const good = (point: string, value: number): Reading => ({ point, at, quality: "good", value });
    return [
      ...this.#next.map((value, n) => good(pointOf(this.#id, n), value)),
      good(hotPointOf(this.#id), hot),
    ];
  }

  #taken() {
    return { monoMs: systemClock.monoMs() + this.#boot.baseMs, synced: true };
  }

  #birth(): Birth {
    const ids = this.#next.map((_, n) => pointOf(this.#id, n));
    const door = doorOf(this.#id);
    return {
      ...{ v: 1, node: this.#id, label: this.#id, software: "played", at: systemClock.nowMs() },
      ...{ bootId: this.#boot.id, epoch: this.#spool.epoch },
      points: [...ids, hotPointOf(this.#id)].map((id) => ({
        ...{ id, quantity: "count", label: id, periodMs: 1_000 },
      })) as Birth["points"],
      doors: this.#plan.doorEvery > 0 ? [{ id: door, label: door }] : [],
    };
  }
}

let hot = COOL;
let finishing = false;
const plan = JSON.parse(process.argv[2] ?? "") as NodePlan;
const nodes = plan.nodes.map((node) => new PlayedNode(plan, node));
process.on("message", (order: NodeOrder) => {
  hot = order.hot ?? hot;
  finishing ||= order.finish ?? false;
});
// The harness is gone.
process.on("disconnect", () => process.exit(1));
// As the real program does when the disk refuses: it ends, and is started again.
const end = (error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
};
process.on("uncaughtException", end);
for (const node of nodes) node.run().catch(end);
setInterval(() => {
  for (const node of nodes) node.tick();
}, TICK_MS);
