import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AlarmView } from "../../contract/api.ts";
import type { IncidentDetail, IncidentView } from "../../contract/incident.ts";
import { Site } from "./site.ts";
import { until } from "./until.ts";

let folder: string;
let site: Site;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-incident-"));
  site = await Site.start({ dataDir: folder, token: "incident-test-token-on-loopback-only" });
  await site.ready();
});
afterAll(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const incidents = async (): Promise<IncidentView[]> =>
  (await site.get<{ items: IncidentView[] }>("/api/v1/incidents")).items;

test("utility A lost while the generator is out is one incident, with its UPS as symptom, its minutes and its story", async () => {
  await site.tell("fail", "gen-1");
  await site.tell("lose", "utility-a");
  const incident = await until("one incident with a UPS on battery", async () => {
    const found = await incidents();
    return found.find(
      ({ lead, places }) => lead.startsWith("utility-lost.") && places.includes("UPS A"),
    );
  });
  const open = (await incidents()).filter(({ state }) => state === "open");
  expect(open.map(({ title }) => title)).toEqual(["Utility A lost"]);
  const raced = await until("the minutes UPS A has left", async () => {
    const [now] = await incidents();
    return now?.race?.ups.find(({ ups }) => ups === "ups-a")?.minutes ?? undefined;
  });
  expect(raced).toBeGreaterThan(1);

  const detail = await site.get<IncidentDetail>(`/api/v1/incidents/${incident.id}`);
  expect(detail.feeds.map(({ id }) => id)).toEqual(expect.arrayContaining(["ups-a", "pdu-a1"]));
  expect(detail.runbook).toContain("network operator");
  const texts = detail.timeline.map(({ text }) => text).join("\n");
  expect(texts).toContain("Utility A lost");
  expect(texts).toContain("UPS A on battery");
  const { items } = await site.get<{ items: AlarmView[] }>("/api/v1/alarms");
  expect(new Set(items.map((alarm) => alarm.incident))).toEqual(new Set([incident.id]));
});

test("a hub killed in the middle still knows its one incident, and both ends of it once the utility is back", async () => {
  const [before] = await incidents();
  await site.programs.hub.kill("SIGKILL");
  site.programs.hub.start();
  await until("both nodes back", async () => (await site.health())?.nodes.online === 2);
  const [after] = await incidents();
  expect([after?.id, after?.symptoms]).toEqual([before?.id, before?.symptoms]);
  await site.post(`/api/v1/incidents/${before?.id}/ack`);
  await site.tell("restore", "utility-a");
  await site.tell("repair", "gen-1");
  const over = await until(
    "the incident is over",
    async () => (await incidents()).find(({ state }) => state === "over"),
    90_000,
  );
  expect(over.id).toBe(before?.id);
  const { timeline } = await site.get<IncidentDetail>(`/api/v1/incidents/${over.id}`);
  const kinds = timeline.map(({ kind }) => kind);
  for (const kind of ["raised", "acknowledged", "cleared", "over"]) expect(kinds).toContain(kind);
});
