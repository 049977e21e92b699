import { DeviceError, type I2cPort } from "./port.ts";
import { turnstile } from "./turn.ts";

/** One user of a bus that several share. */
export interface SharedI2cUser {
  /** Several transfers between which nobody else's come. */
  alone<T>(work: (port: I2cPort) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface SharedI2c {
  join(): Promise<SharedI2cUser>;
  /** A user whose transfers are each alone. */
  open(): Promise<I2cPort>;
}

interface Opening {
  port: Promise<I2cPort>;
  users: number;
}

/** Faults of the bus one after another, whoever's they are, that mean that a slave may hold it. */
const STUCK_FAULTS = 2;

/**
 * One bus for several loops: sensors on it, multiplexers and expanders, each with what hangs behind.
 * It is opened for the first and closed with the last. A user that gives up, as after faults, gets a
 * bus opened anew; the others keep theirs until they give up too.
 */
export function sharedI2c(deps: {
  open: () => Promise<I2cPort>;
  /** Frees a bus that a slave holds, before it is opened again. */
  recover?: () => Promise<void>;
}): SharedI2c {
  const turn = turnstile();
  let newest: Opening | undefined;
  let faults = 0;

  const openAnew = async (): Promise<I2cPort> => {
    if (faults >= STUCK_FAULTS && deps.recover) {
      faults = 0;
      await turn(deps.recover);
    }
    return deps.open();
  };
  const release = async (opening: Opening): Promise<void> => {
    opening.users -= 1;
    if (newest === opening) newest = undefined;
    if (opening.users > 0) return;
    // A bus that could not be opened needs no closing; its opener saw the error.
    await opening.port.then(
      (port) => port.close(),
      () => undefined,
    );
  };
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const result = await work;
      faults = 0;
      return result;
    } catch (error) {
      const ofBus = error instanceof DeviceError && error.reason === "bus";
      faults = ofBus ? faults + 1 : 0;
      throw error;
    }
  };

  const join = async (): Promise<SharedI2cUser> => {
    newest ??= { port: openAnew(), users: 0 };
    const opening = newest;
    opening.users += 1;
    let port: I2cPort;
    try {
      port = await opening.port;
    } catch (error) {
      await release(opening);
      throw error;
    }
    // One of each user waits for the bus, however many chips wait for the user.
    const own = turnstile();
    let closed = false;
    return {
      alone: (work) => own(() => turn(() => counted(work(port)))),
      close: async () => {
        if (closed) return;
        closed = true;
        await release(opening);
      },
    };
  };

  return {
    join,
    open: async () => {
      const user = await join();
      return {
        write: (chip, bytes) => user.alone((port) => port.write(chip, bytes)),
        read: (chip, length) => user.alone((port) => port.read(chip, length)),
        writeRead: (chip, bytes, length) =>
          user.alone((port) => port.writeRead(chip, bytes, length)),
        close: () => user.close(),
      };
    },
  };
}
