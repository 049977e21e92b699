import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { type NutPort, openNutClient } from "../../../edge/bus/nut-client.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { nutLoop, nutRoles } from "../../../edge/poll/nut-loop.ts";
import { USUAL_UPS_VALUES } from "../../../edge/ups/model.ts";
import { FakeClock } from "../../fake-clock.ts";
import { NutServer, within } from "../bus/nut-server.ts";
import { collector } from "./collector.ts";

const VARIABLES = {
  "ups.status": "OL CHRG",
  "ups.load": "42",
  "battery.charge": "87.5",
  "battery.runtime": "1800",
  "input.voltage": "231.4",
  "output.voltage": "230.0",
  "battery.voltage": "54.5",
};
const DEVICE = { id: "ups-a", ups: "ups-a", everyMs: 2_000, values: USUAL_UPS_VALUES };

let server: NutServer | undefined;
const stop = new AbortController();
afterEach(async () => {
  stop.abort();
  await server?.close();
});

test("a real upsd: states, a mains failure, a lost driver, a lost upsd, and back", async () => {
  server = await NutServer.start({ "ups-a": VARIABLES });
  const { port } = server;
  const clock = new FakeClock();
  const seen = collector(clock);
  const open = () => openNutClient({ host: "127.0.0.1", port, clock: systemClock });
  const loop = nutLoop({ bus: "nut", open, clock, ...seen, devices: [DEVICE] });
  const running = loop.run(stop.signal);
  const now = (role: string) => seen.of(`ups-a.${role}`).at(-1);
  // Real answers take real time; the schedule's time is moved on until they are in.
  const until = (isSo: () => boolean, complaint: string) =>
    within(
      20_000,
      async () => {
        if (!isSo()) await clock.advance(2_000);
        return isSo();
      },
      complaint,
    );

  await until(() => now("online") === 1, "never on line");
  expect(nutRoles().map((role) => [role, now(role)])).toEqual([
    ["online", 1],
    ["on-battery", 0],
    ["low-battery", 0],
    ["shutdown-imminent", 0],
    ["bypass", 0],
    ["overload", 0],
    ["output-off", 0],
    ["replace-battery", 0],
    ["testing", 0],
    ["communication-lost", 0],
    ["load", 42],
    ["charge", 87.5],
    ["runtime", 1_800],
    ["input-voltage", 231.4],
    ["output-voltage", 230],
    ["battery-voltage", 54.5],
    ["battery-temperature", "unsupported"],
  ]);

  await server.set("ups-a", "ups.status", "OB DISCHRG LB");
  await until(() => now("shutdown-imminent") === 1, "the mains failure was not seen");
  expect([now("on-battery"), now("low-battery"), now("online")]).toEqual([1, 1, 0]);
  await server.set("ups-a", "ups.status", "CAL OB LB");
  await until(() => now("testing") === 1, "the calibration was not seen");
  expect([now("on-battery"), now("low-battery"), now("shutdown-imminent")]).toEqual([0, 0, 0]);

  await server.unplug("ups-a");
  await until(() => now("communication-lost") === 1, "the lost driver was not seen");
  expect([now("on-battery"), now("load")]).toEqual(["no-answer", "no-answer"]);
  expect(loop.health().open).toBe(true);

  await server.cut();
  await until(() => now("load") === "bus", "the lost upsd was not seen");
  expect([now("on-battery"), now("communication-lost")]).toEqual(["bus", 1]);

  await server.plug("ups-a", VARIABLES);
  await server.serve();
  await until(() => now("online") === 1, "upsd never came back");
  expect([now("communication-lost"), now("load")]).toEqual([0, 42]);
  expect(loop.health()).toMatchObject({ open: true, lastError: null });

  stop.abort();
  await running;
}, 90_000);

test("a UPS that upsd does not know is out of touch, and one that is not fed yet is unknown", async () => {
  const clock = new FakeClock();
  const seen = collector(clock);
  const own = new AbortController();
  const port: NutPort = {
    list: async (ups) => {
      if (ups === "nobody") throw new DeviceError("refused", "no UPS of this name");
      return new Map([["ups.status", "WAIT"]]);
    },
    get: async () => "",
    units: async () => new Map(),
    close: async () => undefined,
  };
  const loop = nutLoop({
    bus: "nut",
    open: async () => port,
    clock,
    ...seen,
    devices: [
      { ...DEVICE, id: "ups-a", ups: "nobody", values: [] },
      { ...DEVICE, id: "ups-b", values: [] },
    ],
  });
  const running = loop.run(own.signal);
  await clock.advance(10_000);
  expect(seen.of("ups-a.communication-lost")).toEqual([1, 1, 1, 1, 1, 1]);
  expect(new Set(seen.of("ups-a.on-battery"))).toEqual(new Set(["refused"]));
  expect(new Set(seen.of("ups-b.communication-lost"))).toEqual(new Set(["not-ready"]));
  expect(seen.lines).toEqual(["device silent"]);
  own.abort();
  await running;
});
