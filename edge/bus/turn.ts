import { DeviceError } from "./port.ts";

/** More callers than this wait for one bus only when something is wrong; the next one is refused. */
const MAX_WAITING = 32;

/** Lets one piece of work at a time through, in order of arrival. */
export function turnstile(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (work) => {
    if (waiting >= MAX_WAITING)
      throw new DeviceError("bus", `${MAX_WAITING} transfers already wait for this bus`);
    waiting += 1;
    const turn = last.then(work);
    // The next caller goes on whatever became of this one; its own caller sees the error.
    last = turn.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await turn;
    } finally {
      waiting -= 1;
    }
  };
}
