import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { pino } from "pino";
import { stringify } from "yaml";
import { openModbusTcp } from "../../../edge/bus/modbus-link.ts";
import { DeviceError, type ModbusLink } from "../../../edge/bus/port.ts";
import type { Ports } from "../../../edge/buses.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { type Edge, startEdge } from "../../../edge/edge.ts";
import { type Dial, dialMqtt, type Link } from "../../../edge/uplink/link.ts";
import { DOOR_LINE, METERS, PERIOD_MS, PROFILE } from "./plan.ts";
import type { VirtualClock } from "./virtual-clock.ts";
import type { NodeWorld } from "./world.ts";

const THERMOMETER = "28-00000b5e11c6";
const EVERY = `${PERIOD_MS / 1_000}s`;

const i2cDevices = (place: string, bus: string) => [
  {
    ...{ id: `${place}-top`, bus, driver: "sht31", address: 0x44, every: EVERY },
    points: { temperature: `${place}.inlet-top`, humidity: `${place}.humidity` },
  },
  {
    ...{ id: `${place}-mid`, bus, driver: "tmp117", address: 0x48, every: EVERY },
    points: { temperature: `${place}.inlet-mid` },
  },
];

const config = (folder: string, ports: { hub: number; modbus: number }) => ({
  node: "pi-1",
  hub: { url: `mqtt://127.0.0.1:${ports.hub}` },
  spool: { path: path.join(folder, "spool.db") },
  buses: [
    { id: "i2c-1", type: "i2c", device: "/dev/i2c-1" },
    { id: "i2c-3", type: "i2c", device: "/dev/i2c-3" },
    { id: "w1", type: "one-wire" },
    { id: "gpio", type: "gpio", chip: "auto" },
    { id: "meters", type: "modbus-tcp", host: "127.0.0.1", port: ports.modbus },
  ],
  devices: [
    ...i2cDevices("r1", "i2c-1"),
    ...i2cDevices("r2", "i2c-3"),
    {
      ...{ id: THERMOMETER, bus: "w1", driver: "ds18b20", every: EVERY },
      points: { temperature: "r1.exhaust" },
    },
    ...METERS.map(({ name, unit }) => ({
      ...{ id: name, bus: "meters", profile: PROFILE, unit, every: EVERY },
    })),
  ],
  doors: [{ id: "door-1", bus: "gpio", line: DOOR_LINE, debounce: "100ms" }],
  outputs: [{ id: "beacon", bus: "gpio", line: 5, safe: "off" }],
  alarms: [
    {
      ...{ id: "warm", local: true, points: ["*.inlet-top"], above: 24, deadband: 1 },
      ...{ onDelay: "1m", priority: 1 },
    },
  ],
});

/** Starts the node on that clock, with these sensors, against real sockets. Its file is in memory. */
export function startNode(deps: {
  clock: VirtualClock;
  world: NodeWorld;
  ports: { hub: number; modbus: number };
}): Promise<Edge> {
  const { clock, world, ports } = deps;
  const folder = mkdtempSync(path.join("/dev/shm", "plenum-soak-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const checked = checkEdge(stringify(config(folder, ports)), "edge.yaml", ownCatalogue());
  if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems));
  const none = () => Promise.reject(new DeviceError("bus", "not there"));
  const nodePorts: Ports = {
    i2c: ({ id }) => world.openI2c(id),
    gpio: world.openGpio,
    oneWire: () => world.openOneWire(THERMOMETER),
    modbus: async (bus) => {
      if (bus.type !== "modbus-tcp") return none();
      const { host, port } = bus;
      return timelessModbus(clock, await clock.during(openModbusTcp({ host, port, clock })));
    },
    nut: none,
    kernel: none,
  };
  return startEdge(checked.config, {
    ...{ clock, ports: nodePorts, dial: timelessDial(clock) },
    log: pino({ level: "fatal" }, pino.destination({ fd: 2, sync: true })),
    boot: { id: "boot-1", baseMs: 0 },
    troubleFile: path.join(folder, "restarts"),
    evidence: async () => ({ service: "synced", hardwareClock: false }),
  });
}

/** The virtual clock stands still while a question is on its way. */
function timelessModbus(clock: VirtualClock, link: ModbusLink): ModbusLink {
  return {
    readRegisters: (request) => clock.during(link.readRegisters(request)),
    readBits: (request) => clock.during(link.readBits(request)),
    drain: (ms) => link.drain(ms),
    close: () => link.close(),
  };
}

/** mqtt.js leaves Nagle's algorithm on: each small message would wait 40 ms of real time for nothing. */
const connect = net.createConnection;
net.createConnection = ((...args: Parameters<typeof connect>) =>
  connect(...args).setNoDelay(true)) as typeof connect;

/** The virtual clock stands still while anything is on its way to the hub, or its answer back. */
function timelessDial(clock: VirtualClock): Dial {
  return async (options) => {
    const link = await clock.during(dialMqtt(options));
    let waiting: (() => void)[] = [];
    const answered = () => {
      for (const resolve of waiting) resolve();
      waiting = [];
    };
    link.onMessage((topic) => {
      if (topic.endsWith("/ack")) answered();
    });
    let over = false;
    link.closed.then(() => {
      over = true;
      answered();
    });
    const publish: Link["publish"] = (topic, payload, publishing) => {
      const sent = clock.during(link.publish(topic, payload, publishing));
      if (topic.endsWith("/data") && !over)
        clock.during(new Promise<void>((resolve) => waiting.push(resolve)));
      return sent;
    };
    return {
      publish,
      subscribe: (topics) => clock.during(link.subscribe(topics)),
      onMessage: (listener) => link.onMessage(listener),
      get inFlight() {
        return link.inFlight;
      },
      closed: link.closed,
      close: () => link.close(),
    };
  };
}
