/** What decides how long a frame takes on a serial line. */
export interface LineSpeed {
  baud: number;
  parity: "none" | "even" | "odd";
  stop: 1 | 2;
}

const REQUEST_BYTES = 8;
/** Unit, function, byte count and check code around the data of an answer. */
const ANSWER_OVERHEAD_BYTES = 5;

/** Silence that separates two frames: 3.5 characters of 11 bits, above 19200 baud a fixed 1.75 ms. */
export function silenceMs(baud: number): number {
  return baud > 19_200 ? 1.75 : (3.5 * 11 * 1_000) / baud;
}

/** Time on the wire of a request for `count` registers (fc 3, 4) or bits (fc 1, 2) and its answer. */
export function readMs(read: { fc: number; count: number }, speed: LineSpeed): number {
  const dataBytes = read.fc <= 2 ? Math.ceil(read.count / 8) : 2 * read.count;
  const bits = 1 + 8 + (speed.parity === "none" ? 0 : 1) + speed.stop;
  return ((REQUEST_BYTES + ANSWER_OVERHEAD_BYTES + dataBytes) * bits * 1_000) / speed.baud;
}
