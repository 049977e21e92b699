import { connect as netConnect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../system/until.ts";
import { closed, type Papers, TlsRig } from "../identity/rig.ts";
import { connectPacket } from "./raw-mqtt.ts";

let rig: TlsRig;
let papers: Papers;
beforeEach(async () => {
  rig = await TlsRig.start();
  papers = await rig.papers("edge-a");
});
afterEach(() => rig.stop());

/** An honest node still gets in and is heard. */
async function expectOthersServed() {
  const other = await rig.join("edge-honest", await rig.papers("edge-honest"));
  await other.publishAsync("plenum/v1/edge-honest/data", "still here", { qos: 1 });
  expect(rig.heard.at(-1)).toEqual(["edge-honest", "data", "still here"]);
  await other.endAsync();
}

test("a node with its own certificate gets in and is heard", async () => {
  const node = await rig.join("edge-a", papers);
  await node.publishAsync("plenum/v1/edge-a/data", "1", { qos: 1 });
  expect(rig.heard).toEqual([["edge-a", "data", "1"]]);
  expect(rig.broker.refused).toBe(0);
});

test("TLS without a client certificate is refused before any MQTT is spoken, and counted", async () => {
  const error: unknown = await rig.join("edge-a", {}).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(String(error)).not.toMatch(/connection refused/i);
  await until("the count", () => rig.broker.refused === 1);
  await expectOthersServed();
});

test("a certificate of another authority is refused", async () => {
  await expect(rig.join("edge-a", await rig.forgedPapers("edge-a"))).rejects.toThrow();
  await until("the count", () => rig.broker.refused === 1);
  await expectOthersServed();
  expect(rig.troubles()).toEqual([]);
});

test("a certificate that nobody has registered is refused, though our own authority signed it", async () => {
  rig.db.exec("DELETE FROM node_certificate");
  await expect(rig.join("edge-a", papers)).rejects.toThrow();
  expect(rig.troubles()).toEqual([
    expect.stringContaining("Identity of edge-a: certificate is not in the hub's register"),
  ]);
  await expectOthersServed();
});

test("an expired certificate is refused, and an alarm names the node", async () => {
  const old = await rig.papers("edge-old", Date.now() - 91 * 86_400_000);
  await expect(rig.join("edge-old", old)).rejects.toThrow();
  expect(rig.troubles()).toEqual([
    expect.stringContaining("Identity of edge-old: certificate has expired"),
  ]);
  await expectOthersServed();
});

test("the server's own certificate does not pass for a node's", async () => {
  const { key, cert } = rig.identity.pki!.mqtt!.current();
  await expect(rig.join("localhost", { key, cert })).rejects.toThrow();
  await expectOthersServed();
});

test("the certificate of edge-a with the client id edge-b is refused, and stands in the ledger", async () => {
  await expect(rig.join("edge-b", papers)).rejects.toThrow(/Identifier rejected/);
  expect(rig.ledgerOf("identity")).toMatchObject([
    { type: "identity.breach", node: "edge-a", why: "broke the rules: connected as edge-b" },
  ]);
  await expectOthersServed();
});

test("edge-a that publishes to edge-b's data is cut off, held off for a second, and stands in the ledger", async () => {
  const node = await rig.join("edge-a", papers);
  const cut = closed(node);
  node.publish("plenum/v1/edge-b/data", "false");
  await cut;
  expect(rig.heard).toEqual([]);
  expect(rig.ledgerOf("identity")).toMatchObject([{ type: "identity.breach", node: "edge-a" }]);
  await expect(rig.join("edge-a", papers)).rejects.toThrow(/Server unavailable/);
  await expectOthersServed();
  await until("the end of the ban", () => rig.join("edge-a", papers).catch(() => false as const));
});

test("plain MQTT on the TLS port is refused", async () => {
  const socket = netConnect(rig.broker.port, "127.0.0.1");
  socket.on("error", () => socket.destroy());
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.write(connectPacket("edge-a"));
  await ended;
  await until("the count", () => rig.broker.refused === 1);
  await expectOthersServed();
});

test("TLS 1.1 is refused", async () => {
  const socket = tlsConnect({
    ...{ port: rig.broker.port, host: "127.0.0.1", ...papers, servername: "localhost" },
    ...{ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
  });
  const failed = new Promise((resolve) => socket.once("error", resolve));
  expect(String(await failed)).toMatch(/protocol version|unsupported protocol|no protocols/i);
  await expectOthersServed();
});

test("a device without a certificate signs in with its password where the site has such accounts, and not without", async () => {
  const took: string[] = [];
  const shelly = {
    account: "shelly",
    take: (topic: string) => took.push(topic),
    mayWill: () => false,
    maySubscribe: () => false,
    subscribed: () => undefined,
  };
  const open = await TlsRig.start({
    guests: {
      admit: (_user, password) => (password?.toString() === "right" ? shelly : undefined),
      isReserved: () => false,
    },
  });
  const device = await open.join("plug-1", {}, { username: "shelly", password: "right" });
  await device.publishAsync("shellies/plug-1/power", "7", { qos: 1 });
  expect(took).toEqual(["shellies/plug-1/power"]);
  await expect(open.join("edge-a", {})).rejects.toThrow(/Not authorized/);
  const wrong = open.join("plug-2", {}, { username: "shelly", password: "wrong" });
  await expect(wrong).rejects.toThrow(/Bad username or password/i);
  await open.stop();
});

describe("of many connections", () => {
  test("1,000 that only open TCP are paced and capped, and a node gets in within 5 s", async () => {
    const sockets = Array.from({ length: 1_000 }, () => {
      const socket = netConnect({
        port: rig.broker.port,
        host: "127.0.0.1",
        localAddress: "127.0.0.2",
      });
      socket.on("error", () => socket.destroy());
      return socket;
    });
    await until("a refusal", () => rig.broker.refused > 0);
    const began = performance.now();
    const node = await rig.join("edge-a", papers);
    expect(performance.now() - began).toBeLessThan(5_000);
    await node.publishAsync("plenum/v1/edge-a/live", "here", { qos: 1 });
    for (const socket of sockets) socket.destroy();
    await expectOthersServed();
  });

  test("100 nodes that come back at once are all inside within 10 s", async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => ({
        id: `edge-${i}`,
        papers: await rig.papers(`edge-${i}`),
      })),
    );
    const began = performance.now();
    const clients = await Promise.all(all.map(({ id, papers }) => rig.join(id, papers)));
    const tookMs = performance.now() - began;
    await Promise.all(
      clients.map((client, i) =>
        client.publishAsync(`plenum/v1/edge-${i}/live`, "here", { qos: 1 }),
      ),
    );
    expect(new Set(rig.heard.map(([node]) => node)).size).toBe(100);
    // 30 at once and 30 a second, so the last is not inside before 2.3 s.
    expect(tookMs).toBeGreaterThan(1_800);
    expect(tookMs).toBeLessThan(10_000);
  });
});
