import type { Clock } from "../../contract/clock.ts";
import { DeviceError, type I2cPort } from "../bus/port.ts";
import type { I2cDevice } from "../drivers/driver.ts";
import { LEFT_ALONE, NAMELESS, range, SIGNATURES, SWITCHING_ADDRESSES } from "./signatures.ts";

/** 7-bit addresses outside are reserved by the bus specification. */
export const I2C_ADDRESSES: readonly number[] = range(0x08, 0x77);
/** So many bus faults one after another mean the bus itself. */
const BUS_FAULTS = 3;

/** What answers at one address of an I2C bus. */
export type ChipFinding = { address: number } & (
  | { is: "known"; model: string }
  /** Registers hold what these models hold after power-up, which is no proof. */
  | { is: "like"; models: string[] }
  /** It answers, but is none of `tried`; `usual` names models that cannot be told apart at all. */
  | { is: "unknown"; tried: string[]; usual: string[] }
  /** A driver of the kernel owns it. */
  | { is: "kernel" }
);

/**
 * Looks at every address of one bus, with questions that change nothing. Throws `DeviceError` "bus" when
 * the bus itself does not work.
 */
export async function scanI2c(
  port: I2cPort,
  clock: Clock,
  onAddress: (address: number) => void = () => {},
): Promise<ChipFinding[]> {
  const found: ChipFinding[] = [];
  let faults = 0;
  for (const address of I2C_ADDRESSES) {
    onAddress(address);
    try {
      const finding = LEFT_ALONE.includes(address)
        ? undefined
        : await look(deviceAt(port, address, clock), address);
      if (finding) found.push(finding);
      faults = 0;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (isBusy(error)) {
        found.push({ address, is: "kernel" });
        continue;
      }
      faults += 1;
      if (faults >= BUS_FAULTS) throw error;
    }
  }
  return found;
}

async function look(device: I2cDevice, address: number): Promise<ChipFinding | undefined> {
  const candidates = SIGNATURES.filter(({ addresses }) => addresses.includes(address));
  const guarded = SWITCHING_ADDRESSES.includes(address);
  const like: string[] = [];
  for (const { model, proof, matches } of candidates) {
    if (!(await holdsTrue(() => matches(device)))) continue;
    if (proof === "identity") return { address, is: "known", model };
    like.push(model);
  }
  if (like.length > 0) return { address, is: "like", models: like };
  if (!(await holdsTrue(async () => (await device.read(1)).length === 1))) return undefined;
  const usual = NAMELESS.filter(({ addresses }) => addresses.includes(address));
  return {
    address,
    is: "unknown",
    tried: candidates.map(({ model }) => model),
    usual: guarded ? usual.map(({ model }) => model) : [],
  };
}

/** False too when the device does not answer, or with damaged bytes. Throws `DeviceError` "bus". */
async function holdsTrue(question: () => Promise<boolean>): Promise<boolean> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof DeviceError && error.reason !== "bus") return false;
    throw error;
  }
}

/** The kernel's own word for an address that one of its drivers holds. */
const isBusy = (error: DeviceError) => error.message.includes("EBUSY");

function deviceAt(port: I2cPort, address: number, clock: Clock): I2cDevice {
  return {
    write: (bytes) => port.write(address, Uint8Array.from(bytes)),
    read: (length) => port.read(address, length),
    writeRead: (bytes, length) => port.writeRead(address, Uint8Array.from(bytes), length),
    pause: (ms) => clock.sleep(ms),
  };
}
