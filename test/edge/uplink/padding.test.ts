import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { padded } from "../../../edge/uplink/padding.ts";

const own = createRequire(import.meta.url);
const ofMqtt = createRequire(own.resolve("mqtt"));
const { generate } = ofMqtt("mqtt-packet") as { generate(packet: object): Buffer };

/** The number after the first byte, which mqtt-packet keeps a buffer for. */
function lengthOf(packet: Buffer): number {
  const [, low = 0, high = 0] = packet;
  return low < 128 ? low : (low & 127) + high * 128;
}

test.each([0, 1] as const)(
  "packets of 1 to 9,000 characters with QoS %d have at most 144 lengths",
  (qos) => {
    const lengths = new Set<number>();
    for (let size = 1; size <= 9_000; size += 1) {
      for (const topic of ["plenum/v1/pi-1/data", "plenum/v1/pi-1/live"]) {
        const payload = padded(topic, JSON.stringify("é".repeat(size / 2)), qos);
        lengths.add(
          lengthOf(generate({ cmd: "publish", topic, payload, qos, messageId: 1, retain: false })),
        );
      }
    }
    expect(lengths.size).toBeLessThanOrEqual(144);
    expect([...lengths].every((length) => length % 64 === 0)).toBe(true);
  },
);

test("what was meant is what is read, and long messages stay as they are", () => {
  const message = { rows: [["p", 1, 2.5]], text: "Tür" };
  expect(JSON.parse(padded("a/b", JSON.stringify(message), 1))).toEqual(message);
  const long = JSON.stringify("x".repeat(20_000));
  expect(padded("a/b", long, 1)).toBe(long);
});
