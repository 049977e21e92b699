import modbusSerial from "modbus-serial";
import { describe, expect, test } from "vitest";
import { RTU_UNITS } from "./layout.ts";
import type { Room } from "./room.ts";
import { withRoom } from "./room-fixture.ts";

/** The package is CommonJS: its class is the default of the default. */
const { default: ModbusRTU } = modbusSerial;
type Line = InstanceType<typeof ModbusRTU>;

describe("Modbus RTU on a pty", () => {
  async function withLine(run: (room: Room, line: Line) => Promise<void>): Promise<void> {
    await withRoom(
      async (room) => {
        const line = new ModbusRTU();
        await line.connectRTUBuffered(room.ports.rtu, { baudRate: 9_600 });
        line.setTimeout(1_000);
        try {
          await run(room, line);
        } finally {
          await new Promise<void>((resolve) => line.close(() => resolve()));
        }
      },
      { speed: 0 },
    );
  }
  const volts = (data: number[]) => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint16(0, data[0]!);
    view.setUint16(2, data[1]!);
    return view.getFloat32(0);
  };

  test("both utility meters answer modbus-serial with the true voltages", async () => {
    await withLine(async (room, line) => {
      for (const { device, unit } of RTU_UNITS) {
        line.setID(unit);
        const { data } = await line.readInputRegisters(0, 2);
        expect(volts(data)).toBeCloseTo(room.state()[`${device}.voltage-l1`]!, 3);
      }
    });
  });

  test("every pair of register bytes survives the line, XON, XOFF, EOF and Ctrl-C among them", async () => {
    await withLine(async (room, line) => {
      line.setID(1);
      const utility = room.world.power.utility.a;
      const view = new DataView(new ArrayBuffer(4));
      for (const pattern of [0x4303_0411, 0x431a_1303, 0x4311_130a, 0x430d_0a0d, 0x437f_ff00]) {
        view.setUint32(0, pattern);
        utility.voltageV = view.getFloat32(0) + 0.4;
        const { data } = await line.readInputRegisters(2, 2);
        expect(volts(data)).toBeCloseTo(utility.voltageV, 3);
      }
    });
  });

  test("a wrong check code, silence and a refusal look to modbus-serial as from a real line", async () => {
    await withLine(async (room, line) => {
      line.setID(1);
      room.do("disturb", "utility-a", "crc");
      await expect(line.readInputRegisters(0, 2)).rejects.toThrow(/CRC/);
      room.do("disturb", "utility-a", "exception:6");
      await expect(line.readInputRegisters(0, 2)).rejects.toMatchObject({ modbusCode: 6 });
      room.do("silence", "utility-a");
      line.setTimeout(100);
      await expect(line.readInputRegisters(0, 2)).rejects.toMatchObject({ errno: "ETIMEDOUT" });
      line.setID(2);
      line.setTimeout(1_000);
      expect((await line.readInputRegisters(0, 2)).data).toHaveLength(2);
      room.do("answer", "utility-a");
      line.setID(1);
      expect((await line.readInputRegisters(0, 2)).data).toHaveLength(2);
      await expect(line.readInputRegisters(8_000, 1)).rejects.toMatchObject({ modbusCode: 2 });
      await expect(line.readHoldingRegisters(0, 1)).rejects.toMatchObject({ modbusCode: 1 });
    });
  });

  test("the line outlives its user: closed and opened again, it answers", async () => {
    await withRoom(async (room) => {
      for (let times = 0; times < 3; times += 1) {
        const line = new ModbusRTU();
        await line.connectRTUBuffered(room.ports.rtu, { baudRate: 9_600 });
        line.setTimeout(1_000);
        line.setID(2);
        expect((await line.readInputRegisters(0, 2)).data).toHaveLength(2);
        await new Promise<void>((resolve) => line.close(() => resolve()));
      }
    });
  });
});
