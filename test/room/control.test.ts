import { describe, expect, test } from "vitest";
import { QUANTITIES } from "../../contract/quantity.ts";
import { loadProfile } from "../../edge/profiles/load.ts";
import { COMMANDS } from "./commands.ts";
import { CHIPS, INPUTS, PROBES, RTU_UNITS, TCP_SERVERS } from "./layout.ts";
import type { Room } from "./room.ts";
import { withRoom } from "./room-fixture.ts";

const url = (room: Room, route: string) => `http://127.0.0.1:${room.ports.http}${route}`;

interface Answer {
  status: number;
  done?: string;
  error?: string;
}

async function order(room: Room, body: unknown): Promise<Answer> {
  const response = await fetch(url(room, "/do"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

async function get(room: Room, route: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url(room, route))).json()) as Record<string, unknown>;
}

/** Every command, what must be true afterwards, and how it is undone. */
const STORIES: [string, string, string, (room: Room) => unknown, unknown, string][] = [
  ["trip", "crah-1", "", (r) => r.world.thermal.units[0]!.tripped, true, "restore"],
  ["lose", "utility-b", "", (r) => r.world.power.utility.b.present, false, "restore"],
  ["fail", "gen-1", "", (r) => r.world.power.generator.failed, true, "repair"],
  ["open", "door-b1", "", (r) => r.state()["door-b1.open"], 1, "close"],
  ["wet", "leak", "", (r) => r.state()["leak.rope"], 1, "dry"],
];

const NO_FAULTS = { speed: 1, hungBuses: [], modbus: {}, sensors: {} };
const REFUSALS: [body: unknown, why: RegExp][] = [
  [{ command: "explode", target: "a01" }, /"explode" is not a command; allowed: trip, restore/],
  [
    { command: "trip", target: "crah-9" },
    /"crah-9" is not a target; allowed: crah-1, crah-2, crah-3/,
  ],
  [{ command: "constructor", target: "a01" }, /is not a command/],
  [{ command: "open", target: "door-a1", value: "wide" }, /open takes no value, found "wide"/],
  [{ command: "heat", target: "a01", value: "much" }, /allowed: a number from 0 to 60/],
  [{ command: "heat", target: "a01" }, /allowed: a number from 0 to 60/],
  [{ command: "corrupt", target: "a01.inlet-mid" }, /allowed: a01.inlet-top/],
  [
    { command: "disturb", target: "ups-a", value: "crc" },
    /allowed: late, exception, garbage, close/,
  ],
  [{ command: "disturb", target: "utility-a", value: "close" }, /garbage, crc/],
  [{ target: "a01" }, /command/],
  [{ command: "trip", target: "crah-1", why: "fun" }, /why/],
  ["{", /not JSON/],
  [`{"command":"${"x".repeat(5_000)}"}`, /longer than 4096/],
];

describe("control by HTTP", () => {
  test.each(STORIES)(
    "%s %s is done and undone",
    async (command, target, value, look, then, undo) => {
      await withRoom(async (room) => {
        const before = look(room);
        expect((await order(room, { command, target, value })).status).toBe(200);
        expect(look(room)).toBe(then);
        expect((await order(room, { command: undo, target })).status).toBe(200);
        expect(look(room)).toBe(before);
      });
    },
  );

  test("sensor and wire faults are listed until they are taken away", async () => {
    await withRoom(async (room) => {
      for (const [command, target, value] of [
        ["unplug", "a01.inlet-top"],
        ["freeze", "a02.exhaust"],
        ["drift", "b01.inlet-mid", -2],
        ["corrupt", "b02.humidity"],
        ["hang", "i2c-17"],
        ["silence", "ups-a"],
        ["disturb", "utility-a", "crc"],
        ["speed", "30"],
      ] as const)
        expect((await order(room, { command, target, value })).done).toBeDefined();
      expect(await get(room, "/faults")).toMatchObject({
        speed: 30,
        hungBuses: ["i2c-17"],
        modbus: { "ups-a": { kind: "silent" }, "utility-a": { kind: "crc" } },
        sensors: {
          "a01.inlet-top": "unplugged",
          "a01.humidity": "unplugged",
          "a02.exhaust": expect.stringMatching(/^frozen at 3\d\./),
          "b01.inlet-mid": "drifts by -2",
          "b02.humidity": "corrupt",
        },
      });
      for (const [command, target, value] of [
        ["plug", "a01.humidity"],
        ["thaw", "a02.exhaust"],
        ["drift", "b01.inlet-mid", 0],
        ["clean", "b02.humidity"],
        ["unhang", "i2c-17"],
        ["answer", "ups-a"],
        ["answer", "utility-a"],
        ["speed", "1"],
      ] as const)
        await order(room, { command, target, value });
      expect(await get(room, "/faults")).toEqual(NO_FAULTS);
    });
  });

  test("heat drives a rack 8 °C up within 10 s of physics and speed moves them faster than time", async () => {
    await withRoom(
      async (room) => {
        const before = room.state()["b05.inlet-top"]!;
        await order(room, { command: "heat", target: "b05", value: 8 });
        room.world.step(10);
        expect((await get(room, "/state"))["b05.inlet-top"]).toBeCloseTo(before + 8, 0);
      },
      { speed: 0 },
    );
  });

  test("refuses what is not allowed, says what is, and changes nothing", async () => {
    await withRoom(async (room) => {
      for (const [body, why] of REFUSALS) {
        const answer = await order(room, body);
        expect(answer.status, JSON.stringify(body)).toBe(400);
        expect(answer.error).toMatch(why);
      }
      expect(await get(room, "/faults")).toEqual(NO_FAULTS);
      expect(room.world.thermal.units.some((unit) => unit.tripped)).toBe(false);
    });
  });

  test("a form post and an unknown route are refused", async () => {
    await withRoom(async (room) => {
      const form = await fetch(url(room, "/do"), { method: "POST", body: "command=trip" });
      expect(form.status).toBe(415);
      expect((await fetch(url(room, "/"), { method: "DELETE" })).status).toBe(404);
    });
  });

  test("GET / lists every command with what it does, its targets and its value", async () => {
    await withRoom(async (room) => {
      const { commands } = (await get(room, "/")) as {
        commands: { command: string; does: string }[];
      };
      expect(commands.map(({ command }) => command)).toEqual(Object.keys(COMMANDS));
      for (const { does } of commands) expect(does.length).toBeGreaterThan(8);
    });
  });
});

test("every point on a wire has a true value inside the limits of its quantity", async () => {
  await withRoom(async (room) => {
    const names = [
      ...CHIPS.flatMap(({ temperature, humidity }) => [temperature, humidity ?? temperature]),
      ...[...PROBES, ...INPUTS].map(({ point }) => point),
    ];
    for (const name of names) expect(room.state()[name], name).toEqual(expect.any(Number));
    room.do("lose", "utility-a");
    room.world.step(60);
    expectInsideLimits(room);
    room.do("restore", "utility-a");
    room.world.step(600);
    expectInsideLimits(room);
  });
});

function expectInsideLimits(room: Room): void {
  const state = room.state();
  for (const { device, profile } of [...RTU_UNITS, ...TCP_SERVERS.flatMap(({ units }) => units)])
    for (const { id, quantity } of loadProfile(profile).points) {
      const { min, max } = QUANTITIES[quantity];
      const value = state[`${device}.${id}`];
      expect(value, `${device}.${id}`).toBeGreaterThanOrEqual(min);
      expect(value, `${device}.${id}`).toBeLessThanOrEqual(max);
    }
}
