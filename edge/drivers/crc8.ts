import { DeviceError } from "../bus/port.ts";
import { word } from "./driver.ts";

/** Sensirion, AHT20 and HDC302x: polynomial 31, start FF. A dead bus (all 0 or all F) fails it. */
export function sensirionCrc8(bytes: Iterable<number>): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : crc << 1;
  }
  return crc;
}

/** Dallas/Maxim 1-Wire: polynomial 31 reflected, start 0. Nine zero bytes pass it: look for them apart. */
export function maximCrc8(bytes: Iterable<number>): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0x8c : crc >> 1;
  }
  return crc;
}

/** The word at `offset`, which its Sensirion CRC follows. Throws `DeviceError` "checksum". */
export function checkedWord(frame: Uint8Array, offset: number): number {
  const value = word(frame, offset);
  if (sensirionCrc8(frame.subarray(offset, offset + 2)) !== frame[offset + 2])
    throw new DeviceError("checksum", `CRC mismatch in word ${offset / 3}`);
  return value;
}
