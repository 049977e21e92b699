import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { type NutPort, openNutClient } from "../../../edge/bus/nut-client.ts";
import { quoted, words } from "../../../edge/bus/nut-text.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { FakeClock } from "../../fake-clock.ts";
import { type LineServer, lineServer, until } from "./line-server.ts";
import { NUT_ADMIN, NutServer, within } from "./nut-server.ts";

const ON_LINE = {
  "ups.status": "OL CHRG",
  "ups.load": "42",
  "battery.charge": "87.5",
  "ups.id": 'Row A \\"left\\"',
};

describe("the real upsd", () => {
  let server: NutServer;
  let port: NutPort;
  beforeAll(async () => {
    server = await NutServer.start({ "ups-a": ON_LINE }, ["ups-b"]);
    port = await openNutClient({ host: "127.0.0.1", port: server.port, clock: systemClock });
  }, 60_000);
  afterAll(async () => {
    await port?.close();
    await server?.close();
  });

  test("names its UPSes and lists every variable of one", async () => {
    expect([...(await port.units()).keys()]).toEqual(["ups-a", "ups-b"]);
    const variables = await port.list("ups-a");
    expect(Object.fromEntries(variables)).toMatchObject({
      "ups.status": "OL CHRG",
      "ups.load": "42",
      "battery.charge": "87.5",
      "driver.name": "dummy-ups",
    });
    expect(await port.get("ups-a", "ups.load")).toBe("42");
  });

  test("a changed file is read, and so is a variable that was set", async () => {
    await server.set("ups-a", "ups.load", "43");
    await within(10_000, async () => (await port.get("ups-a", "ups.load")) === "43", "not set");
    server.write("ups-a", { ...ON_LINE, "ups.status": "OB DISCHRG" });
    const onBattery = async () => (await port.get("ups-a", "ups.status")) === "OB DISCHRG";
    await within(10_000, onBattery, "the dummy did not read its file again");
  });

  test("says why there is no value, and goes on", async () => {
    await expect(port.list("ups-b")).rejects.toMatchObject({
      reason: "no-answer",
      message: expect.stringContaining("DRIVER-NOT-CONNECTED"),
    });
    await expect(port.list("nobody")).rejects.toMatchObject({ reason: "refused" });
    await expect(port.get("ups-a", "ups.nonsense")).rejects.toMatchObject({
      reason: "unsupported",
    });
    expect(await port.get("ups-a", "driver.name")).toBe("dummy-ups");
  });

  test("a driver that hangs leaves stale data, which is no answer, until it goes on", async () => {
    server.freeze("ups-a");
    const stale = async () => {
      const answer = await port.list("ups-a").catch((error: DeviceError) => error);
      return answer instanceof DeviceError && answer.message.includes("DATA-STALE");
    };
    await within(15_000, stale, "upsd never called the data stale");
    await expect(port.list("ups-a")).rejects.toMatchObject({ reason: "no-answer" });
    server.thaw("ups-a");
    const back = async () => (await port.list("ups-a").catch(() => undefined)) !== undefined;
    await within(15_000, back, "upsd never heard of the UPS again");
  });

  test("takes a login", async () => {
    const deps = { host: "127.0.0.1", port: server.port, clock: systemClock };
    const known = await openNutClient({ ...deps, login: NUT_ADMIN });
    expect(await known.get("ups-a", "driver.name")).toBe("dummy-ups");
    await known.close();
  });
});

describe("a upsd of our own", () => {
  let server: LineServer;
  const answers = new Map<string, string>();
  afterEach(async () => {
    answers.clear();
    await server.close();
  });

  async function open(clock = new FakeClock(), login?: { user: string; password: string }) {
    server = await lineServer((line) => answers.get(line));
    return openNutClient({ host: "127.0.0.1", port: server.port, clock, ...(login && { login }) });
  }

  test("keeps the password out of the error when it is refused", async () => {
    answers.set('USERNAME "eve"', "OK").set('PASSWORD "secret"', "ERR ACCESS-DENIED");
    const refused = open(new FakeClock(), { user: "eve", password: "secret" });
    await expect(refused).rejects.toMatchObject({ reason: "refused" });
    await expect(refused).rejects.not.toThrow("secret");
  });

  test("stale data is no answer", async () => {
    answers.set('LIST VAR "a"', "ERR DATA-STALE");
    const port = await open();
    await expect(port.list("a")).rejects.toMatchObject({
      reason: "no-answer",
      message: expect.stringContaining("its driver has lost the UPS"),
    });
  });

  test("an answer in pieces and values with quotes are put together", async () => {
    answers.set('LIST VAR "a"', 'BEGIN LIST VAR a\nVAR a ups.id "x \\"y\\" \\\\z"');
    const port = await open();
    const list = port.list("a");
    await until(() => server.seen.length === 1);
    server.send('VAR a ups.status "OL"\nVAR a empty ""');
    server.send("END LIST VAR a");
    expect(Object.fromEntries(await list)).toEqual({
      "ups.id": 'x "y" \\z',
      "ups.status": "OL",
      empty: "",
    });
  });

  test("after a missing answer the connection is gone, so that a late one deceives nobody", async () => {
    const clock = new FakeClock();
    const port = await open(clock);
    const list = port.list("a");
    const refused = expect(list).rejects.toMatchObject({ reason: "bus" });
    await until(() => server.seen.length === 1);
    await clock.advance(3_000);
    await refused;
    await expect(port.list("a")).rejects.toThrow("is not connected");
  });

  test("an answer about another UPS is not taken", async () => {
    answers.set('GET VAR "a" "ups.load"', 'VAR b ups.load "99"');
    answers.set('LIST VAR "a"', 'BEGIN LIST VAR a\nVAR b ups.load "99"\nEND LIST VAR a');
    await expect((await open()).list("a")).rejects.toMatchObject({ reason: "bus" });
    await server.close();
    await expect((await open()).get("a", "ups.load")).rejects.toMatchObject({ reason: "bus" });
  });

  test("a lost connection ends what waits", async () => {
    const port = await open();
    const list = port.list("a");
    const refused = expect(list).rejects.toMatchObject({ reason: "bus" });
    await until(() => server.seen.length === 1);
    server.cut();
    await refused;
  });

  test("a list without end is cut off", async () => {
    answers.set('LIST VAR "a"', `BEGIN LIST VAR a\n${'VAR a x "1"\n'.repeat(3_000)}`);
    await expect((await open()).list("a")).rejects.toMatchObject({ reason: "bus" });
  });
});

test("any words survive quoting, and any line is read without harm", () => {
  const word = fc.string().filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(fc.array(word), (list) => {
      expect(words(list.map(quoted).join(" "))).toEqual(list);
    }),
  );
  fc.assert(fc.property(fc.string(), (line) => words(line).every((w) => typeof w === "string")));
});

test("nobody listens: the error names upsd and its port", async () => {
  const deps = { host: "127.0.0.1", port: 1, clock: new FakeClock() };
  await expect(openNutClient(deps)).rejects.toThrow(/upsd on 127.0.0.1:1: .*ECONNREFUSED/);
});
