import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { bad, good, type Measurement, uncertain } from "../../../contract/reading.ts";
import type { LivePoint } from "../../../edge/commission/live.ts";
import { watch } from "../../../edge/commission/watch.ts";
import { lastOffset, type WatchView, watchScreen } from "../../../edge/commission/watch-view.ts";
import { withRoom } from "../../room/room-fixture.ts";
import { until } from "../../system/until.ts";
import { FakeTerminal, liveLoops, plain, roomConfig } from "./room-live.ts";

const point = (id: string, measurement?: Measurement, raw = ""): LivePoint => ({
  info: { id, quantity: "temperature", label: id, periodMs: 2_000 },
  bus: "i2c-1",
  device: id,
  newest: measurement && { measurement, at: 0, monoMs: 98_800, raw },
});
const bus = (id: string, health = {}) => ({
  bus: id,
  health: { ok: 990, failed: 10, lastError: null, lagMs: 2, open: true, ...health },
});
const VIEW: WatchView = {
  node: "pi-1",
  points: [
    point("a01.inlet-top", good(23.456), "648bc7a1331c"),
    point("a01.inlet-mid", uncertain(85, "implausible"), "0550"),
    point("a01.inlet-bottom", bad("checksum")),
    {
      ...point("ups-a.state", good(2)),
      info: {
        id: "ups-a.state",
        quantity: "state",
        label: "",
        periodMs: 2_000,
        states: { "2": "on battery" },
      },
    },
    point("a02.inlet-top"),
    point("a03.inlet-top", good(20)),
  ],
  buses: [
    bus("i2c-1"),
    bus("w1", { open: false, failed: 990, lastError: "not there\x1b[31m", lagMs: 2_300 }),
  ],
  monoMs: 100_000,
  columns: 78,
  rows: 12,
  offset: 0,
};

test("the screen shows bus health, values with unit, doubt, reasons, ages and raw bytes", () => {
  expect(watchScreen(VIEW).map(plain)).toMatchInlineSnapshot(`
    [
      "pi-1   6 points on 2 buses",
      "i2c-1  open     1.0 % failed of 1000",
      "w1     closed   50.0 % failed of 1980   2.3 s late   not there·[31m",
      "Point             Value                   Age     Raw",
      "a01.inlet-top     23.46 °C                1.2 s   648bc7a1331c",
      "a01.inlet-mid     85.00 °C ? implausible  1.2 s   0550",
      "a01.inlet-bottom  no value: checksum      1.2 s",
      "ups-a.state       2 on battery            1.2 s",
      "a02.inlet-top     –",
      "a03.inlet-top     20.00 °C                1.2 s",
      "q quits",
    ]
  `);
});

test("a screen too small for all points scrolls to the last one and no further", () => {
  const small = { ...VIEW, columns: 40, rows: 8 };
  expect(lastOffset(small)).toBe(3);
  expect(watchScreen({ ...small, offset: 99 }).map(plain)).toMatchInlineSnapshot(`
    [
      "pi-1   6 points on 2 buses",
      "i2c-1  open     1.0 % failed of 1000",
      "w1     closed   50.0 % failed of 1980  …",
      "Point             Value                …",
      "ups-a.state       2 on battery         …",
      "a02.inlet-top     –",
      "a03.inlet-top     20.00 °C             …",
      "q quits   3 above, 0 below (arrow keys)",
    ]
  `);
});

test("a bad value, and one older than it may be, are red; a doubtful one is yellow", () => {
  const colour = (line = "") => /^\p{Cc}\[(\d+)m/u.exec(line)?.[1];
  const lines = watchScreen(VIEW);
  expect(lines.slice(4, 7).map(colour)).toEqual([undefined, "33", "31"]);
  expect(colour(watchScreen({ ...VIEW, monoMs: 200_000 })[4])).toBe("31");
});

test("whatever the size and the names, no line is wider than the terminal and none is too many", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 7, max: 60 }),
      fc.nat(20),
      fc.array(fc.tuple(fc.string(), fc.double(), fc.string()), { maxLength: 30 }),
      (columns, rows, offset, named) => {
        const points = named.map(([id, value, raw]) => point(id, good(value), raw));
        const screen = watchScreen({ ...VIEW, columns, rows, offset, points }).map(plain);
        expect(screen.length).toBeLessThanOrEqual(rows);
        for (const line of screen) expect(line.length).toBeLessThanOrEqual(columns);
      },
    ),
  );
});

test("every point knows its bus and device, those that are made from others too", async () => {
  await withRoom(async (room) => {
    const config = roomConfig(room);
    const places = liveLoops(config).live.points();
    for (const { info, bus, device } of places) expect([info.id, bus, device]).not.toContain("");
    const ups = places.filter(({ bus }) => bus === "net-ups-a");
    expect(ups.map(({ info }) => info.id)).toContain("ups-a.communication-lost");
    expect(new Set(ups.map(({ device }) => device))).toEqual(new Set(["ups-a"]));
  });
});

test("on a terminal it draws the room's values with their bytes, follows a resize, scrolls and quits on q", async () => {
  await withRoom(
    async (room) => {
      const config = roomConfig(room);
      const terminal = new FakeTerminal({ columns: 100, rows: 50 });
      const deps = { node: "pi-1", ...liveLoops(config), terminal, clock: systemClock };
      const watching = watch(deps, new AbortController().signal);
      const line = (id: string) => terminal.screen().find((text) => text.startsWith(id)) ?? "";
      await until("values", () => /°C .* s +[0-9a-f]{12}$/.test(line("a01.inlet-top")));
      await until("the probe's bytes", () => /[0-9a-f]{18}$/.test(line("a01.exhaust")));
      await until("the UPS's register", () => /% .* [0-9a-f]{4}$/.test(line("ups-a.charge")));
      room.do("unplug", "a01.inlet-top");
      await until("the fault", () => line("a01.inlet-top").includes("no value: no-answer"));
      expect(line("a01.inlet-top")).not.toMatch(/[0-9a-f]{12}$/);
      terminal.resize(60, 12);
      expect(terminal.screen()).toHaveLength(12);
      terminal.press("\x1b[B");
      expect(terminal.screen().at(-1)).toContain("1 above");
      terminal.press("q");
      await watching;
      expect(terminal.restored).toBe(1);
      expect(terminal.text.endsWith("\x1b[?25h\x1b[?1049l")).toBe(true);
    },
    { speed: 0 },
  );
});

test("it ends when nobody reads any longer", async () => {
  await withRoom(async (room) => {
    const terminal = new FakeTerminal();
    const deps = { node: "pi-1", ...liveLoops(roomConfig(room)), terminal, clock: systemClock };
    const watching = watch(deps, new AbortController().signal);
    await until("a line", () => terminal.text !== "");
    terminal.leave();
    await watching;
    expect(terminal.restored).toBe(1);
  });
});

test("into a pipe it writes one line for each change and nothing else", async () => {
  await withRoom(
    async (room) => {
      const terminal = new FakeTerminal();
      const stop = new AbortController();
      const deps = { node: "pi-1", ...liveLoops(roomConfig(room)), terminal, clock: systemClock };
      const watching = watch(deps, stop.signal);
      const doorLines = () => terminal.text.split("\n").filter((text) => text.includes("door-a1"));
      await until("the door", () => doorLines().length === 1);
      room.do("open", "door-a1");
      await until("the door open", () => doorLines().length === 2);
      stop.abort();
      await watching;
      expect(doorLines().map((text) => text.replace(/^\S+ +/, ""))).toEqual([
        "door-a1.open  0",
        "door-a1.open  1",
      ]);
      expect(terminal.text).not.toContain("\x1b");
    },
    { speed: 0 },
  );
});
