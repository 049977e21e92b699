import type { Logger } from "pino";
import type { Clock } from "../contract/clock.ts";
import type { Ack, Command } from "../contract/message.ts";
import { AlarmCare } from "./alarm-health/alarm-care.ts";
import { type Alarms, createAlarms } from "./alarms/alarm-runtime.ts";
import { plainDelivery } from "./config/delivery-config.ts";
import type { HubConfig } from "./config/hub-config.ts";
import { Answers } from "./delivery/answers.ts";
import { createDelivery } from "./delivery/delivery.ts";
import { CompletenessReporter } from "./history/completeness-report.ts";
import { Coverage } from "./history/coverage.ts";
import { HistoryReader } from "./history/history-reader.ts";
import { markingWrites } from "./history/marking-store.ts";
import type { HistoryStore } from "./history/store.ts";
import { IncidentRoom } from "./incidents/incident-room.ts";
import { createIngest } from "./ingest/ingest.ts";
import { openQuarantine } from "./ingest/quarantine.ts";
import { QuarantineDesk } from "./ingest/quarantine-desk.ts";
import { createLedger, type Ledger } from "./ledger/ledger.ts";
import type { LastMove } from "./live/door-origins.ts";
import { openKnownNodes } from "./live/known-nodes.ts";
import { lastMoveIn } from "./live/last-move.ts";
import { LiveState } from "./live/live-state.ts";
import { Channels } from "./notify/channels.ts";
import { createOutbox } from "./notify/outbox.ts";
import { toldOfOwn, withOwnRules } from "./own-rules.ts";
import { proposedRules } from "./standard-rules/proposed.ts";
import type { HubDb } from "./state/hub-db.ts";
import { Walls } from "./walls/walls.ts";
import { raiseFence } from "./workers/fence.ts";

export interface PartsDeps {
  config: HubConfig;
  db: HubDb;
  store: HistoryStore;
  publishAck: (node: string, ack: Ack) => void;
  send: (node: string, command: Command) => void;
  /** Keeps everybody who says to be this node out for a while. */
  holdOff: (node: string) => void;
  clock: Clock;
  log: Logger;
  /** Set in the worker that judges alarms. */
  lead?: { token: number } | undefined;
}

export type Parts = ReturnType<typeof openParts>;

/** Everything between a node's message and a person, in memory and hub.db, not running yet. */
export function openParts(deps: PartsDeps) {
  const { db, store, publishAck, holdOff, clock, log } = deps;
  const lastMove: LastMove = (door, node) => lastMoveIn(ledger)(door, node);
  const live = new LiveState({ clock, log, known: openKnownNodes(db, log), lastMove });
  const doorLabel = (door: string) => live.door(door)?.info.label;
  const ledger = createLedger({ db, clock, doorLabel });
  const alarming = openAlarming(deps, live, ledger);
  const { alarms } = alarming;
  const quarantine = openQuarantine(db);
  const coverage = new Coverage(db);
  const marked = markingWrites(store, coverage);
  const desk = new QuarantineDesk({ db, quarantine, live, store: marked, ledger, alarms, clock });
  const ingest = createIngest({
    ...{ store: marked, events: ledger, alarms, live, quarantine, publishAck, clock, log },
    onConflict: holdOff,
  });
  return {
    ...{ live, ledger, ...alarming, quarantine, desk, ingest, coverage },
    walls: new Walls(
      deps.config.tokens.filter(({ role }) => role === "wall").map(({ name }) => name),
      clock,
    ),
    history: new HistoryReader({ store, coverage, clock }),
    completeness: new CompletenessReporter({ store, coverage, ledger, clock }),
  };
}

/** From a live value to whoever is told of it, and what is known of how well that works. */
function openAlarming(deps: PartsDeps, live: LiveState, ledger: Ledger) {
  const { config, db, store, send, clock, log, lead } = deps;
  const { site, receivers } = config;
  const channels = new Channels({
    ...{ clock, log, nodes: { live, send } },
    takeReply: (from, text) => answers.acknowledgeByReply(from, text),
  });
  const { channelFor } = channels;
  const outbox = createOutbox({ db, receivers, clock, log, channelFor });
  const rules = withOwnRules(config);
  const linkBase = linkBaseOf(config.http);
  const fence = lead && { fence: raiseFence(db, lead.token) };
  const delivering = config.delivery ?? plainDelivery(site.timezone);
  const delivery = createDelivery({
    ...{ config: delivering, db, outbox, ledger, clock, log, ...fence },
    ...{ siteLabel: site.label, linkBase, ackBase: linkBase },
    current: (alarm) => alarms.view(alarm),
  });
  const incidents: IncidentRoom = new IncidentRoom({
    ...{ db, site, rules, live, ledger, delivery, clock, log, ...fence },
    alarms: () => alarms,
  });
  const proposed = config.standardRules?.includes("devices")
    ? proposedRules({ rules, point: live.point, receivers: toldOfOwn(config) })
    : undefined;
  const alarms: Alarms = createAlarms({
    ...{ rules, live, db, ledger, outbox, delivery, clock, log, site, linkBase, ...fence },
    incidents: incidents.incidents,
    receivers: toldOfOwn(config),
    ...(proposed && { proposed }),
    order: (node, rule, subject, order) => send(node, { cmd: "alarm", rule, subject, order }),
  });
  const alarmCare = new AlarmCare({
    ...{ config, db, live, ledger, outbox, delivery, alarms, rules, proposed, store },
    ...{ site, linkBase, delivering, clock, log },
  });
  const answers = new Answers({ ...alarmCare.answering({ delivery, alarms }), clock });
  return { channels, outbox, delivery, answers, alarms, incidents, alarmCare };
}

/** Where links in messages lead; null when a free port was asked for, because nobody could keep such a link. */
function linkBaseOf({ publicUrl, host, port, tls }: HubConfig["http"]): string | null {
  if (publicUrl !== null) return publicUrl;
  if (tls) return port === 0 ? null : `https://${"names" in tls ? tls.names[0] : host}:${port}`;
  return port === 0 ? null : `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
