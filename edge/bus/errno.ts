import { DeviceError } from "./port.ts";

const ERRNO_NAMES: Record<number, string> = {
  2: "ENOENT",
  5: "EIO",
  6: "ENXIO",
  11: "EAGAIN",
  16: "EBUSY",
  19: "ENODEV",
  95: "EOPNOTSUPP",
  110: "ETIMEDOUT",
  121: "EREMOTEIO",
};

const MEANINGS: Record<string, string> = {
  EREMOTEIO: "did not acknowledge",
  ENXIO: "did not acknowledge",
  ETIMEDOUT: "transfer did not complete; the bus may be stuck",
  EIO: "clock stretched too long, or a length error",
  EAGAIN: "arbitration lost: stuck SDA or noise",
  EBUSY: "a kernel driver owns this address",
};

/** Turns a Linux I2C error, by number or name, into the reason a reading carries. */
export function i2cError(errno: number | string, address: number): DeviceError {
  const name =
    typeof errno === "string" ? errno : (ERRNO_NAMES[Math.abs(errno)] ?? `errno ${errno}`);
  const reason = name === "EREMOTEIO" || name === "ENXIO" ? "no-answer" : "bus";
  const where = `0x${address.toString(16).padStart(2, "0")}`;
  return new DeviceError(reason, `${where} ${MEANINGS[name] ?? "transfer failed"} (${name})`);
}

/** The `code` of a Node or native-package error, or its text. */
export function errorCode(error: unknown): string {
  if (typeof error === "object" && error !== null) {
    if ("code" in error && error.code) return String(error.code);
    // The SMBus calls of i2c-bus give an empty code and a positive errno.
    if ("errno" in error && typeof error.errno === "number")
      return ERRNO_NAMES[Math.abs(error.errno)] ?? `errno ${error.errno}`;
  }
  return error instanceof Error ? error.message : String(error);
}
