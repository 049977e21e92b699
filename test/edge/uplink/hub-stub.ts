import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Aedes, type Client } from "aedes";
import { ackSchema, dataSchema } from "../../../contract/message.ts";
import { type NodeLane, nodeTopic, parseNodeTopic } from "../../../contract/topic.ts";

export interface Received {
  lane: NodeLane;
  payload: unknown;
  retain: boolean;
  qos: number;
}

/** A broker with just enough of a hub behind it: it keeps what arrives, and acknowledges if told to. */
export class HubStub {
  readonly received: Received[] = [];
  readonly clients: Client[] = [];
  readonly stored = new Map<number, unknown>();
  /** `always`: acknowledge what is stored. `never`: swallow. */
  acks: "always" | "never" = "always";
  port = 0;
  readonly #node: string;
  readonly #sockets = new Set<Socket>();
  #broker!: Aedes;
  #server!: Server;
  readonly #upto = new Map<string, number>();

  constructor(node: string) {
    this.#node = node;
  }

  async start(port = 0): Promise<this> {
    this.#broker = await Aedes.createBroker();
    this.#broker.on("client", (client) => this.clients.push(client));
    this.#broker.on("publish", (packet, client) => {
      const topic = parseNodeTopic(packet.topic);
      if (!topic || (!client && topic.lane !== "status")) return;
      const payload: unknown = JSON.parse(packet.payload.toString());
      this.received.push({ lane: topic.lane, payload, retain: packet.retain, qos: packet.qos });
      if (topic.lane === "data") this.#store(payload);
    });
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#broker.handle(socket);
    });
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  of(lane: NodeLane): Received[] {
    return this.received.filter((message) => message.lane === lane);
  }

  publish(lane: "ack" | "cmd", payload: unknown): void {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    this.publishTo(nodeTopic(this.#node, lane), text);
  }

  publishTo(topic: string, payload: string): void {
    this.#broker.publish(
      { cmd: "publish", topic, payload, qos: 1, retain: false, dup: false },
      () => undefined,
    );
  }

  ack(epoch: string, upto: number): void {
    this.publish("ack", ackSchema.parse({ epoch, upto }));
  }

  /** Cuts every connection, as a network does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
    await new Promise<void>((resolve) => this.#broker.close(resolve));
  }

  #store(payload: unknown): void {
    const { epoch, floor, first, rows } = dataSchema.parse(payload);
    let seq = first;
    for (const row of rows) {
      if (typeof row === "object" && row !== null && "skip" in row) seq += Number(row.skip);
      else {
        this.stored.set(seq, row);
        seq += 1;
      }
    }
    const before = this.#upto.get(epoch) ?? 0;
    if (first > Math.max(before, floor - 1) + 1) return;
    const upto = Math.max(before, floor - 1, seq - 1);
    this.#upto.set(epoch, upto);
    if (this.acks === "always") this.ack(epoch, upto);
  }
}
