import mqtt, { type MqttClient } from "mqtt";
import type {
  Ack,
  Birth,
  Command,
  HubStatus,
  SpoolEvent,
  StandingAlarm,
} from "../../contract/message.ts";
import type { WireRow } from "../../contract/row.ts";
import { HUB_STATUS_TOPIC, type NodeLane, nodeTopic } from "../../contract/topic.ts";
import { until } from "../system/until.ts";

/** An edge node played by a real MQTT client: it numbers its rows and remembers what was acknowledged. */
export class TestNode {
  readonly acks: Ack[] = [];
  readonly commands: Command[] = [];
  readonly hubStates: HubStatus["state"][] = [];
  readonly epoch = "epoch-1";
  readonly #client: MqttClient;
  #next = 1;

  private constructor(
    readonly id: string,
    client: MqttClient,
  ) {
    this.#client = client;
    client.on("message", (topic, payload) => {
      const message: unknown = JSON.parse(payload.toString());
      if (topic === HUB_STATUS_TOPIC) this.hubStates.push((message as HubStatus).state);
      else if (topic === nodeTopic(id, "cmd")) this.commands.push(message as Command);
      else this.acks.push(message as Ack);
    });
  }

  static async connect(port: number, id = "edge-hall"): Promise<TestNode> {
    const offline = { v: 1, state: "offline", session: 1, at: Date.now() };
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId: id,
      clean: true,
      reconnectPeriod: 0,
      will: {
        topic: nodeTopic(id, "status"),
        payload: Buffer.from(JSON.stringify(offline)),
        qos: 1,
        retain: true,
      },
    });
    const node = new TestNode(id, client);
    const topics = [nodeTopic(id, "ack"), nodeTopic(id, "cmd"), HUB_STATUS_TOPIC];
    await client.subscribeAsync(topics, { qos: 1 });
    return node;
  }

  /** Announces itself and comes online. */
  async announce(
    points: Birth["points"],
    doors: Birth["doors"] = [],
    local: { rules?: Birth["rules"]; alarms?: StandingAlarm[] } = {},
  ): Promise<void> {
    const at = Date.now();
    const birth: Birth = {
      v: 1,
      node: this.id,
      label: "Hall",
      software: "test",
      bootId: "boot-1",
      epoch: this.epoch,
      at,
      points,
      doors,
      rules: local.rules,
    };
    await this.publish("birth", birth);
    const { alarms } = local;
    await this.publish("status", { v: 1, state: "online", session: 1, at, backlog: 0, alarms });
  }

  live(...rows: WireRow[]): Promise<void> {
    return this.publish("live", { at: Date.now(), rows });
  }

  /** Sends spool rows and gives the number of the last. */
  async data(...rows: WireRow[]): Promise<number> {
    const first = this.#next;
    this.#next += rows.length;
    await this.publish("data", { epoch: this.epoch, floor: 1, first, rows });
    return this.#next - 1;
  }

  event(event: SpoolEvent): Promise<number> {
    return this.data({ event });
  }

  async publish(lane: NodeLane, message: unknown): Promise<void> {
    await this.raw(nodeTopic(this.id, lane), JSON.stringify(message));
  }

  async raw(topic: string, payload: string | Buffer): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos: 1 });
  }

  acknowledged(upto: number): Promise<unknown> {
    return until(`ack of ${upto}`, () => this.acks.some((ack) => ack.upto >= upto) || undefined);
  }

  /** Says goodbye, so that the broker does not publish the last will. */
  async leave(): Promise<void> {
    await this.#client.endAsync(false);
  }

  /** Cuts the connection. */
  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
