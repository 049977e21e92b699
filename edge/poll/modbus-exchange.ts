import type { Clock } from "../../contract/clock.ts";
import { DeviceError, ModbusException, type ModbusLink } from "../bus/port.ts";
import type { Wire } from "../profiles/decode.ts";
import type { Profile } from "../profiles/schema.ts";

/** Exceptions 5 and 6: the device asks for patience. */
const BUSY_CODES = [5, 6];
const BUSY_TRIES = 3;
const BUSY_PAUSE_MS = 500;
const DEVICE_FAILURE = 4;

export interface Read {
  fc: 1 | 2 | 3 | 4;
  address: number;
  count: number;
}

/**
 * One read with its retries. After every missing or damaged answer the line stays silent for the unit's
 * worst response time, also when the retry succeeded: an RTU answer does not say which question it
 * answers. Throws `DeviceError`.
 */
export async function exchange(
  link: ModbusLink,
  target: { unit: number; limits: Profile["limits"]; clock: Clock },
  read: Read,
): Promise<Wire> {
  const { unit, limits, clock } = target;
  let lost = 0;
  let busy = 0;
  for (;;) {
    if (limits.minGapMs > 0) await clock.sleep(limits.minGapMs);
    try {
      const wire = await once(link, unit, read, limits.timeoutMs);
      if (lost > 0) await link.drain(limits.maxResponseMs);
      return wire;
    } catch (error) {
      if (!(error instanceof DeviceError) || error.reason === "bus") throw error;
      if (error instanceof ModbusException) {
        const tries = BUSY_CODES.includes(error.code) ? BUSY_TRIES : 1;
        const again = tries > 1 || error.code === DEVICE_FAILURE;
        busy += 1;
        if (!again || busy > tries) throw error;
        await clock.sleep(BUSY_PAUSE_MS);
      } else {
        lost += 1;
        await link.drain(limits.maxResponseMs);
        if (lost > limits.retries) throw error;
      }
    }
  }
}

function once(link: ModbusLink, unit: number, read: Read, timeoutMs: number): Promise<Wire> {
  const { fc, address, count } = read;
  const rest = { unit, address, count, timeoutMs };
  return fc === 1 || fc === 2
    ? link.readBits({ fc, ...rest })
    : link.readRegisters({ fc, ...rest });
}
