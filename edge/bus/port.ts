import type { BadReason } from "../../contract/reading.ts";

/** The world misbehaves: a device or bus gave no sound value. It becomes a bad reading, never a crash. */
export class DeviceError extends Error {
  readonly reason: BadReason;

  constructor(reason: BadReason, message: string) {
    super(message);
    this.name = "DeviceError";
    this.reason = reason;
  }
}

/** Anything a loop opens and closes. */
export interface Port {
  close(): Promise<void>;
}

/**
 * One I2C bus. Addresses are 7-bit. Every method throws `DeviceError`: "no-answer" when the device did
 * not acknowledge, "bus" when the bus itself is stuck, hung, gone or owned by somebody else.
 */
export interface I2cPort extends Port {
  write(address: number, bytes: Uint8Array): Promise<void>;
  read(address: number, length: number): Promise<Uint8Array>;
  /** Write, repeated start, read: the way register pointers are read. */
  writeRead(address: number, bytes: Uint8Array, length: number): Promise<Uint8Array>;
}

export interface OneWirePort extends Port {
  /** ROM ids now present, such as `28-000000000a01`. */
  list(): Promise<string[]>;
  /** The text of the device's `w1_slave`. Throws `DeviceError`: "no-answer" when it is gone, else "bus". */
  read(id: string): Promise<string>;
  /**
   * Lets all thermometers on the wire of `id` convert, and gives their ids when they have; none where
   * the kernel cannot do it, does not let us, or does not know the thermometer. Throws `DeviceError`
   * "not-ready" when the wire refused: then the kernel would serve old results as new. Absent where
   * thermometers only convert one by one.
   */
  convertWith?(id: string): Promise<string[]>;
}

export type Level = 0 | 1;

/** Told a line's level, and how long ago it began where the backend knows. */
export type OnLevel = (level: Level, ageMs?: number) => void;

/** Raw levels of one GPIO chip; what a level means is for the layer above. */
export interface GpioPort extends Port {
  /**
   * Calls back at once with the present level and then on every change. `onTrouble` is told when this
   * line alone has no level, as a cut supervised loop; a level ends it.
   */
  watch(line: number, onLevel: OnLevel, onTrouble?: (error: DeviceError) => void): Promise<void>;
  /** Throws `DeviceError`: "wire" when this line alone has no level, else the chip is of no use. */
  read(line: number): Promise<Level>;
  write(line: number, level: Level): Promise<void>;
  /** Resolves when the backend died (socket lost, child ended) or was closed. */
  closed: Promise<void>;
  /** Why the chip was lost, where there is more to say than that its backend died. */
  lost?(): DeviceError | undefined;
}

const EXCEPTION_REASONS: Record<number, BadReason> = { 2: "unsupported", 11: "no-answer" };

/** The device answered with a Modbus exception: it is alive (but for 11, a gateway's), yet refuses. */
export class ModbusException extends DeviceError {
  readonly code: number;

  constructor(code: number, message: string) {
    super(EXCEPTION_REASONS[code] ?? "refused", message);
    this.name = "ModbusException";
    this.code = code;
  }
}

/**
 * One Modbus line or TCP connection; one request at a time. Throws `ModbusException` when the device
 * refuses, `DeviceError` "no-answer" after `timeoutMs`, "checksum" for damaged frames, "bus" when the
 * line or connection is gone.
 */
export interface ModbusLink extends Port {
  readRegisters(request: {
    unit: number;
    fc: 3 | 4;
    address: number;
    count: number;
    timeoutMs: number;
  }): Promise<Uint16Array>;
  readBits(request: {
    unit: number;
    fc: 1 | 2;
    address: number;
    count: number;
    timeoutMs: number;
  }): Promise<boolean[]>;
  /** Stays silent for `ms` and discards whatever still arrives. */
  drain(ms: number): Promise<void>;
}
