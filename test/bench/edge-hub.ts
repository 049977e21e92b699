import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Aedes } from "aedes";
import type { DataMessage } from "../../contract/message.ts";
import { parseRow } from "../../contract/row.ts";
import { nodeTopic } from "../../contract/topic.ts";
import { PERIOD_MS } from "./edge-load.ts";

/** So many intervals of each point are left out of the jitter: connections are made meanwhile. */
const FIRST_INTERVALS = 2;

/** The hub's end of the edge bench: acknowledges every batch at once and notes when each reading was taken. */
export async function startHubEnd() {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const stamps = new Map<string, number[]>();
  const loopLagsMs: number[] = [];
  const counts = { readings: 0, bad: 0, events: 0 };
  await new Promise<void>((resolve) =>
    broker.subscribe(nodeTopic("bench", "data"), note, () => resolve()),
  );

  function note(packet: { payload: Buffer | string }, done: () => void) {
    const { epoch, first, rows } = JSON.parse(packet.payload.toString()) as DataMessage;
    for (const row of rows) take(parseRow(row));
    const payload = JSON.stringify({ epoch, upto: first + rows.length - 1 });
    const topic = nodeTopic("bench", "ack");
    broker.publish({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false }, () => {});
    done();
  }

  function take(parsed: ReturnType<typeof parseRow>): void {
    if (parsed.kind === "event" && parsed.event.type === "door") counts.events += 1;
    if (parsed.kind !== "reading") return;
    const { reading } = parsed;
    if (reading.point === "bench.loop-lag" && reading.quality !== "bad")
      loopLagsMs.push(1_000 * reading.value);
    // What the node says about itself, and doors, have other periods.
    if (/^(bench|door-\d+)\./.test(reading.point)) return;
    counts.readings += 1;
    if (reading.quality !== "good") counts.bad += 1;
    const of = stamps.get(reading.point);
    if (of) of.push(reading.at);
    else stamps.set(reading.point, [reading.at]);
  }

  return {
    port: (server.address() as AddressInfo).port,
    counts,
    loopLagsMs,
    points: () => stamps.size,
    /** How far each interval between two readings of a point is from its period. */
    jitterMs: () =>
      [...stamps.values()].flatMap((of) =>
        of
          .slice(1)
          .map((at, i) => Math.abs(at - (of[i] ?? at) - PERIOD_MS))
          .slice(FIRST_INTERVALS),
      ),
    async close() {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      server.close();
    },
  };
}
