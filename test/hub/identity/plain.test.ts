import { pino } from "pino";
import { expect, test } from "vitest";
import { openIdentity } from "../../../hub/identity/identity.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";

async function opened(mqtt: { host: string; port: number; plain?: true }) {
  const clock = new FakeClock();
  const db = openHubDb(":memory:");
  const ledger = createLedger({ db, clock });
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const http = { host: "127.0.0.1", port: 8080 };
  const identity = await openIdentity({
    ...{ storagePath: "/nowhere", http, mqtt, db, ledger, clock, log },
  });
  return { identity, lines, records: ledger.read({ limit: 10 }).items };
}

test("a port open to other machines without TLS is said in the log, in the ledger and as an alarm", async () => {
  const { identity, lines, records } = await opened({ host: "0.0.0.0", port: 1883, plain: true });
  expect(lines.join()).toContain("LISTENING WITHOUT TLS beyond this machine");
  expect(records).toMatchObject([
    { type: "hub.listening-plain", detail: { listener: "mqtt", host: "0.0.0.0", port: 1883 } },
  ]);
  expect(identity.gauges().map(({ role, label, read }) => [role, label, read()])).toEqual([
    ["plain-mqtt", "MQTT is open to other machines without TLS", 1],
  ]);
});

test("on loopback nothing is said, and no authority is made", async () => {
  const { identity, lines, records } = await opened({ host: "127.0.0.1", port: 1883 });
  expect([lines, records, identity.gauges(), identity.pki]).toEqual([[], [], [], undefined]);
});
