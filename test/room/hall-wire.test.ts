import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../fake-clock.ts";
import { sensirionCrc8 } from "./chips/sht3x.ts";
import { CHIPS, RACKS } from "./layout.ts";
import type { Room } from "./room.ts";
import { withRoom } from "./room-fixture.ts";
import { WireClient } from "./wire-client.ts";

const addressHex = (address: number) => address.toString(16);
const word = (hex: string, at: number) => Number.parseInt(hex.slice(2 * at, 2 * at + 4), 16);
const bytesOf = (answer: string) => answer.slice("ok ".length);

/** Decodes an SHT31 frame from the datasheet's formula, apart from the code under test. */
async function readSht31(client: WireClient, clock: FakeClock, address: number) {
  expect(await client.ask(`w${addressHex(address)}:2400`)).toBe("ok");
  await clock.advance(16);
  const hex = bytesOf(await client.ask(`r${addressHex(address)}:6`));
  return {
    temperatureC: -45 + (175 * word(hex, 0)) / 65_535,
    humidityRh: (100 * word(hex, 3)) / 65_535,
    crcOk: [0, 3].map((at) => {
      const bytes = Buffer.from(hex, "hex").subarray(at, at + 3);
      return sensirionCrc8(bytes.subarray(0, 2)) === bytes[2];
    }),
  };
}

async function onBus(
  bus: string,
  run: (on: { room: Room; clock: FakeClock; client: WireClient }) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  await withRoom(
    async (room) => {
      const client = await WireClient.open(room.ports.wire, `i2c ${bus}`);
      await run({ room, clock, client });
      client.close();
    },
    { clock },
  );
}

describe("I2C over the room wire", () => {
  test("every chip of every bus answers with the truth of its own points, within its noise", async () => {
    const clock = new FakeClock();
    await withRoom(
      async (room) => {
        for (const { id } of RACKS)
          room.do(
            "heat",
            id,
            RACKS.findIndex((r) => r.id === id),
          );
        await clock.advance(20_000);
        for (const { bus, address, model, temperature, humidity } of CHIPS) {
          const client = await WireClient.open(room.ports.wire, `i2c ${bus}`);
          const truth = room.state();
          if (model === "sht31") {
            const read = await readSht31(client, clock, address);
            expect(Math.abs(read.temperatureC - truth[temperature]!), temperature).toBeLessThan(
              0.15,
            );
            expect(Math.abs(read.humidityRh - truth[humidity!]!), humidity).toBeLessThan(0.4);
            expect(read.crcOk).toEqual([true, true]);
          } else {
            const at = addressHex(address);
            expect(await client.ask(`w${at}:0f r${at}:2`)).toBe("ok 0117");
            const raw = word(bytesOf(await client.ask(`w${at}:00 r${at}:2`)), 0);
            expect(Math.abs(raw * 0.0078125 - truth[temperature]!), temperature).toBeLessThan(0.1);
          }
          client.close();
        }
      },
      { clock },
    );
  });

  test("an early read, an absent address and an unplugged chip give errno 121; nonsense gives 22", async () => {
    await onBus("i2c-11", async ({ room, clock, client }) => {
      await client.ask("w44:2400");
      expect(await client.ask("r44:6")).toBe("err 121");
      await clock.advance(16);
      expect(await client.ask("r44:6")).toMatch(/^ok [0-9a-f]{12}$/);
      expect(await client.ask("w76:d0 r76:1")).toBe("err 121");
      room.do("unplug", "a01.humidity");
      expect(await client.ask("w44:2400")).toBe("err 121");
      room.do("plug", "a01.inlet-top");
      expect(await client.ask("w44:f32d r44:2")).toBe("ok 8010");
      for (const bad of ["", "hello", "w44", "r44:999", "w44:240", "W44:24"])
        expect(await client.ask(bad), bad).toBe("err 22");
    });
  });

  test("a chip plugged in again shows its power-on value first: TMP117 0x8000", async () => {
    await onBus("i2c-11", async ({ room, clock, client }) => {
      room.do("unplug", "a01.inlet-mid");
      await clock.advance(1_000);
      room.do("plug", "a01.inlet-mid");
      expect(await client.ask("w48:00 r48:2")).toBe("ok 8000");
      await clock.advance(130);
      expect(await client.ask("w48:00 r48:2")).not.toBe("ok 8000");
    });
  });

  test("corrupt spoils the check byte of that channel only, clean mends it", async () => {
    await onBus("i2c-13", async ({ room, clock, client }) => {
      room.do("corrupt", "a06.humidity");
      expect((await readSht31(client, clock, 0x45)).crcOk).toEqual([true, false]);
      expect((await readSht31(client, clock, 0x44)).crcOk).toEqual([true, true]);
      room.do("clean", "a06.humidity");
      expect((await readSht31(client, clock, 0x45)).crcOk).toEqual([true, true]);
    });
  });

  test("drift moves what is shown and not what is true; freeze holds it to the bit; thaw ends it", async () => {
    await onBus("i2c-18", async ({ room, clock, client }) => {
      const truth = room.state()["b07.inlet-top"]!;
      room.do("drift", "b07.inlet-top", -3);
      const shown = (await readSht31(client, clock, 0x44)).temperatureC;
      expect(shown - truth).toBeCloseTo(-3, 0);
      expect(Math.abs(room.state()["b07.inlet-top"]! - truth)).toBeLessThan(0.1);
      room.do("freeze", "b07.inlet-top");
      room.do("heat", "b07", 20);
      const before = await readSht31(client, clock, 0x44);
      await clock.advance(20_000);
      expect((await readSht31(client, clock, 0x44)).temperatureC).toBe(before.temperatureC);
      room.do("thaw", "b07.inlet-top");
      room.do("drift", "b07.inlet-top", 0);
      expect((await readSht31(client, clock, 0x44)).temperatureC - truth).toBeGreaterThan(15);
    });
  });

  test("a hung bus does not answer, another bus does, and unhang ends it", async () => {
    await onBus("i2c-14", async ({ room, client }) => {
      const other = await WireClient.open(room.ports.wire, "i2c i2c-15");
      room.do("hang", "i2c-14");
      client.socket.write("w48:0f r48:2\n");
      expect(await other.ask("w48:0f r48:2")).toBe("ok 0117");
      const late = await WireClient.open(room.ports.wire, "i2c i2c-14");
      late.socket.write("w48:0f r48:2\n");
      expect(await other.ask("w48:0f r48:2")).toBe("ok 0117");
      expect([client.unread, late.unread]).toEqual([[], []]);
      room.do("unhang", "i2c-14");
      expect(await client.ask("w48:0f r48:2")).toBe("ok 0117");
      other.close();
      late.close();
    });
  });

  test("an unknown bus or dialect is refused with errno 2 and an endless line ends the connection", async () => {
    await withRoom(async (room) => {
      await expect(WireClient.open(room.ports.wire, "i2c i2c-99")).rejects.toThrow("err 2");
      await expect(WireClient.open(room.ports.wire, "spi 1")).rejects.toThrow("err 2");
      const flood = await WireClient.open(room.ports.wire, "gpio");
      const closed = new Promise((resolve) => flood.socket.once("close", resolve));
      flood.socket.on("error", () => flood.socket.destroy());
      flood.socket.write("x".repeat(5_000));
      await closed;
    });
  });
});

describe("GPIO over the room wire", () => {
  test("a closed door is 0, an open one 1, told within 50 ms of the command", async () => {
    await withRoom(async (room) => {
      const client = await WireClient.open(room.ports.wire, "gpio");
      for (const line of [17, 27, 22, 23, 24])
        expect(await client.ask(`watch ${line}`)).toBe(`${line} 0`);
      for (const [door, line] of [
        ["door-a1", 17],
        ["door-a2", 27],
        ["door-b1", 22],
        ["door-ups", 23],
      ] as const) {
        const began = performance.now();
        room.do("open", door);
        expect(await client.next()).toBe(`${line} 1`);
        expect(performance.now() - began).toBeLessThan(50);
        expect(await client.ask(`read ${line}`)).toBe(`level ${line} 1`);
        room.do("close", door);
        expect(await client.next()).toBe(`${line} 0`);
      }
      expect(client.unread).toEqual([]);
      client.close();
    });
  });

  test("a wet rope is 1, a cut wire too, a frozen contact keeps its level", async () => {
    await withRoom(async (room) => {
      const client = await WireClient.open(room.ports.wire, "gpio");
      await client.ask("watch 24");
      room.do("wet", "leak");
      expect(await client.next()).toBe("24 1");
      room.do("dry", "leak");
      expect(await client.next()).toBe("24 0");
      room.do("unplug", "leak.rope");
      expect(await client.next()).toBe("24 1");
      expect(room.state()["leak.rope"]).toBe(0);
      room.do("freeze", "door-a1.open");
      room.do("open", "door-a1");
      expect(await client.ask("read 17")).toBe("level 17 0");
      client.close();
    });
  });

  test("an output keeps what was written, an unwired input reads 1, wrong lines give errno 22", async () => {
    await withRoom(async (room) => {
      const client = await WireClient.open(room.ports.wire, "gpio");
      expect(await client.ask("read 5")).toBe("level 5 1");
      expect(await client.ask("write 5 0")).toBe("ok");
      expect(await client.ask("read 5")).toBe("level 5 0");
      expect(room.output(5)).toBe(0);
      for (const bad of ["read 54", "read -1", "read x", "write 5 2", "blink 5"])
        expect(await client.ask(bad), bad).toBe("err 22");
      client.close();
    });
  });
});

describe("1-Wire folder", () => {
  test("holds 16 probes whose files follow the truth within 0.2 K once a second", async () => {
    const clock = new FakeClock();
    await withRoom(
      async (room) => {
        room.do("trip", "crah-1");
        room.do("speed", "60");
        await clock.advance(20_000);
        room.do("speed", "0");
        const shown = async (id: string) => {
          await clock.advance(1_000);
          const file = path.join(room.ports.w1, `28-000000000${id}`, "w1_slave");
          return Number(/YES\n.* t=(-?\d+)\n$/.exec(readFileSync(file, "utf8"))?.[1]) / 1_000;
        };
        expect(room.state()["a01.exhaust"]).toBeGreaterThan(36);
        for (const { id } of RACKS) {
          const truth = room.state()[`${id}.exhaust`]!;
          await expect.poll(async () => Math.abs((await shown(id)) - truth)).toBeLessThan(0.2);
        }
      },
      { clock },
    );
  });

  test("an unplugged probe is gone, a plugged one back, a corrupt one says NO", async () => {
    const clock = new FakeClock();
    await withRoom(
      async (room) => {
        const file = path.join(room.ports.w1, "28-000000000b08", "w1_slave");
        expect(readFileSync(file, "utf8")).toContain("YES");
        const afterwards = async (look: () => unknown) => {
          await clock.advance(1_000);
          return look();
        };
        room.do("unplug", "b08.exhaust");
        await expect.poll(() => afterwards(() => existsSync(path.dirname(file)))).toBe(false);
        room.do("plug", "b08.exhaust");
        room.do("corrupt", "b08.exhaust");
        await expect
          .poll(() => afterwards(() => existsSync(file) && readFileSync(file, "utf8")))
          .toContain("NO");
      },
      { clock },
    );
  });
});
