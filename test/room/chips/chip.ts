/** An I2C chip as the bus sees it: bytes in, bytes out, or no acknowledge. */
export interface I2cChip {
  /** False: not acknowledged. */
  write(bytes: Uint8Array): boolean;
  /** Undefined: not acknowledged. */
  read(length: number): Uint8Array | undefined;
  /** Back to the state after power-up. */
  reset(): void;
}
