import { readFileSync } from "node:fs";

/** One worked example: bytes or registers as a device sends them, and what they mean. */
export interface Vector {
  id: string;
  device: string;
  kind: "i2c" | "w1" | "modbus";
  input: unknown;
  config: Record<string, unknown>;
  expected: Record<string, unknown>;
  tolerance: number | Record<string, number>;
  note?: string;
}

const all: Vector[] = JSON.parse(readFileSync(new URL("../vectors.json", import.meta.url), "utf8"));

/** The worked examples of one device; fails when there are none, so that no test runs over nothing. */
export function vectorsOf(device: string): Vector[] {
  const found = all.filter((vector) => vector.device === device);
  if (found.length === 0) throw new Error(`no vectors for ${device}`);
  return found;
}

export const modbusVectors = all.filter((vector) => vector.kind === "modbus");

export const hexBytes = (hex: unknown): Uint8Array =>
  Uint8Array.from(Buffer.from(String(hex), "hex"));
