import { pino } from "pino";
import { expect, test } from "vitest";
import { commandSchema, type NodeStatus } from "../../../contract/message.ts";
import { HubSignals } from "../../../edge/local/hub-signals.ts";
import type { RelayReceiver } from "../../../hub/config/receiver-config.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { Channels } from "../../../hub/notify/channels.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";
import { birth } from "../alarms/small-hub.ts";
import { page } from "./messages.ts";

const log = pino({ level: "silent" });

/** A hub and a node with one beacon; the node answers each order with its status, as the real one does. */
function site() {
  const clock = new FakeClock();
  const live = new LiveState({ clock, log, known: openKnownNodes(openHubDb(":memory:"), log) });
  const on = new Set<string>();
  const beacon = {
    id: "beacon",
    govern: () => undefined,
    demand: (cause: string) => void on.add(cause),
    release: (cause: string) => void on.delete(cause),
  };
  const own = {
    ...{ on, live, clock, deaf: false, orders: 0 },
    node: new HubSignals([{ output: beacon }], log),
    status(state: "online" | "offline" = "online") {
      const status: NodeStatus = { v: 1, state, session: 1, at: 0, signals: own.node.held() };
      live.status("edge-hall", status);
    },
    restart() {
      on.clear();
      own.node = new HubSignals([{ output: beacon }], log);
      own.status();
    },
    channelOf(receiver: Partial<RelayReceiver> = {}) {
      return channels.channelFor({
        ...{ kind: "relay", id: "b", node: "edge-hall", output: "beacon" },
        ...receiver,
      });
    },
  };
  const send = (_node: string, command: unknown) => {
    own.orders += 1;
    const order = commandSchema.parse(command);
    if (own.deaf || order.cmd !== "signal") return;
    own.node.take(order);
    own.status();
  };
  const channels = new Channels({ clock, log, nodes: { live, send } });
  live.announce(birth());
  own.status();
  return own;
}

test("a page switches the beacon on, delivered once the node says so; its end switches it off", async () => {
  const { channelOf, on } = site();
  expect(await channelOf().send(page())).toEqual({ kind: "delivered" });
  expect(on.size).toBe(1);
  expect(await channelOf().send(page("repeated"))).toEqual({ kind: "delivered" });
  expect(on.size).toBe(1);
  expect(await channelOf().send(page("cleared"))).toEqual({ kind: "delivered" });
  expect(on.size).toBe(0);
});

test("two alarms keep the beacon on until both are over", async () => {
  const { channelOf, on } = site();
  const alarm = { id: "leak.rope", occurrence: 1, priority: 1, title: "Water" };
  await channelOf().send(page());
  await channelOf().send(page("raised", { alarm }));
  await channelOf().send(page("cleared"));
  expect(on.size).toBe(1);
});

test("a node that starts again gets the order anew", async () => {
  const { channelOf, on, restart } = site();
  await channelOf().send(page());
  restart();
  expect(on.size).toBe(1);
});

test("an output the node does not have is refused and says which there are", async () => {
  expect(await site().channelOf({ output: "siren" }).send(page())).toEqual({
    kind: "refused",
    why: "node edge-hall has no output siren; it has beacon",
  });
});

test("a node that is away is failed at once, one that does not confirm after 10 s", async () => {
  const own = site();
  own.deaf = true;
  const sending = own.channelOf().send(page());
  await own.clock.advance(10_001);
  expect(await sending).toEqual({ kind: "failed", why: "no answer within 10 s" });
  own.status("offline");
  expect(await own.channelOf().send(page())).toEqual({
    kind: "failed",
    why: "node edge-hall is not connected",
  });
});

test("a digest switches nothing", async () => {
  const own = site();
  const outcome = await own.channelOf().send(page("digest", { alarm: undefined }));
  expect(outcome).toMatchObject({ kind: "accepted" });
  expect(own.orders).toBe(0);
});

test("51 causes keep 50: the oldest goes", () => {
  const own = site();
  for (let n = 0; n < 51; n += 1) own.node.take({ output: "beacon", cause: `c${n}`, on: true });
  expect(own.node.held().beacon).toHaveLength(50);
  expect(own.on.has("hub c0")).toBe(false);
  expect(own.on.has("hub c50")).toBe(true);
});
