import { expect, test } from "vitest";
import { mqttPlace } from "../../../hub/identity/enrol-route.ts";

const listening = { host: "0.0.0.0", port: 8883 };
const tls = { names: ["hub.example.net"] as [string, ...string[]] };
const files = { ca: "/c/ca.crt", cert: "/c/hub.crt", key: "/c/hub.key" };
const beside = (url: string) => ({ ...listening, external: { url, tls: files } });

const stories: [string, Parameters<typeof mqttPlace>, ReturnType<typeof mqttPlace>][] = [
  ["the hub's own broker by TLS", [{ ...listening, tls }, 8883], { host: null, port: 8883 }],
  ["the hub's own broker, not listening yet", [{ ...listening, tls }, undefined], null],
  ["a plain broker", [listening, 1883], null],
  [
    "a broker on another machine, with the usual port",
    [beside("mqtts://broker.example.net"), undefined],
    { host: "broker.example.net", port: 8883 },
  ],
  [
    "a broker on the hub's machine, which nodes reach by the hub's name",
    [beside("mqtts://127.0.0.1:9883"), 9883],
    { host: null, port: 9883 },
  ],
  [
    "a plain broker beside the hub",
    [{ ...listening, external: { url: "mqtt://127.0.0.1:1883", tls: null } }, 1883],
    null,
  ],
];

test.each(stories)("where nodes enrol to: %s", (_name, [mqtt, port], place) => {
  expect(mqttPlace(mqtt, port)).toEqual(place);
});
