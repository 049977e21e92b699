import { randomUUID } from "node:crypto";
import type { Clock } from "../../contract/clock.ts";
import { TOPIC_ROOT } from "../../contract/topic.ts";
import type { Connection } from "./connection.ts";

const ANSWER_MS = 5_000;

export interface ProbeDeps {
  connection: Connection;
  clock: Clock;
  signal: AbortSignal;
  /** Sends every message that is not a node's to `hear`; undefined ends it. */
  onProbe(hear: ((topic: string) => void) | undefined): void;
}

/**
 * Says why a broker is not fit for several workers; undefined when it is. Only a message that really
 * comes proves it: RabbitMQ and NATS grant shared subscriptions and then deliver nothing.
 */
export async function probeSharing(deps: ProbeDeps): Promise<string | undefined> {
  const { connection, clock, signal, onProbe } = deps;
  const topic = `${TOPIC_ROOT}/hub/probe/${randomUUID()}`;
  const shared = `$share/plenum-probe/${topic}`;
  const limit = new AbortController();
  const stop = () => limit.abort();
  signal.addEventListener("abort", stop, { once: true });
  let came = 0;
  onProbe((heard) => {
    if (heard !== topic) return;
    came += 1;
    stop();
  });
  try {
    await connection.subscribe([shared], 1);
    connection.publish(topic, "{}", { qos: 1, retain: false });
    const ended = connection.closed.then(stop);
    await clock.sleep(ANSWER_MS, limit.signal);
    if (came > 0) await connection.unsubscribe([shared]);
    else if (!limit.signal.aborted) return UNFIT;
    else await ended;
    return undefined;
  } finally {
    onProbe(undefined);
    signal.removeEventListener("abort", stop);
  }
}

const UNFIT =
  "The broker granted a shared subscription ($share/…) but delivered nothing through it within 5 s, so " +
  "several workers cannot share the load on it. Mosquitto and EMQX can; RabbitMQ and NATS cannot. Use " +
  "one of those, or run a single hub without --worker. If it is Mosquitto or EMQX, let the hub's " +
  "account read and write plenum/v1/# (plenum-hub mosquitto-config writes such a file).";
