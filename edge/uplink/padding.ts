const STEP_BYTES = 64;
/** From this length on mqtt-packet forgets. */
const REMEMBERED_BYTES = 16_384;

/**
 * The payload with blanks after it, which JSON allows, so that the whole packet's length is a multiple of
 * 64. mqtt-packet keeps a small buffer for each length below 16 384 that it ever wrote, and each of those
 * holds 8 kB of Node's pool for ever: without this some 2 MB more a day, up to 130 MB.
 */
export function padded(topic: string, payload: string, qos: 0 | 1): string {
  const bytes = Buffer.byteLength(payload);
  // What the packet's length counts beside the payload: the topic with its length, and a number.
  const length = 2 + Buffer.byteLength(topic) + (qos > 0 ? 2 : 0) + bytes;
  if (length >= REMEMBERED_BYTES) return payload;
  return payload.padEnd(payload.length + ((STEP_BYTES - (length % STEP_BYTES)) % STEP_BYTES));
}
