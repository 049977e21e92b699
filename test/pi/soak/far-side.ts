/**
 * What a node talks to over TCP: the hub, which acknowledges, counts and forgets, and a Modbus gateway
 * with two meters. In the node's own process, where an answer needs no change of process.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import { dataSchema } from "../../../contract/message.ts";
import { parseRow, type Row } from "../../../contract/row.ts";
import { HUB_STATUS_TOPIC, nodeTopic, parseNodeTopic } from "../../../contract/topic.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { RegisterBank } from "../../room/modbus/bank.ts";
import { ModbusDevice, type ModbusFault } from "../../room/modbus/device.ts";
import { startModbusTcp } from "../../room/modbus/tcp-server.ts";
import { METERS, PROFILE } from "./plan.ts";

/** What the hub got since the start. */
export interface Report {
  /** Readings that were good, and that were not, of every point. */
  points: Record<string, { good: number; bad: number }>;
  events: Record<string, number>;
  /** Whatever an honest node does not send. At most 20. */
  complaints: string[];
  /** Rows stored; each counts once. */
  rows: number;
}

const MAX_COMPLAINTS = 20;

export interface FarSide {
  ports: { hub: number; modbus: number };
  report: Report;
  /** Takes the hub off the network, or brings it back. */
  hub(away: boolean): Promise<void>;
  /** What is wrong with a meter from now on. */
  meter(name: string, fault: ModbusFault | null): void;
}

export async function startFarSide(): Promise<FarSide> {
  const hub = new CountingHub(await Aedes.createBroker());
  await hub.listen();
  const profile = ownCatalogue().profile(PROFILE);
  const meters = METERS.map(({ name, unit }) => {
    const values: Record<string, number> = { "voltage-l1": 230 + unit, frequency: 50 };
    const bank = new RegisterBank(profile, (id) => values[id] ?? 1);
    return new ModbusDevice(name, unit, bank);
  });
  const gateway = await startModbusTcp(meters, 0, async () => undefined);
  return {
    ports: { hub: hub.port, modbus: gateway.port },
    report: hub.report,
    hub: (away) => (away ? hub.leave() : hub.listen()),
    meter: (name, fault) => {
      const meter = meters.find((other) => other.name === name);
      if (meter) meter.fault = fault ?? undefined;
    },
  };
}

class CountingHub {
  readonly report: Report = { points: {}, events: {}, complaints: [], rows: 0 };
  port = 0;
  #epoch = "";
  #upto = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #broker: Aedes;

  constructor(broker: Aedes) {
    this.#broker = broker;
    broker.on("publish", ({ topic, payload }) => {
      const source = parseNodeTopic(topic);
      if (source?.lane === "data") this.#store(source.node, JSON.parse(payload.toString()));
    });
    const hub = { v: 1, state: "online", software: "soak", at: Date.now() };
    this.#publish(HUB_STATUS_TOPIC, hub, true);
  }

  /** On the same port each time. */
  async listen(): Promise<void> {
    // Without noDelay each acknowledgement would wait 40 ms of real time.
    const server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#broker.handle(socket);
    }).listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async leave(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #store(node: string, payload: unknown): void {
    const message = dataSchema.parse(payload);
    if (this.#epoch === "") this.#epoch = message.epoch;
    if (message.epoch !== this.#epoch)
      this.#complain(`the epoch was ${this.#epoch}, is ${message.epoch}`);
    const expected = Math.max(this.#upto + 1, message.floor);
    if (message.first > expected)
      this.#complain(`rows ${expected}…${message.first - 1} never came`);
    let sequence = message.first;
    for (const row of message.rows) {
      const parsed = parseRow(row);
      if (sequence > this.#upto) this.#count(parsed);
      sequence += parsed.kind === "skip" ? parsed.count : 1;
    }
    this.#upto = Math.max(this.#upto, sequence - 1);
    this.#publish(nodeTopic(node, "ack"), { epoch: this.#epoch, upto: this.#upto }, false);
  }

  #count(row: Row): void {
    const { points, events } = this.report;
    this.report.rows += 1;
    if (row.kind === "reading") {
      const { point, quality } = row.reading;
      const counts = points[point] ?? { good: 0, bad: 0 };
      counts[quality === "good" ? "good" : "bad"] += 1;
      points[point] = counts;
    } else if (row.kind === "event") events[row.event.what] = (events[row.event.what] ?? 0) + 1;
    else if (row.kind === "refused") this.#complain(row.why);
    else this.#complain(`${row.count} rows were skipped`);
  }

  #complain(text: string): void {
    if (this.report.complaints.length < MAX_COMPLAINTS) this.report.complaints.push(text);
  }

  #publish(topic: string, message: unknown, retain: boolean): void {
    const payload = Buffer.from(JSON.stringify(message));
    const packet = { cmd: "publish", topic, payload, qos: 1, retain, dup: false } as const;
    this.#broker.publish(packet, (error) => {
      if (error) throw error;
    });
  }
}
