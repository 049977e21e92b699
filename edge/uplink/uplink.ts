import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import {
  type Birth,
  commandSchema,
  hubStatusSchema,
  type NodeStatus,
} from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";
import { HUB_STATUS_TOPIC, nodeTopic } from "../../contract/topic.ts";
import type { HubSignals } from "../local/hub-signals.ts";
import type { LocalAlarms } from "../local/local-alarms.ts";
import type { ClockState } from "../readings.ts";
import type { Spool } from "../spool/spool.ts";
import { Waker } from "../waker.ts";
import { backOffMs } from "./back-off.ts";
import { DataLane } from "./data-lane.ts";
import { parseJson } from "./json.ts";
import type { Dial, Link, LinkOptions } from "./link.ts";
import { LiveLane } from "./live-lane.ts";

export const STATUS_EVERY_MS = 10_000;
/** A connection that held this long ends the series of failures. */
const STEADY_MS = 10_000;
/** How long a clean stop waits for its farewell to be received. */
const FAREWELL_MS = 1_000;
/** So many different reasons of one loss are logged. */
const MAX_REASONS = 5;

export interface UplinkDeps {
  node: string;
  url: string;
  dial: Dial;
  /** What the next connection proves itself with; only for mqtts. */
  credentials?: (() => NonNullable<LinkOptions["credentials"]>) | undefined;
  /** The hub's answer to `renew`. */
  onCertificate?: (answer: { certificate: string; trust: string }) => void;
  /** What the hub wants of the outputs; tells of each afterwards in the status. */
  signals?: Pick<HubSignals, "take" | "held">;
  spool: Spool;
  newest: () => Iterable<Reading>;
  birth: () => Birth;
  clockState: () => ClockState;
  health: () => Record<string, number>;
  /** False while rows are kept in memory only. */
  durable: boolean;
  alarms: Pick<LocalAlarms, "standing" | "order">;
  clock: Clock;
  random: () => number;
  log: Logger;
}

export interface Uplink {
  /** Keeps a connection to the hub until `signal` aborts, then says farewell. */
  run(signal: AbortSignal): Promise<void>;
  /** A new reading for the live lane. */
  live(reading: Reading, urgent: boolean): void;
  /** Rows were committed: send them now. */
  rows(): void;
  /** What the status says has changed: send it now. */
  status(): void;
  /** What the birth says has changed: send it now, before the next reading. */
  announce(): void;
  connected(): boolean;
  /** Asks the hub for this node's next certificate; rejects while there is no connection. */
  renew(request: string): Promise<void>;
  /** Makes a new connection at once; what is on its way is sent again by it. */
  reconnect(): void;
}

export function createUplink(deps: UplinkDeps): Uplink {
  return new MqttUplink(deps);
}

/** What lives as long as one connection. */
interface Session {
  link: Link;
  data: DataLane;
  live: LiveLane;
  nextStatusMs: number;
  /** The spool the hub was told of. */
  epoch: string;
  /** Set when the connection has ended: why. */
  ended: string | undefined;
}

class MqttUplink implements Uplink {
  readonly #deps: UplinkDeps;
  readonly #waker = new Waker();
  #session: Session | undefined;
  #quietSince: number | undefined;
  /** What this loss of the hub has been logged with: a new reason may say what to do. */
  readonly #reasons = new Set<string>();
  /** The birth has changed since it was last composed. */
  #birthChanged = false;
  /** The connection was ended by ourselves, for another. */
  #again = false;

  constructor(deps: UplinkDeps) {
    this.#deps = deps;
  }

  connected = (): boolean => this.#session !== undefined;

  live(reading: Reading, urgent: boolean): void {
    this.#session?.live.add(reading, urgent);
    if (this.#session) this.#waker.wake();
  }

  rows = (): void => this.#waker.wake();

  status(): void {
    if (this.#session) this.#session.nextStatusMs = 0;
    this.#waker.wake();
  }

  announce(): void {
    this.#birthChanged = true;
    if (!this.#session) return;
    const { link } = this.#session;
    this.#announce(link, this.#deps.birth()).catch((error) => this.#undelivered(error));
  }

  async renew(request: string): Promise<void> {
    if (!this.#session) throw new Error("not connected");
    await this.#session.link.publish(nodeTopic(this.#deps.node, "renew"), request, { qos: 1 });
  }

  reconnect(): void {
    this.#again = true;
    this.#session?.link.close();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      const beganMs = clock.monoMs();
      const why = await this.#connection(signal);
      if (signal.aborted) return;
      if (this.#again) {
        this.#again = false;
        continue;
      }
      failures = clock.monoMs() - beganMs >= STEADY_MS ? 1 : failures + 1;
      this.#logLoss(why);
      await clock.sleep(backOffMs(failures, random), signal);
    }
  }

  /** One connection from beginning to end; returns why it ended. */
  async #connection(signal: AbortSignal): Promise<string> {
    const { node, url, dial, spool, clock, credentials } = this.#deps;
    // Starting at the time of day keeps the number rising even when the spool is lost.
    const number = spool.count("session", Math.floor(clock.nowMs() / 1_000));
    const will: NodeStatus = { v: 1, state: "offline", session: number, at: clock.nowMs() };
    let link: Link;
    try {
      link = await dial({
        url,
        clientId: node,
        ...(credentials && { credentials: credentials() }),
        signal,
        will: { topic: nodeTopic(node, "status"), payload: JSON.stringify(will) },
      });
    } catch (error) {
      return messageOf(error);
    }
    try {
      return await this.#converse(link, number, signal);
    } catch (error) {
      return messageOf(error);
    } finally {
      this.#session = undefined;
      link.close();
    }
  }

  async #converse(link: Link, number: number, signal: AbortSignal): Promise<string> {
    const { node, spool, clock, log, newest, birth } = this.#deps;
    const lane = { link, clock, log };
    const session: Session = {
      link,
      data: new DataLane({ ...lane, spool, topic: nodeTopic(node, "data") }),
      live: new LiveLane({ ...lane, topic: nodeTopic(node, "live") }, []),
      nextStatusMs: 0,
      epoch: spool.epoch,
      ended: undefined,
    };
    link.closed.then((why) => {
      session.ended = why;
      this.#waker.wake();
    });
    link.onMessage((topic, payload, retained) => {
      // The hub's retained status only says what the connection itself already shows.
      if (!retained) this.#take(session, topic, payload);
    });
    await link.subscribe([nodeTopic(node, "ack"), nodeTopic(node, "cmd"), HUB_STATUS_TOPIC]);
    this.#birthChanged = false;
    await this.#announce(link, birth());
    this.#session = session;
    if (this.#birthChanged) this.announce();
    for (const reading of newest()) session.live.add(reading, false);
    this.#logBack(number);
    while (!signal.aborted && session.ended === undefined) {
      await this.#turn(session, number, signal);
    }
    if (signal.aborted) await this.#farewell(link, number);
    return session.ended ?? "stopped";
  }

  /** Sends whatever is due, the wall first, and waits for the next thing to do. */
  async #turn(session: Session, number: number, signal: AbortSignal): Promise<void> {
    const { clock, spool } = this.#deps;
    // An old spool is empty and the next one's turn has come: the hub must know whose rows follow.
    if (spool.epoch !== session.epoch) this.#greet(session);
    session.live.pump(() => this.#waker.wake());
    if (clock.monoMs() >= session.nextStatusMs) {
      session.nextStatusMs = clock.monoMs() + STATUS_EVERY_MS;
      this.#status(session.link, "online", number).catch((error) => this.#undelivered(error));
    }
    session.data.pump();
    const dues = [session.live.dueMs, session.data.dueMs, session.nextStatusMs];
    const dueMs = Math.min(...dues.filter((due) => due !== undefined));
    await this.#waker.wait(clock, Math.max(1, dueMs - clock.monoMs()), signal);
  }

  #take(session: Session, topic: string, payload: Uint8Array): void {
    const { node } = this.#deps;
    if (topic === nodeTopic(node, "ack")) session.data.ack(payload);
    else if (topic === nodeTopic(node, "cmd")) this.#obey(session, payload);
    else if (topic === HUB_STATUS_TOPIC && isHubOnline(payload)) this.#greet(session);
    this.#waker.wake();
  }

  #obey(session: Session, payload: Uint8Array): void {
    const { log, alarms, onCertificate } = this.#deps;
    const command = commandSchema.safeParse(parseJson(payload)).data;
    if (command?.cmd === "replay") {
      log.info("hub asked for a replay");
      this.#greet(session);
    } else if (command?.cmd === "alarm") {
      alarms.order(command.rule, command.subject, command.order);
    } else if (command?.cmd === "certificate") {
      onCertificate?.(command);
    } else if (command?.cmd === "signal") {
      this.#deps.signals?.take(command);
      session.nextStatusMs = 0;
    }
  }

  /** The hub knows nothing of this node, or may not: everything is sent again. */
  #greet(session: Session): void {
    session.epoch = this.#deps.spool.epoch;
    this.#announce(session.link, this.#deps.birth()).catch((error) => this.#undelivered(error));
    for (const reading of this.#deps.newest()) session.live.add(reading, false);
    session.nextStatusMs = 0;
    session.data.restart();
  }

  #announce(link: Link, birth: Birth): Promise<void> {
    const topic = nodeTopic(this.#deps.node, "birth");
    return link.publish(topic, JSON.stringify(birth), { qos: 1, retain: true });
  }

  #status(link: Link, state: NodeStatus["state"], session: number): Promise<void> {
    const { node, spool, clock, clockState, health, durable, alarms, signals } = this.#deps;
    const status: NodeStatus = {
      v: 1,
      state,
      session,
      at: clock.nowMs(),
      backlog: spool.backlog,
      clock: clockState(),
      durable,
      alarms: alarms.standing(),
      health: health(),
      ...(signals && { signals: signals.held() }),
    };
    return link.publish(nodeTopic(node, "status"), JSON.stringify(status), {
      qos: 1,
      retain: true,
    });
  }

  async #farewell(link: Link, number: number): Promise<void> {
    const sent = this.#status(link, "offline", number).catch((error) => this.#undelivered(error));
    const patience = new AbortController();
    await Promise.race([sent, this.#deps.clock.sleep(FAREWELL_MS, patience.signal)]);
    patience.abort();
  }

  #undelivered(error: unknown): void {
    this.#deps.log.debug({ error: messageOf(error) }, "message not delivered");
  }

  #logLoss(why: string): void {
    const { log, url, clock } = this.#deps;
    this.#quietSince ??= clock.monoMs();
    if (this.#reasons.has(why) || this.#reasons.size >= MAX_REASONS) return;
    this.#reasons.add(why);
    log.warn({ hub: url, error: why }, "hub not connected");
  }

  #logBack(session: number): void {
    const { log, url, clock, spool } = this.#deps;
    const lostMs = Math.round(clock.monoMs() - (this.#quietSince ?? clock.monoMs()));
    log.info({ hub: url, session, lostMs, backlog: spool.backlog }, "hub connected");
    this.#quietSince = undefined;
    this.#reasons.clear();
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

const isHubOnline = (payload: Uint8Array) => {
  const status = hubStatusSchema.safeParse(parseJson(payload));
  return status.success && status.data.state === "online";
};
