import type { I2cPort, ModbusLink, OneWirePort } from "../bus/port.ts";
import type { Ports } from "../buses.ts";

/**
 * Sees what comes over the buses, in hex. `place` names where it came from: `i2c-1/0x44`, `w1/28-0…`, or
 * for each register or bit of Modbus unit 2, function 4, `rs485-1/2/4/52`.
 */
export type Tap = (place: string, raw: string) => void;

/** The same ports; every answer is also told to `tap`. Contacts give levels, which need no tap. */
export function tapped(ports: Ports, tap: Tap): Ports {
  const within = (bus: string) => (place: string, raw: string) => tap(`${bus}/${place}`, raw);
  return {
    ...ports,
    i2c: async (bus) => tapI2c(await ports.i2c(bus), within(bus.id)),
    oneWire: async (bus) => tapOneWire(await ports.oneWire(bus), within(bus.id)),
    modbus: async (bus) => tapModbus(await ports.modbus(bus), within(bus.id)),
  };
}

export const i2cPlace = (address: number): string => `0x${address.toString(16).padStart(2, "0")}`;
export const modbusPlace = (unit: number, fc: number, address: number): string =>
  `${unit}/${fc}/${address}`;

function tapI2c(port: I2cPort, tap: Tap): I2cPort {
  const told = (address: number, bytes: Uint8Array) => {
    tap(i2cPlace(address), Buffer.from(bytes).toString("hex"));
    return bytes;
  };
  return {
    write: (address, bytes) => port.write(address, bytes),
    read: async (address, length) => told(address, await port.read(address, length)),
    writeRead: async (address, bytes, length) =>
      told(address, await port.writeRead(address, bytes, length)),
    close: () => port.close(),
  };
}

function tapOneWire(port: OneWirePort, tap: Tap): OneWirePort {
  // A port may be able to do more than this interface says; what it can besides stays reachable.
  return Object.assign(Object.create(port) as OneWirePort, {
    list: () => port.list(),
    read: async (id: string) => {
      const text = await port.read(id);
      tap(id, (/^(?:[0-9a-f]{2} ){9}/.exec(text)?.[0] ?? "").replaceAll(" ", ""));
      return text;
    },
    close: () => port.close(),
  });
}

function tapModbus(link: ModbusLink, tap: Tap): ModbusLink {
  return {
    readRegisters: async (request) => {
      const words = await link.readRegisters(request);
      const { unit, fc, address } = request;
      for (const [i, word] of words.entries())
        tap(modbusPlace(unit, fc, address + i), word.toString(16).padStart(4, "0"));
      return words;
    },
    readBits: async (request) => {
      const bits = await link.readBits(request);
      const { unit, fc, address } = request;
      for (const [i, bit] of bits.entries())
        tap(modbusPlace(unit, fc, address + i), bit ? "1" : "0");
      return bits;
    },
    drain: (ms) => link.drain(ms),
    close: () => link.close(),
  };
}
