import type { Clock } from "../../contract/clock.ts";
import { withDeadline } from "./deadline.ts";
import { DeviceError } from "./port.ts";

/**
 * Resources with a call under way, for the whole process: a hung kernel call cannot be cancelled and
 * keeps one of Node's few pool threads, so nothing else may be started on the same resource, not even
 * through a port that was opened anew.
 */
const busy = new Set<string>();

/** Runs a call that may block for ever in the kernel. Throws `DeviceError` "bus" after `ms`. */
export async function blockingCall<T>(
  resource: string,
  call: () => Promise<T>,
  limit: { ms: number; clock: Clock },
): Promise<T> {
  refuseIfBusy(resource);
  busy.add(resource);
  const running = call().finally(() => busy.delete(resource));
  return withDeadline(
    running,
    limit.ms,
    limit.clock,
    () => new DeviceError("bus", `${resource} gave no result within ${limit.ms} ms`),
  );
}

/** Throws `DeviceError` "bus" while an earlier call on this resource hangs. */
export function refuseIfBusy(resource: string): void {
  if (busy.has(resource))
    throw new DeviceError("bus", `${resource} still hangs in an earlier call`);
}
