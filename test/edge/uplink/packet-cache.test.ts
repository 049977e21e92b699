import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { forgoPacketCache } from "../../../edge/uplink/packet-cache.ts";

const own = createRequire(import.meta.url);
const ofMqtt = createRequire(own.resolve("mqtt"));

test("the first packet of the hub connection makes no 65 536 buffers", () => {
  forgoPacketCache();
  const { generate } = ofMqtt("mqtt-packet") as { generate(packet: object): Buffer };
  const numbers = ofMqtt("mqtt-packet/numbers.js") as { cache: object };
  const packet = { cmd: "publish", topic: "a", payload: "b", qos: 1, messageId: 4_711 };
  expect(generate(packet).subarray(5, 7).readUInt16BE()).toBe(4_711);
  expect(Object.keys(numbers.cache)).toEqual([]);
});
