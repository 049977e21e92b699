import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { EventSink } from "../ledger/ledger.ts";
import type { LiveState } from "../live/live-state.ts";
import { DERIVED_NODE } from "../own-nodes.ts";
import { USUAL_CLIMATE } from "./climate.ts";
import { DerivedPoints } from "./derived-points.ts";

export interface OpenDerivedDeps {
  live: LiveState;
  ingest: Pick<Ingest, "takeOwn">;
  ledger: EventSink;
  clock: Clock;
  log: Logger;
}

/** The site's derived points; what could not be stored of them is said in the ledger, like any node's loss. */
export function openDerived(
  { site, climate = USUAL_CLIMATE }: Pick<HubConfig, "site" | "climate">,
  { live, ingest, ledger, clock, log }: OpenDerivedDeps,
): DerivedPoints {
  const epoch = randomUUID();
  let gaps = 0;
  return new DerivedPoints({
    ...{ site, climate, live, clock, log },
    keep: (node, boot, readings) => ingest.takeOwn(node, boot, readings),
    onGap({ from, to, count }) {
      gaps += 1;
      const detail = "the history took nothing for too long; derived values have no spool";
      const at = clock.nowMs();
      const event = { type: "node", what: "gap", at, detail, from, to, count } as const;
      ledger.append([{ node: DERIVED_NODE, epoch, seq: gaps, receivedAt: at, event }]);
    },
  });
}
