import { afterEach, beforeEach, expect, test } from "vitest";
import type { IncidentDetail, IncidentView } from "../../../contract/incident.ts";
import { IncidentRoom } from "../../../hub/incidents/incident-room.ts";
import { Desk, HALL } from "../incidents/desk.ts";
import { StandIn, silent } from "./stand-in.ts";

let hub: StandIn;
let desk: Desk;
let room: IncidentRoom;
const UTILITY = "lost.utility-a.voltage-l1";
const UPS = "is.ups-a.on-battery";

beforeEach(async () => {
  hub = new StandIn();
  desk = new Desk(hub.clock, hub.db);
  room = new IncidentRoom({
    ...{ db: hub.db, site: HALL, rules: [], live: hub.live, ledger: hub.ledger },
    ...{ clock: hub.clock, log: silent },
    delivery: { regroup: () => {}, onEvent: () => () => {} },
    alarms: () => ({
      view: desk.view,
      views: () => [],
      command: (alarm, order) => {
        desk.ack(alarm, order.by);
        room.incidents.forget();
        return undefined;
      },
    }),
  });
  hub.sources.incidents = room;
  desk.raise(UTILITY, { title: "Utility A lost" });
  desk.raise(UPS, { title: "UPS A on battery" });
  desk.raise("is.leak.rope");
  await hub.start();
});
afterEach(() => hub.stop());

test("two causes with three alarms are listed as two incidents, the most urgent first", async () => {
  const answer = await hub.fetch("/api/v1/incidents", { as: "wall" });
  const { items } = (await answer.json()) as { items: IncidentView[] };
  expect(items.map(({ id, title, symptoms }) => [id, title, symptoms])).toEqual([
    ["inc-1", "Utility A lost", 1],
    ["inc-2", "is.leak.rope", 0],
  ]);
  const detail = await hub.fetch("/api/v1/incidents/inc-1", { as: "viewer" });
  const { members, timeline } = (await detail.json()) as IncidentDetail;
  expect(members.map(({ alarm, part }) => [alarm, part])).toEqual([
    [UTILITY, "cause"],
    [UPS, "symptom"],
  ]);
  expect(timeline).toHaveLength(2);
});

test("an operator's acknowledgement is that of every alarm in it, in the operator's name", async () => {
  const answer = await hub.json("POST", "/api/v1/incidents/inc-1/ack", {}, "operator");
  expect(answer.status).toBe(200);
  const { members } = (await answer.json()) as IncidentDetail;
  expect(members.every(({ acknowledged }) => acknowledged)).toBe(true);
  expect(desk.view(UPS).ack?.by).toBe("operator-person");
});

test.each([
  ["merge", { into: "inc-2" }, 200],
  ["merge", { into: "inc-1" }, 409],
  ["merge", { into: "inc-7" }, 404],
  ["split", { alarm: UPS }, 200],
  ["split", { alarm: "is.leak.rope" }, 409],
  ["note", { text: "Called the network operator." }, 200],
  ["note", { text: " " }, 400],
])("POST %s %j answers %i to an operator and 403 to a viewer", async (word, body, status) => {
  const path = `/api/v1/incidents/inc-1/${word}`;
  expect((await hub.json("POST", path, body, "viewer")).status).toBe(403);
  expect((await hub.json("POST", path, body, "operator")).status).toBe(status);
});

test("an incident there is not is answered with 404, its report too", async () => {
  for (const path of ["/api/v1/incidents/inc-9", "/api/v1/incidents/x/report"])
    expect((await hub.fetch(path, { as: "viewer" })).status, path).toBe(404);
  expect((await hub.fetch("/api/v1/incidents")).status).toBe(401);
  const report = await hub.fetch("/api/v1/incidents/inc-1/report", { as: "viewer" });
  expect(report.headers.get("content-type")).toContain("text/markdown");
  expect(await report.text()).toContain("# Utility A lost");
});
