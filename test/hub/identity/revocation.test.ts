import { afterEach, beforeEach, expect, test } from "vitest";
import { newCertificateRequest } from "../../../edge/identity/certificate-request.ts";
import { Register } from "../../../hub/identity/register.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { until } from "../../system/until.ts";
import { closed, type Papers, TlsRig } from "./rig.ts";

let rig: TlsRig;
let papers: Papers;
beforeEach(async () => {
  rig = await TlsRig.start();
  papers = await rig.papers("edge-a");
});
afterEach(() => rig.stop());

/** What `plenum-hub revoke` does, as another process would: by its own connection to hub.db. */
function revokeFromOutside(node: string): void {
  const db = openHubDb(`${rig.folder}/hub.db`);
  const register = new Register(db);
  register.revoke(node, "stolen", Date.now());
  register.note({ type: "identity.revoked", at: Date.now(), detail: { node, why: "stolen" } });
  db.close();
}

test("a revoked node's open connection ends within 1 s, others stay, and it gets in no more", async () => {
  const other = await rig.join("edge-b", await rig.papers("edge-b"));
  const node = await rig.join("edge-a", papers);
  const cut = closed(node);
  const began = performance.now();
  revokeFromOutside("edge-a");
  await cut;
  expect(performance.now() - began).toBeLessThan(1_000);
  await expect(rig.join("edge-a", papers)).rejects.toThrow();
  await other.publishAsync("plenum/v1/edge-b/live", "here", { qos: 1 });
  expect(rig.heard.at(-1)).toEqual(["edge-b", "live", "here"]);
  await until("the ledger", () => rig.ledgerOf("identity.revoked").length === 1);
  expect(rig.troubles()).toEqual([
    expect.stringMatching(/^Identity of edge-a: certificate was revoked \(stolen\); refused at/),
  ]);
});

test("a revoked node that enrols again gets in with the new certificate only", async () => {
  revokeFromOutside("edge-a");
  const again = await rig.papers("edge-a");
  await (await rig.join("edge-a", again)).endAsync();
  await expect(rig.join("edge-a", papers)).rejects.toThrow();
});

test("a connected node renews its certificate without losing its connection, and the old one is worth nothing once the new one is used", async () => {
  const past = Date.now() - 61 * 86_400_000;
  const old = await rig.papers("edge-c", past);
  const node = await rig.join("edge-c", old);
  const answers: { cmd: string; certificate: string; trust: string }[] = [];
  node.on("message", (_, payload) => answers.push(JSON.parse(payload.toString())));
  await node.subscribeAsync("plenum/v1/edge-c/cmd", { qos: 1 });
  const { key, request } = newCertificateRequest("edge-c");
  await node.publishAsync("plenum/v1/edge-c/renew", request, { qos: 1 });
  const { certificate, trust } = await until("the certificate", () => answers[0]);
  expect(node.connected).toBe(true);
  const cut = closed(node);
  const next = await rig.join("edge-c", { key, cert: certificate, ca: trust });
  await cut;
  expect(next.connected).toBe(true);
  await expect(rig.join("edge-c", old)).rejects.toThrow();
  await until("the ledger", () => rig.ledgerOf("identity.renewed").length === 1);
});

test("a node that asks for another node's certificate is cut off, and nothing is issued", async () => {
  const node = await rig.join("edge-a", papers);
  const { request } = newCertificateRequest("edge-b");
  const cut = closed(node);
  node.publish("plenum/v1/edge-b/renew", request);
  await cut;
  expect(new Register(rig.db).list().map(({ node }) => node)).toEqual(["edge-a"]);
});

test("two machines with one identity: the newest takes over 3 times, at the 4th both are kept out and an alarm names the node", async () => {
  const first = await rig.join("edge-a", papers);
  const clients = [first];
  for (let i = 0; i < 3; i += 1) clients.push(await rig.join("edge-a", papers));
  const last = closed(clients[3]!);
  await expect(rig.join("edge-a", papers)).rejects.toThrow(/Server unavailable/);
  await last;
  await expect(rig.join("edge-a", papers)).rejects.toThrow(/Server unavailable/);
  expect(rig.troubles()).toEqual([
    "Identity of edge-a: two machines use its identity; both are kept out",
  ]);
  expect(rig.ledgerOf("identity")).toMatchObject([
    { type: "identity.conflict", node: "edge-a", addresses: ["127.0.0.1", "127.0.0.1"] },
  ]);
  const other = await rig.join("edge-b", await rig.papers("edge-b"));
  await other.publishAsync("plenum/v1/edge-b/live", "here", { qos: 1 });
  expect(rig.heard).toEqual([["edge-b", "live", "here"]]);
});
