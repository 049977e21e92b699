/** The least that reads the same: bare modbus-serial and sockets, no quality, no spool, no uplink. */
import ModbusRTU from "modbus-serial";
import { systemClock } from "../../contract/clock.ts";
import { openSocketGpio } from "../../edge/bus/socket-gpio.ts";
import { openSocketI2c } from "../../edge/bus/socket-i2c.ts";
import { REREAD_MS } from "../../edge/doors/gpio-loop.ts";
import { CHIPS, DOOR_LINES, PERIOD_MS, REGISTERS, wiresFrom } from "./edge-load.ts";

const wires = wiresFrom(process.argv[2]);
let latest: unknown;

for (const port of wires.tcp) {
  const client = new ModbusRTU.default();
  await client.connectTCP("127.0.0.1", { port });
  client.setID(1);
  client.setTimeout(500);
  setInterval(async () => {
    latest = (await client.readHoldingRegisters(0, REGISTERS)).data.map((raw) => raw * 0.1);
  }, PERIOD_MS);
}
for (const { bus, address } of CHIPS) {
  const i2c = await openSocketI2c({ host: "127.0.0.1", port: wires.wire, bus, clock: systemClock });
  setInterval(async () => {
    await i2c.write(address, Uint8Array.of(0x24, 0x00));
    await systemClock.sleep(17);
    const frame = await i2c.read(address, 6);
    latest = -45 + (175 * ((frame[0]! << 8) | frame[1]!)) / 65_535;
  }, PERIOD_MS);
}
const gpio = await openSocketGpio({ host: "127.0.0.1", port: wires.gpio, clock: systemClock });
for (const line of DOOR_LINES)
  await gpio.watch(line, (level) => {
    latest = level;
  });
setInterval(async () => {
  for (const line of DOOR_LINES) latest = await gpio.read(line);
}, REREAD_MS);
process.once("SIGTERM", () => {
  if (latest === undefined) process.exitCode = 1;
  process.exit();
});
