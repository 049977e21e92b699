import type { Outcome, OutgoingMessage } from "../channel.ts";
import { factsOf } from "../facts.ts";
import { answerOutcome, type HttpAnswer, type HttpCall } from "../http-call.ts";
import type { TicketSystem } from "./ticket.ts";

/**
 * Keeps one ticket per occurrence: the first message opens it, later ones are noted in it. It asks before
 * it opens, so that an attempt whose answer was lost opens no second one. The end of something that has
 * no ticket needs none.
 */
export async function fileTicket(
  system: TicketSystem,
  message: OutgoingMessage,
  call: (request: HttpCall) => Promise<HttpAnswer>,
): Promise<Outcome> {
  const found = await call(system.find(message));
  const asked = answerOutcome(found);
  if (asked.kind !== "delivered") return asked;
  const answer = parsed(found.body);
  if (answer === undefined) return { kind: "failed", why: "answered something that is no JSON" };
  const id = system.idIn(answer);
  if (id === undefined && factsOf(message).isOver)
    return { kind: "accepted", note: "there is no ticket to note it in" };
  return answerOutcome(
    await call(id === undefined ? system.open(message) : system.note(message, id)),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
