import type { GatewayConfig, SmsReceiver } from "../config/receiver-config.ts";
import { type Channel, type Outcome, type OutgoingMessage, oneLine } from "./channel.ts";
import { answerOutcome, callFailure, type HttpDeps, httpCall } from "./http-call.ts";
import { ModemError } from "./sms/at-dialogue.ts";
import { gatewayRequest } from "./sms/gateway-request.ts";
import type { Modem } from "./sms/modem.ts";
import type { ReplyDesk } from "./sms/reply-desk.ts";
import { smsParts } from "./sms/sms-text.ts";

/** What went through of messages that did not wholly; the oldest is forgotten beyond it. */
const MAX_REMEMBERED = 500;

export interface SmsDeps extends HttpDeps {
  /** Needed by receivers with a modem. */
  modem?: Modem;
  replies?: ReplyDesk;
}

/** SMS to every number of a receiver. A number that has had it does not get it again when another failed. */
export function smsChannel({ to, by }: SmsReceiver, deps: SmsDeps): Channel {
  const done = new Set<string>();
  const once = async (name: string, work: () => Promise<void>) => {
    if (done.has(name)) return;
    await work();
    done.add(name);
    const [oldest] = done;
    if (done.size > MAX_REMEMBERED && oldest !== undefined) done.delete(oldest);
  };
  const byGateway = (gateway: GatewayConfig, number: string, message: OutgoingMessage) =>
    once(`${message.key} ${number}`, async () => {
      const request = gatewayRequest(gateway, number, message);
      const answer = answerOutcome(await httpCall(request, gateway.allowPrivate, deps));
      if (answer.kind === "refused" || answer.kind === "failed") throw new NotTaken(answer);
    });
  const byModem = async (number: string, message: OutgoingMessage) => {
    for (const [index, part] of smsParts(message).entries())
      await once(`${message.key} ${number} ${index}`, () => modemOf(deps).send(number, part));
  };
  const sendOne = async (number: string, message: OutgoingMessage): Promise<Outcome> => {
    try {
      if ("gateway" in by) await byGateway(by.gateway, number, message);
      else await byModem(number, message);
      return { kind: "accepted", note: null };
    } catch (error) {
      if (error instanceof NotTaken) return error.outcome;
      if (error instanceof ModemError) return { kind: "failed", why: oneLine(error.message) };
      return callFailure(error);
    }
  };
  return {
    kind: "sms",
    async send(message) {
      const outcomes: Outcome[] = [];
      for (const number of to) {
        const outcome = await sendOne(number, message);
        outcomes.push(outcome);
        if (outcome.kind === "accepted") deps.replies?.sent(number, message);
      }
      return together(to, outcomes);
    },
  };
}

class NotTaken extends Error {
  readonly outcome: Outcome;
  constructor(outcome: Outcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

function modemOf({ modem }: SmsDeps): Modem {
  if (!modem) throw new ModemError("this program drives no modem");
  return modem;
}

/** Failed while any may still get through; accepted, with a note, when only some are final noes. */
function together(to: readonly string[], outcomes: readonly Outcome[]): Outcome {
  const failed = outcomes.find(({ kind }) => kind === "failed");
  if (failed) return failed;
  const refused = outcomes.flatMap((outcome, index) =>
    outcome.kind === "refused" ? [`${to[index]}: ${outcome.why}`] : [],
  );
  if (refused.length === outcomes.length) return { kind: "refused", why: refused.join("; ") };
  return {
    kind: "accepted",
    note: refused.length > 0 ? `refused for ${refused.join("; ")}` : null,
  };
}
