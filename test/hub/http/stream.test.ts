import { describe, expect, test } from "vitest";
import type { PointDelta } from "../../../contract/api.ts";
import { MAX_STREAM_CLIENTS, Stream, type StreamSink } from "../../../hub/http/stream.ts";
import { Views } from "../../../hub/http/views.ts";
import { runSelfWatch } from "../../../hub/self-watch.ts";
import { ALARM, BIRTH, StandIn, silent } from "./stand-in.ts";

interface Event {
  event: string;
  data: unknown;
}

/** A browser whose reading can be stopped. */
class Reader implements StreamSink {
  readonly events: Event[] = [];
  reading = true;
  destroyed = false;
  writesWhileBehind = 0;
  #behind = false;
  #drain = () => {};
  #close = () => {};

  write(text: string): boolean {
    if (this.#behind) this.writesWhileBehind += 1;
    for (const block of text.split("\n\n").filter(Boolean)) {
      const fields = Object.fromEntries(
        block.split("\n").map((line) => {
          const colon = line.indexOf(": ");
          return [line.slice(0, colon), line.slice(colon + 2)];
        }),
      );
      this.events.push({ event: fields.event ?? "", data: JSON.parse(fields.data ?? "null") });
    }
    this.#behind = !this.reading;
    return this.reading;
  }
  onDrain(listener: () => void): void {
    this.#drain = listener;
  }
  onClose(listener: () => void): void {
    this.#close = listener;
  }
  destroy(): void {
    this.destroyed = true;
    this.#close();
  }
  catchUp(): void {
    this.reading = true;
    this.#behind = false;
    this.#drain();
  }
  leave(): void {
    this.#close();
  }
  names(): string[] {
    return this.events.map(({ event }) => event);
  }
  take(): Event[] {
    return this.events.splice(0);
  }
}

function playing() {
  const hub = new StandIn();
  const { clock } = hub;
  const stream = new Stream({
    sources: { ...new Views(hub.sources), alarms: () => hub.alarms },
    version: "1.2.3",
    build: "abc",
    clock,
    log: silent,
  });
  hub.live.onChange((change) => stream.liveChanged(change));
  const stop = new AbortController();
  const running = stream.run(stop.signal);
  const open = (stillSignedIn = () => true) => {
    const reader = new Reader();
    expect(stream.open(reader, stillSignedIn)).toBe(true);
    return reader;
  };
  return { hub, clock, stream, stop, running, open };
}

describe("Stream", () => {
  test("A reader first gets hello with the build, then the whole picture", () => {
    const { open } = playing();
    const [hello, snap] = open().events;
    expect(hello).toMatchObject({ event: "hello", data: { version: "1.2.3", build: "abc" } });
    expect(snap).toMatchObject({
      event: "snap",
      data: {
        site: { id: "demo" },
        points: [{ id: "a01.inlet-top", value: null, quality: "never", at: null, ageMs: null }, {}],
        nodes: [{ id: "edge-hall", online: true, backlog: 7 }],
        alarms: [{ id: ALARM.id }],
        doors: [{ id: "door-a1", state: "unknown" }],
        health: { points: { fresh: 0, total: 2 } },
      },
    });
  });

  test("Ten readings within a second go out once, as the newest value", async () => {
    const { hub, clock, open } = playing();
    const reader = open();
    reader.take();
    for (let i = 0; i < 10; i += 1) {
      await clock.advance(50);
      hub.measure(20 + i);
    }
    expect(reader.take()).toEqual([]);
    await clock.advance(500);
    const at = clock.nowMs() - 500;
    expect(reader.take()).toEqual([
      { event: "points", data: { "a01.inlet-top": [29, at, "good", null] } },
    ]);
    await clock.advance(1_000);
    expect(reader.take()).toEqual([]);
  });

  test("A bad reading goes out without a value", async () => {
    const { hub, clock, open } = playing();
    hub.measure(21);
    const reader = open();
    await clock.advance(1_000);
    reader.take();
    const point = hub.live.point("a01.inlet-top")!;
    const at = clock.nowMs();
    hub.live.reading(point, { point: point.info.id, at, quality: "bad", reason: "no-answer" }, 0);
    await clock.advance(1_000);
    const delta: PointDelta = { "a01.inlet-top": [null, at, "bad", "no-answer"] };
    expect(reader.take()).toEqual([{ event: "points", data: delta }]);
  });

  test("Alarms, doors and connections go out at once, several of one moment together", async () => {
    const { hub, clock, stream, open } = playing();
    hub.live.announce(BIRTH);
    await clock.advance(0);
    const reader = open();
    reader.take();
    stream.alarmsChanged();
    stream.alarmsChanged();
    hub.measure(1, "door-a1.open");
    hub.live.gone("edge-hall");
    await clock.advance(0);
    expect(reader.names()).toEqual(["alarms", "doors", "nodes"]);
    expect(reader.take()[2]?.data).toMatchObject([{ id: "edge-hall", online: false }]);
  });

  test("A beat with the hub's health goes out every 5 s", async () => {
    const { hub, clock, open } = playing();
    const reader = open();
    await clock.advance(5_000);
    reader.take();
    hub.storeError = "disk full";
    await clock.advance(15_000);
    expect(reader.names()).toEqual(["hb", "hb", "hb"]);
    expect(reader.take()[0]?.data).toMatchObject({ status: "degraded", store: { ok: false } });
  });

  test("A door whose contact is no longer read turns unknown on the stream without an event", async () => {
    const { hub, clock, open } = playing();
    hub.measure(1, "door-a1.open");
    const reader = open();
    await clock.advance(25_000);
    expect(
      reader
        .take()
        .filter(({ event }) => event === "doors")
        .at(-1)?.data,
    ).toMatchObject([{ state: "open" }]);
    await clock.advance(10_000);
    expect(
      reader
        .take()
        .filter(({ event }) => event === "doors")
        .at(-1)?.data,
    ).toMatchObject([{ state: "unknown" }]);
  });

  test("What the hub measures of itself does not reach the browsers", async () => {
    const { hub, clock, open } = playing();
    const reader = open();
    reader.take();
    const stop = new AbortController();
    const gauge = { role: "queue", quantity: "count", label: "Waiting", read: () => 1 } as const;
    const watch = { live: hub.live, clock, bootId: "b", gauges: () => [gauge], keep: () => true };
    const running = runSelfWatch(watch, stop.signal);
    await clock.advance(4_000);
    expect(reader.take()).toEqual([]);
    stop.abort();
    await running;
  });

  test("A node that announces new points brings a new picture", async () => {
    const { hub, clock, open } = playing();
    hub.live.announce(BIRTH);
    await clock.advance(0);
    const reader = open();
    reader.take();
    hub.live.announce({
      ...BIRTH,
      points: [{ id: "b01.inlet-top", quantity: "temperature", label: "B01", periodMs: 1_000 }],
    });
    await clock.advance(0);
    expect(reader.names()).toEqual(["snap"]);
    expect(reader.take()[0]?.data).toMatchObject({ points: [{ id: "b01.inlet-top" }] });
  });

  test("A slow reader is not written to, and later gets the newest value of each point once", async () => {
    const { hub, clock, stream, open } = playing();
    const slow = open();
    const fast = open();
    slow.reading = false;
    hub.measure(20);
    await clock.advance(1_000);
    slow.take();
    for (let i = 0; i < 8; i += 1) {
      hub.measure(30 + i);
      stream.alarmsChanged();
      await clock.advance(1_000);
    }
    expect(slow.writesWhileBehind).toBe(0);
    expect(slow.take()).toEqual([]);
    expect(fast.names().filter((name) => name === "points").length).toBe(9);
    slow.catchUp();
    expect(slow.names()).toEqual(["alarms", "doors", "nodes", "points", "hb"]);
    expect(slow.take()[3]?.data).toMatchObject({
      "a01.inlet-top": [37, expect.anything(), "good", null],
    });
  });

  test("A reader that takes nothing for 15 s is cut; the others go on", async () => {
    const { hub, clock, stream, open } = playing();
    const dead = open();
    const alive = open();
    dead.reading = false;
    for (let s = 0; s < 21; s += 1) {
      hub.measure(s);
      await clock.advance(1_000);
    }
    expect([dead.destroyed, alive.destroyed]).toEqual([true, false]);
    expect([stream.clients, stream.dropped]).toEqual([1, 1]);
    expect(dead.writesWhileBehind).toBe(0);
  });

  test("A stream ends within 5 s of its session", async () => {
    const { clock, stream, open } = playing();
    let signedIn = true;
    const reader = open(() => signedIn);
    await clock.advance(10_000);
    expect(reader.destroyed).toBe(false);
    signedIn = false;
    await clock.advance(5_000);
    expect(reader.destroyed).toBe(true);
    expect(stream.clients).toBe(0);
  });

  test("The 101st reader is turned away, and a place becomes free when one leaves", () => {
    const { stream, open } = playing();
    const readers = Array.from({ length: MAX_STREAM_CLIENTS }, () => open());
    expect(stream.open(new Reader(), () => true)).toBe(false);
    readers[0]?.leave();
    expect(stream.open(new Reader(), () => true)).toBe(true);
  });

  test("Stopping the hub ends every stream", async () => {
    const { stop, running, open } = playing();
    const reader = open();
    stop.abort();
    await running;
    expect(reader.destroyed).toBe(true);
  });
});
