import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Receiver } from "../config/hub-config.ts";
import type { ModemConfig, SmsReceiver } from "../config/receiver-config.ts";
import type { Channel } from "./channel.ts";
import { emailChannel } from "./email-channel.ts";
import { NodeSignals, type NodeSignalsDeps } from "./node-signals.ts";
import { relayChannel } from "./relay-channel.ts";
import { Modem } from "./sms/modem.ts";
import { ReplyDesk, type TakeReply } from "./sms/reply-desk.ts";
import { smsChannel } from "./sms-channel.ts";
import { snmpChannel } from "./snmp-channel.ts";
import { syslogChannel } from "./syslog-channel.ts";
import { webhookChannel } from "./webhook-channel.ts";

export interface ChannelsDeps {
  clock: Clock;
  log?: Logger;
  /** Nodes whose outputs may be switched. */
  nodes?: NodeSignalsDeps;
  /** Takes answers by SMS; without it they are not looked at. */
  takeReply?: TakeReply;
  /** How often modems are asked for answers. */
  pollMs?: number;
}

/** The ways to all receivers, and what some of them share: a modem is one line for many numbers. */
export class Channels {
  readonly #deps: ChannelsDeps;
  readonly #modems = new Map<string, Modem>();
  readonly #signals: NodeSignals | undefined;
  readonly #replies: ReplyDesk;

  constructor(deps: ChannelsDeps) {
    this.#deps = deps;
    this.#signals = deps.nodes && new NodeSignals(deps.nodes);
    const ignore: TakeReply = () => ({ kind: "ignored", say: "" });
    this.#replies = new ReplyDesk(deps.takeReply ?? ignore, deps.clock);
  }

  channelFor = (receiver: Receiver): Channel => {
    const { clock } = this.#deps;
    switch (receiver.kind) {
      case "email":
        return emailChannel(receiver, { clock });
      case "webhook":
        return webhookChannel(receiver, { clock });
      case "sms":
        return this.#sms(receiver);
      case "snmp":
        return snmpChannel(receiver, { clock });
      case "syslog":
        return syslogChannel(receiver, { clock });
      case "relay":
        return this.#signals
          ? relayChannel(receiver, { clock, signals: this.#signals })
          : withoutNodes;
    }
  };

  /** Listens to the modems until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#modems.values()].map((modem) => modem.run(signal)));
  }

  /** SMS from numbers nobody knows, since the start. */
  ignoredReplies = (): number => this.#replies.ignored();

  #sms(receiver: SmsReceiver): Channel {
    const { clock } = this.#deps;
    const replies = this.#replies;
    if (!("modem" in receiver.by)) return smsChannel(receiver, { clock, replies });
    return smsChannel(receiver, { clock, replies, modem: this.#modem(receiver.by.modem) });
  }

  #modem(config: ModemConfig): Modem {
    const known = this.#modems.get(config.device);
    if (known) return known;
    const { clock, log, pollMs } = this.#deps;
    const own = { ...(log && { log }), ...(pollMs !== undefined && { pollMs }) };
    const onSms = this.#deps.takeReply && this.#replies.take.bind(this.#replies);
    const modem = new Modem({ config, clock, ...own, ...(onSms && { onSms }) });
    this.#modems.set(config.device, modem);
    return modem;
  }
}

/** The ways that need nothing but a clock. */
export const plainChannels = (clock: Clock): ((receiver: Receiver) => Channel) =>
  new Channels({ clock }).channelFor;

const withoutNodes: Channel = {
  kind: "relay",
  send: async () => ({ kind: "failed", why: "this program has no way to the nodes" }),
};
