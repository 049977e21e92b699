import modbusSerial from "modbus-serial";
import { describe, expect, test } from "vitest";
import { decodePoint } from "../../edge/profiles/decode.ts";
import { loadProfile } from "../../edge/profiles/load.ts";
import { TCP_SERVERS } from "./layout.ts";
import type { Room } from "./room.ts";
import { withRoom } from "./room-fixture.ts";
import { modbusExchange } from "./wire-client.ts";

/** The package is CommonJS: its class is the default of the default. */
const { default: ModbusRTU } = modbusSerial;

/** Raw registers by MBAP frames written out here, apart from the code under test. */
async function registers(
  port: number,
  { unit, fc, address, count }: { unit: number; fc: number; address: number; count: number },
): Promise<Buffer> {
  const request = Buffer.from([0, 7, 0, 0, 0, 6, unit, fc, 0, 0, 0, 0]);
  request.writeUInt16BE(address, 8);
  request.writeUInt16BE(count, 10);
  const reply = Buffer.from(await modbusExchange(port, request.toString("hex")), "hex");
  expect(reply.subarray(0, 4).toString("hex")).toBe("00070000");
  expect([...reply.subarray(4, 9)]).toEqual([0, 3 + 2 * count, unit, fc, 2 * count]);
  return reply.subarray(9);
}

const pdus = (room: Room) => room.ports.tcp.pdus!;

describe("Modbus TCP", () => {
  test("speaks the documented encodings: f32 of the meter, binary points of the UPS, tenths of °F of the cooler", async () => {
    await withRoom(
      async (room) => {
        const truth = room.state();
        const volts = await registers(pdus(room), { unit: 11, fc: 4, address: 0, count: 6 });
        expect(volts.readFloatBE(0)).toBeCloseTo(truth["pdu-a1.voltage-l1"]!, 3);
        expect(volts.readFloatBE(8)).toBeCloseTo(truth["pdu-a1.voltage-l3"]!, 3);
        const watts = await registers(pdus(room), { unit: 14, fc: 4, address: 52, count: 2 });
        expect(watts.readFloatBE(0)).toBeCloseTo(truth["pdu-b2.power"]!, 0);

        const upsA = room.ports.tcp["ups-a"]!;
        const status = await registers(upsA, { unit: 1, fc: 3, address: 0, count: 2 });
        expect(status.toString("hex")).toBe("00000002");
        const battery = await registers(upsA, { unit: 1, fc: 3, address: 128, count: 9 });
        expect(battery.readUInt32BE(0)).toBeCloseTo(truth["ups-a.runtime"]!, -1);
        expect(battery.readUInt16BE(4) / 512).toBe(100);
        expect(battery.readInt16BE(6) / 32).toBe(54.5);
        expect(battery.readUInt16BE(16) / 256).toBeCloseTo(truth["ups-a.load"]!, 1);
        const model = await registers(upsA, { unit: 1, fc: 3, address: 532, count: 16 });
        expect(model.toString("latin1")).toMatch(/^Smart-UPS/);

        const crah = room.ports.tcp["crah-1"]!;
        const air = await registers(crah, { unit: 1, fc: 3, address: 94, count: 4 });
        expect((air.readInt32BE(0) / 10 - 32) / 1.8).toBeCloseTo(truth["crah-1.supply"]!, 1);
        expect((air.readInt32BE(4) / 10 - 32) / 1.8).toBeCloseTo(truth["crah-1.return"]!, 1);

        const gen = room.ports.tcp["gen-1"]!;
        const fuel = await registers(gen, { unit: 10, fc: 3, address: 1027, count: 1 });
        expect(fuel.toString("hex")).toBe("0052");
      },
      { speed: 0 },
    );
  });

  test("a lost utility and a tripped unit show in the status words", async () => {
    await withRoom(
      async (room) => {
        room.do("fail", "gen-1");
        room.do("lose", "utility-a");
        room.do("trip", "crah-2");
        room.world.step(2);
        const upsA = room.ports.tcp["ups-a"]!;
        const status = await registers(upsA, { unit: 1, fc: 3, address: 0, count: 2 });
        expect(status.readUInt32BE(0)).toBe((1 << 2) | (1 << 6));
        const efficiency = await registers(upsA, { unit: 1, fc: 3, address: 154, count: 1 });
        expect(efficiency.readInt16BE(0)).toBeLessThan(0);
        const crah = room.ports.tcp["crah-2"]!;
        expect(
          (await registers(crah, { unit: 1, fc: 3, address: 0, count: 1 })).readUInt16BE(0),
        ).toBe(8);
        expect(
          (await registers(crah, { unit: 1, fc: 3, address: 87, count: 1 })).readUInt16BE(0),
        ).toBe(0);
      },
      { speed: 0 },
    );
  });

  test("every published point of every device reads as the truth, or as its resolution allows", async () => {
    await withRoom(
      async (room) => {
        const truth = room.state();
        for (const { name, units } of TCP_SERVERS)
          for (const { device, unit, profile } of units)
            for (const point of loadProfile(profile).points) {
              const { address, count, fc, scale, type, convert } = point.field;
              const bytes = await registers(room.ports.tcp[name]!, { unit, fc, address, count });
              const words = Uint16Array.from({ length: count }, (_, i) =>
                bytes.readUInt16BE(2 * i),
              );
              const measured = decodePoint(point, words);
              const id = `${device}.${point.id}`;
              const step =
                type === "f32" ? Math.abs(truth[id]! * 1e-6) : scale / (convert ? 1.8 : 1);
              expect(measured, id).toMatchObject({ quality: "good" });
              const shown = measured.quality === "good" ? measured.value : Number.NaN;
              expect(Math.abs(shown - truth[id]!), id).toBeLessThanOrEqual(step * 0.51 + 1e-9);
            }
      },
      { speed: 0 },
    );
  });

  test("a block over holes gives 0 there, a start in a hole is exception 2", async () => {
    await withRoom(async (room) => {
      const upsA = room.ports.tcp["ups-a"]!;
      const block = await registers(upsA, { unit: 1, fc: 3, address: 130, count: 6 });
      expect(block.readUInt16BE(4)).toBe(0);
      expect(block.readInt16BE(10) / 128).toBe(25);
      expect(await modbusExchange(upsA, "000100000006010300840001")).toBe("000100000003018302");
    });
  });

  test.each([
    ["1 for a function the device does not have", "000100000006010400000002", "000100000003018401"],
    ["1 for a write", "000100000006010606010001", "000100000003018601"],
    ["2 for an address without register", "000100000006010300640001", "000100000003018302"],
    [
      "3 for more registers than the device gives at once",
      "00010000000601030000003d",
      "000100000003018303",
    ],
    ["3 for no register at all", "000100000006010300000000", "000100000003018303"],
    ["11 for a unit that is not there", "000200000006070300000001", "00020000000307830b"],
  ])("refuses with exception %s", async (_why, request, reply) => {
    await withRoom(async (room) => {
      expect(await modbusExchange(room.ports.tcp["ups-a"]!, request)).toBe(reply);
    });
  });

  test("a request in two pieces, two in one, and bytes that are no Modbus", async () => {
    await withRoom(async (room) => {
      const port = room.ports.tcp["ups-a"]!;
      const request = "000100000006010300820001";
      const client = new ModbusRTU();
      await client.connectTCP("127.0.0.1", { port });
      client.setID(1);
      client.setTimeout(2_000);
      const both = await Promise.all([
        client.readHoldingRegisters(130, 1),
        client.readHoldingRegisters(128, 2),
      ]);
      expect(both[0].data).toEqual([51_200]);
      await new Promise<void>((resolve) => client.close(resolve));
      expect(await modbusExchange(port, request)).toBe("000100000005010302c800");
      expect(await modbusExchange(port, "474554202f20485454502f312e310d0a")).toBe("closed");
    });
  });

  test("disturb: exception, garbage, close and late spoil one unit of the gateway and not its neighbour", async () => {
    await withRoom(async (room) => {
      const port = pdus(room);
      const ask = (unit: string) => modbusExchange(port, `000900000006${unit}0400000002`);
      const sound = await ask("0b");
      expect(sound).toMatch(/^0009000000070b0404/);
      room.do("disturb", "pdu-a1", "exception:4");
      expect(await ask("0b")).toBe("0009000000030b8404");
      room.do("disturb", "pdu-a1", "close");
      expect(await ask("0b")).toBe("closed");
      room.do("disturb", "pdu-a1", "late:150");
      const began = performance.now();
      expect(await ask("0b")).toMatch(/^0009000000070b0404/);
      expect(performance.now() - began).toBeGreaterThan(140);
      room.do("disturb", "pdu-a1", "garbage");
      const client = new ModbusRTU();
      await client.connectTCP("127.0.0.1", { port });
      client.setID(11);
      client.setTimeout(200);
      await expect(client.readInputRegisters(0, 2)).rejects.toThrow();
      client.destroy(() => undefined);
      expect(await ask("0c")).toMatch(/^0009000000070c0404/);
      room.do("answer", "pdu-a1");
      expect(await ask("0b")).toMatch(/^0009000000070b0404/);
    });
  });

  test("a silent unit says nothing, on a connection where its neighbour still answers", async () => {
    await withRoom(async (room) => {
      room.do("silence", "pdu-a2");
      const both = "000100000006 0c0400000002 000200000006 0b0400000002".replaceAll(" ", "");
      expect(await modbusExchange(pdus(room), both)).toMatch(/^0002/);
    });
  });

  test('unplug gives the device\'s own "no value" pattern, freeze holds and drift shifts one register', async () => {
    await withRoom(
      async (room) => {
        const upsA = room.ports.tcp["ups-a"]!;
        const input = { unit: 1, fc: 3, address: 151, count: 1 };
        room.do("unplug", "ups-a.input-voltage");
        expect((await registers(upsA, input)).toString("hex")).toBe("ffff");
        room.do("plug", "ups-a.input-voltage");
        room.do("freeze", "ups-a.input-voltage");
        const before = await registers(upsA, input);
        room.do("lose", "utility-a");
        room.world.step(2);
        expect(await registers(upsA, input)).toEqual(before);
        room.do("thaw", "ups-a.input-voltage");
        expect((await registers(upsA, input)).readUInt16BE(0)).toBe(0);
        const power = { unit: 11, fc: 4, address: 52, count: 2 };
        const watts = (await registers(pdus(room), power)).readFloatBE(0);
        room.do("drift", "pdu-a1.power", 500);
        const shifted = (await registers(pdus(room), power)).readFloatBE(0);
        expect(shifted - watts).toBeCloseTo(500, 0);
        room.do("drift", "ups-a.charge", -500);
        expect(await modbusExchange(upsA, "000100000006010300820001")).toBe("000100000003018304");
      },
      { speed: 0 },
    );
  });
});
