import { createRequire } from "node:module";

/**
 * At its first packet mqtt.js' own packet writer makes a buffer for each of the 65 536 numbers that a
 * packet can hold, and keeps them: 8 MB, for a node that sends a few packets a second. To be called before
 * the first packet. Throws when the writer has no such setting any more, so that an update does not go
 * unnoticed.
 */
export function forgoPacketCache(): void {
  const own = createRequire(import.meta.url);
  const ofMqtt = createRequire(own.resolve("mqtt"));
  const { writeToStream } = ofMqtt("mqtt-packet") as { writeToStream: { cacheNumbers?: boolean } };
  if (writeToStream.cacheNumbers === undefined)
    throw new Error("mqtt-packet has no cacheNumbers; look whether it still keeps 65 536 buffers");
  writeToStream.cacheNumbers = false;
}
