/**
 * The other end of modbus-cost, in a process of its own: a gateway whose units answer after 2 ms. One that
 * answered at once would still be awake when the next question comes from whoever asks sooner, and spare
 * that one the kernel's work of waking it: no meter does that.
 */
import { systemClock } from "../../contract/clock.ts";
import { RegisterBank } from "../room/modbus/bank.ts";
import { ModbusDevice } from "../room/modbus/device.ts";
import { startModbusTcp } from "../room/modbus/tcp-server.ts";
import { BENCH_PROFILE, MODBUS_DEVICES } from "./edge-load.ts";

const devices = Array.from(
  { length: MODBUS_DEVICES },
  (_, i) => new ModbusDevice(`m${i}`, i + 1, new RegisterBank(BENCH_PROFILE, () => 12.3)),
);
for (const device of devices) device.fault = { kind: "late", delayMs: 2 };
const server = await startModbusTcp(devices, 0, (ms) => systemClock.sleep(ms));
process.stdout.write(`${server.port}\n`);
process.once("SIGTERM", () => process.exit());
