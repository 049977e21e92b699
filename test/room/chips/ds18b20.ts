/** The text of `w1_slave` as the Linux w1_therm driver prints it for a DS18B20 at 12 bit. */
export function w1SlaveText(temperatureC: number, damaged = false): string {
  const sixteenths = Math.min(2_000, Math.max(-880, Math.round(temperatureC * 16)));
  const low = sixteenths & 0xff;
  // Byte 6 counts down the last digit, as in original Maxim parts; 0x0C would mark a power-on value.
  const scratchpad = [low, (sixteenths >> 8) & 0xff, 0x4b, 0x46, 0x7f, 0xff, 16 - (low & 15), 0x10];
  const crc = dallasCrc8(scratchpad);
  const sent = damaged ? crc ^ 0x21 : crc;
  const bytes = [...scratchpad, sent].map(hex).join(" ");
  const thousandths = Math.trunc((sixteenths * 1_000) / 16);
  return `${bytes} : crc=${hex(crc)} ${damaged ? "NO" : "YES"}\n${bytes} t=${thousandths}\n`;
}

const hex = (byte: number) => byte.toString(16).padStart(2, "0");

/** CRC-8 of Dallas/Maxim: polynomial 0x31 reflected, initial 0. */
export function dallasCrc8(bytes: Iterable<number>): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x8c : crc >>> 1;
  }
  return crc;
}
