import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { HubStatus } from "../../contract/message.ts";
import { HUB_STATUS_TOPIC, NODE_LANES } from "../../contract/topic.ts";
import type { BrokerDeps } from "../broker/broker.ts";
import { VERSION } from "../version.ts";
import { type ExternalBroker, startExternalBroker } from "./external-broker.ts";
import { HUB_CLIENT_PREFIX } from "./mosquitto-config.ts";
import type { ExternalTarget } from "./target.ts";

export interface HubBrokerDeps extends Pick<BrokerDeps, "onMessage" | "onNodeGone" | "onRenew"> {
  target: ExternalTarget;
  /** False when workers take the data lane. */
  takesData: boolean;
  clock: Clock;
  log: Logger;
}

/** The hub's own connection to a broker that is a program of its own. */
export function connectHub({ takesData, clock, ...deps }: HubBrokerDeps): ExternalBroker {
  return startExternalBroker({
    ...deps,
    clock,
    clientId: `${HUB_CLIENT_PREFIX}${randomUUID()}`,
    lanes: NODE_LANES.filter((lane) => takesData || lane !== "data"),
    will: () => {
      const at = clock.nowMs();
      const status: HubStatus = { v: 1, state: "offline", software: `plenum-hub ${VERSION}`, at };
      return { topic: HUB_STATUS_TOPIC, payload: JSON.stringify(status) };
    },
  });
}
