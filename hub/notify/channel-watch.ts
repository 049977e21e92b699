import type { SiteRule } from "../config/hub-config.ts";
import type { OwnGauge } from "../self-watch.ts";
import { shortName } from "../short-name.ts";
import type { Outbox } from "./outbox.ts";

/** A point `hub.channel.<receiver>` for each way to reach somebody: 1 while its messages do not go out. */
export function channelGauges(
  receivers: readonly { id: string }[],
  outbox: Pick<Outbox, "isFailing">,
): OwnGauge[] {
  return receivers.map(({ id }) => ({
    ...{
      role: `channel.${shortName(id)}`,
      quantity: "flag",
      label: `Messages to ${id} do not go out`,
    },
    read: () => (outbox.isFailing(id) ? 1 : 0),
  }));
}

/** All receivers are told: those that still work. */
export const channelRule = (receivers: readonly string[]): SiteRule => ({
  ...{ id: "channel-failed", points: ["hub.channel.*"], nodes: [], priority: 2, latch: false },
  ...{ condition: { kind: "digital", equals: 1 }, onDelayMs: 0, offDelayMs: 0 },
  title: "{label}",
  runbook:
    "Nobody is reached this way; alarms go by the others only. The page Messages says what the other side " +
    "answered. Put that right, then start a drill: the alarm is over once a message goes out.",
  receivers: [...receivers],
});
