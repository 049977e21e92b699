import { describeReceiver } from "./describe-receiver.ts";
import type { HubConfig } from "./hub-config.ts";

const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** What a correct configuration sets up, in a few lines for a person. Holds no secret. */
export function describeConfig(config: HubConfig): string {
  const { site, http, mqtt, storage, alarms, receivers, tokens } = config;
  const racks = site.rooms.flatMap((room) => room.rows.flatMap((row) => row.racks)).length;
  const cooling = site.rooms.flatMap((room) => room.cooling).length;
  const doors = site.rooms.flatMap((room) => room.doors).length;
  const told = alarms.filter((rule) => rule.receivers.length > 0).length;
  const ways = receivers.map(describeReceiver).join(", ");
  const history = storage.influx
    ? `InfluxDB ${storage.influx.url}, database ${storage.influx.database}`
    : "embedded SQLite";
  const places = [
    count(site.rooms.length, "room"),
    count(racks, "rack"),
    count(cooling, "cooling unit"),
    count(doors, "door"),
    count(site.power.length, "power unit"),
  ];
  return [
    `Site      ${site.label}, ${site.timezone}: ${places.join(", ")}`,
    `Listens   http${http.tls ? "s" : ""}://${hostPort(http)} and mqtt${mqtt.tls ? "s" : ""}://${hostPort(mqtt)}`,
    `Keeps     ${storage.path}; history in ${history}`,
    `Alarms    ${count(alarms.length, "rule")}, ${told} of them told to somebody`,
    `Tells     ${ways || "nobody: alarms are only shown on screens"}`,
    `Lets in   ${tokens.map((token) => `${token.name} (${token.role})`).join(", ") || "nobody yet"}`,
  ].join("\n");
}

function hostPort({ host, port }: { host: string; port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port === 0 ? "any free port" : port}`;
}
