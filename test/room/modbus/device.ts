import { EXCEPTION, ModbusRefusal, type RegisterBank } from "./bank.ts";

/** What goes wrong with every answer of a device until it is taken away. */
export type ModbusFault =
  | { kind: "silent" }
  | { kind: "late"; delayMs: number }
  | { kind: "exception"; code: number }
  | { kind: "garbage" }
  | { kind: "crc" }
  | { kind: "close" };

/** Lets a late answer wait; ends at once when the room stops. */
export type Wait = (ms: number) => Promise<void>;

/** One unit on a Modbus line or behind a TCP port. */
export class ModbusDevice {
  fault: ModbusFault | undefined;

  constructor(
    readonly name: string,
    readonly unit: number,
    private readonly bank: RegisterBank,
  ) {}

  /** The answer to a request, both without address and check bytes. */
  answer(pdu: Uint8Array): Uint8Array {
    const fc = pdu[0] ?? 0;
    if (this.fault?.kind === "exception") return refusal(fc, this.fault.code);
    try {
      return this.#read(pdu);
    } catch (error) {
      if (error instanceof ModbusRefusal) return refusal(fc, error.code);
      throw error;
    }
  }

  #read(pdu: Uint8Array): Uint8Array {
    const fc = pdu[0] ?? 0;
    // The room's devices take no writes: Plenum must not command plant.
    if (fc < 1 || fc > 4) throw new ModbusRefusal(EXCEPTION.function);
    if (pdu.length !== 5) throw new ModbusRefusal(EXCEPTION.value);
    const view = new DataView(pdu.buffer, pdu.byteOffset, pdu.length);
    const block = this.bank.block(fc, view.getUint16(1), view.getUint16(3));
    return fc <= 2 ? bitAnswer(fc, block) : registerAnswer(fc, block);
  }
}

export const refusal = (fc: number, code: number) => Uint8Array.of(fc | 0x80, code);

function registerAnswer(fc: number, registers: Uint16Array): Uint8Array {
  const pdu = new Uint8Array(2 + 2 * registers.length);
  pdu.set([fc, 2 * registers.length]);
  registers.forEach((register, i) => {
    pdu.set([register >>> 8, register & 0xff], 2 + 2 * i);
  });
  return pdu;
}

/** The first bit is the lowest of the first byte. */
function bitAnswer(fc: number, bits: Uint16Array): Uint8Array {
  const pdu = new Uint8Array(2 + Math.ceil(bits.length / 8));
  pdu.set([fc, pdu.length - 2]);
  bits.forEach((bit, i) => {
    if (bit) pdu[2 + (i >> 3)]! |= 1 << (i & 7);
  });
  return pdu;
}
