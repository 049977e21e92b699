import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { startEdge } from "../../../edge/edge.ts";
import { newCertificateRequest } from "../../../edge/identity/certificate-request.ts";
import { daysLeft, IdentityStore } from "../../../edge/identity/store.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { type Hub, startHub } from "../../../hub/hub.ts";
import { openAuthority } from "../../../hub/identity/authority.ts";
import { identityFolder } from "../../../hub/identity/identity.ts";
import { Register } from "../../../hub/identity/register.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { until } from "../../system/until.ts";

const DAY_MS = 86_400_000;
const SITE = `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
storage: { path: data }
http: { port: 0 }
mqtt: { port: 0, tls: { names: [localhost] } }
`;

let folder: string;
let hub: Hub;
let lines: string[];
const log = pino({ level: "info" }, { write: (line: string) => lines.push(line) });

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-renewal-"));
  lines = [];
  const checked = checkSite(SITE, path.join(folder, "site.yaml"));
  if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems));
  hub = await startHub(checked.config, { clock: systemClock, log });
});
afterEach(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true });
});

/** Papers as they were issued `days` ago. */
async function enrolled(node: string, days: number): Promise<IdentityStore> {
  const at = Date.now() - days * DAY_MS;
  const authority = await openAuthority(identityFolder(path.join(folder, "data")), at);
  const { key, request } = newCertificateRequest(node);
  const issued = await authority.signNode(node, request, at);
  const db = openHubDb(path.join(folder, "data", "hub.db"));
  new Register(db).add(issued, "enrolled");
  db.close();
  const store = new IdentityStore(path.join(folder, "identity"));
  store.save({ key, cert: issued.certificate, ca: authority.certificate });
  return store;
}

test("a running node at day 61 gets its next certificate, goes on with it, and every row is stored once", async () => {
  const store = await enrolled("edge-a", 61);
  const text = `node: edge-a\nhub: { url: "mqtts://localhost:${hub.mqttPort}" }\nspool: { path: spool.db }\n`;
  const checked = checkEdge(text, path.join(folder, "edge.yaml"), ownCatalogue());
  if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems));
  const boot = { id: "boot-1", baseMs: 0 };
  const troubleFile = path.join(folder, "trouble");
  const evidence = async () => ({ service: "synced" as const, hardwareClock: true });
  const edge = await startEdge(checked.config, {
    ...{ clock: systemClock, log, boot, troubleFile, evidence, random: () => 0 },
  });
  const said = (words: string) => lines.filter((line) => line.includes(words));
  await until("the renewal", () => said("certificate renewed").length === 1);
  await until("the next connection", () => said("hub connected").length === 2 && edge.connected());
  expect(daysLeft(store.load().cert, Date.now())).toBeGreaterThan(89);
  await until("everything acknowledged", () => edge.spool.backlog === 0 && edge.spool.last > 0);
  expect(said("hub not connected")).toEqual([]);
  await edge.stop();
  const db = openHubDb(path.join(folder, "data", "hub.db"));
  const listed = new Register(db).list();
  expect(listed.map(({ how, why }) => [how, why])).toEqual([
    ["renewed", null],
    ["enrolled", "replaced by a newer one"],
  ]);
  const started = db.prepare("SELECT count(*) AS n FROM ledger WHERE type = 'node.started'").get();
  expect(started).toEqual({ n: 1 });
  db.close();
}, 30_000);
