import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { NodeStatus } from "../../../contract/message.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { type Edge, startEdge } from "../../../edge/edge.ts";
import { FakeClock } from "../../fake-clock.ts";
import { until } from "../../system/until.ts";
import { HubStub } from "../uplink/hub-stub.ts";
import { LoopDisk, whyNoLoopDisk } from "./loop-disk.ts";
import { silent } from "./temp-spool.ts";

const whyNot = whyNoLoopDisk();
const clock = new FakeClock(Date.UTC(2026, 5, 1));
let disk: LoopDisk | undefined;
let hub: HubStub;
let edge: Edge | undefined;
beforeEach(async () => {
  hub = await new HubStub("edge-1").start();
});
afterEach(async () => {
  if (edge) await Promise.all([edge.stop(), clock.advance(10_000)]);
  await hub.stop();
  disk?.remove();
});

async function start(folder: string): Promise<void> {
  const text = `
node: edge-1
hub: { url: "mqtt://127.0.0.1:${hub.port}" }
spool: { path: "${folder}/spool.db" }
buses: [{ id: i2c-1, type: i2c, device: /dev/i2c-1 }]
devices:
  - { id: top, bus: i2c-1, driver: sht31, address: 0x44, every: 2s, points: { temperature: a01.inlet-top } }
`;
  const checked = checkEdge(text, "edge.yaml", ownCatalogue());
  if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems));
  const none = () => Promise.reject(new DeviceError("bus", "not there"));
  edge = await startEdge(checked.config, {
    ...{ clock, log: silent, boot: { id: "boot-1", baseMs: 0 } },
    troubleFile: path.join(folder, "restarts"),
    ports: { i2c: none, gpio: none, oneWire: none, modbus: none, nut: none, kernel: none },
    evidence: async () => ({ service: "synced", hardwareClock: false }),
  });
}

const durable = (wanted: boolean) =>
  until(`durable ${wanted}`, async () => {
    await clock.advance(2_000);
    return (hub.of("status").at(-1)?.payload as NodeStatus | undefined)?.durable === wanted;
  });

test("the status says durable false while less than 16 MB are free, and true again afterwards", async () => {
  if (whyNot !== undefined) {
    process.stderr.write(`\nA NODE ON A FULL DISK WAS NOT TESTED (${whyNot}).\n`);
    expect(process.env.CI, whyNot).not.toBe("true");
    return;
  }
  disk = new LoopDisk(64);
  await start(disk.folder);
  await durable(true);
  disk.fill(9);
  await durable(false);
  disk.empty();
  await durable(true);
}, 60_000);
