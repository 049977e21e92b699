import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../../contract/clock.ts";
import type { SmsReceiver } from "../../../../hub/config/receiver-config.ts";
import { Channels } from "../../../../hub/notify/channels.ts";
import { Modem } from "../../../../hub/notify/sms/modem.ts";
import type { TakeReply } from "../../../../hub/notify/sms/reply-desk.ts";
import { page } from "../messages.ts";
import { type GsmModem, gsmModem } from "./gsm-modem.ts";

const NUMBER = "+358401234567";
const FIRST = "P2 A03 inlet top 31.8 C (limit 27) - Hall A Reply 4711 to acknowledge.";
const SECOND = "What to do: Check the cooling unit of this aisle.";

let modem: GsmModem;
let stop: AbortController;
let running: Promise<void>[];
beforeEach(async () => {
  modem = await gsmModem();
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await modem.close();
});

function channelOf(pin: string | null = null, takeReply?: TakeReply, to = [NUMBER]) {
  const by = { modem: { device: modem.device, baud: 115_200, pin } };
  const receiver: SmsReceiver = { kind: "sms", id: "duty", to, by };
  const channels = new Channels({
    clock: systemClock,
    pollMs: 100,
    ...(takeReply && { takeReply }),
  });
  const channel = channels.channelFor(receiver);
  running.push(channels.run(stop.signal));
  return { channel, channels };
}

describe("SMS by a modem on a serial line", () => {
  test("a page goes as two SMS of the GSM alphabet, the first of which says it all and how to answer", async () => {
    const { channel } = channelOf();
    expect(await channel.send(page())).toEqual({ kind: "accepted", note: null });
    expect(modem.sent).toEqual([
      { to: NUMBER, text: FIRST, charset: "GSM", coding: 0 },
      { to: NUMBER, text: SECOND, charset: "GSM", coding: 0 },
    ]);
  });

  test("Greek goes as UCS2, at most 70 characters, still with the code", async () => {
    const { channel } = channelOf();
    const subject = `P1 Διαρροή νερού ${"κάτω από το δάπεδο ".repeat(5)}`;
    await channel.send({ ...page(), subject });
    const [first] = modem.sent;
    expect(first).toMatchObject({ to: NUMBER, charset: "UCS2", coding: 8 });
    expect(first?.text).toMatch(/^P1 Διαρροή νερού .*\.\.\. Reply 4711 to acknowledge\.$/);
    expect(first?.text.length).toBeLessThanOrEqual(70);
  });

  test("the end of an alarm is one SMS and asks for no answer", async () => {
    const { channel } = channelOf();
    await channel.send(page("cleared"));
    expect(modem.sent).toHaveLength(1);
    expect(modem.sent[0]?.text).not.toContain("Reply");
  });

  test("a locked card is opened by the PIN, which then stands in no error", async () => {
    modem.pinNeeded = "1234";
    expect(await channelOf("1234").channel.send(page())).toMatchObject({ kind: "accepted" });
    expect(modem.asked.filter((line) => line.startsWith("AT+CPIN="))).toEqual(['AT+CPIN="1234"']);
  });

  test.each([true, false])(
    "a wrong PIN is given once in 3 sends (modem tells the tries left: %s)",
    async (tells) => {
      modem.tellsTries = tells;
      modem.pinNeeded = "1234";
      const { channel } = channelOf("9999");
      for (let n = 0; n < 3; n += 1) {
        const outcome = await channel.send(page());
        expect(outcome).toMatchObject({ kind: "failed", why: expect.stringMatching(/PIN/) });
        expect(JSON.stringify(outcome)).not.toContain("9999");
      }
      expect(modem.pinTries).toBe(2);
    },
  );

  test("without a network the message is failed and says the signal; it goes out once there is one", async () => {
    modem.registration = 2;
    const { channel } = channelOf();
    expect(await channel.send(page())).toEqual({
      kind: "failed",
      why: "the modem is not registered: no network (signal -73 dBm)",
    });
    modem.registration = 5;
    expect(await channel.send(page())).toMatchObject({ kind: "accepted" });
  });

  test("a refusal by the network is failed with its number; the part that went is not sent twice", async () => {
    const { channel } = channelOf();
    modem.submitError = "+CMS ERROR: 331";
    expect(await channel.send(page())).toEqual({
      kind: "failed",
      why: "the modem answered AT+CMGS with +CMS ERROR: 331",
    });
    modem.submitError = null;
    await channel.send(page());
    await channel.send(page());
    expect(modem.sent.map(({ text }) => text)).toEqual([FIRST, SECOND]);
  });

  test("a device that is not there is failed and named", async () => {
    const gone = new Modem({
      config: { device: "/dev/ttyNone9", baud: 9_600, pin: null },
      clock: systemClock,
    });
    await expect(gone.send(NUMBER, { text: "x", alphabet: "gsm" })).rejects.toThrow(
      /\/dev\/ttyNone9 cannot be opened: ENOENT/,
    );
  });
});

describe("answers by SMS", () => {
  const taken: [string, string][] = [];
  const takeReply: TakeReply = (from, text) => {
    taken.push([from, text]);
    if (from !== NUMBER) return { kind: "ignored", say: "" };
    return { kind: "acknowledged", say: "Acknowledged: A03 inlet top" };
  };
  beforeEach(() => taken.splice(0));

  test.each([
    ["OK", 0, "4711"],
    ["ack!", 0, "4711"],
    ["1", 0, "4711"],
    ["4711 on my way", 0, "4711 on my way"],
    ["0034003700310031", 8, "4711"],
  ])("the answer %j of a person acknowledges and is confirmed", async (text, coding, told) => {
    const { channel } = channelOf(null, takeReply);
    await channel.send(page("cleared", { alarm: null }));
    await channel.send(page());
    modem.sent.splice(0);
    modem.receive(NUMBER, text, coding);
    await vi.waitFor(() => expect(modem.sent).toHaveLength(1), { timeout: 12_000 });
    expect(taken).toEqual([[NUMBER, told]]);
    expect(modem.sent[0]).toMatchObject({ to: NUMBER, text: "Acknowledged: A03 inlet top" });
    expect(modem.stored()).toBe(0);
  });

  test("OK after two different pages acknowledges neither and asks for the code", async () => {
    const { channel } = channelOf(null, takeReply);
    const other = { id: "leak.rope", occurrence: 1, priority: 1, title: "Water" };
    await channel.send(page());
    await channel.send({ ...page("raised", { alarm: other, replyCode: "1234" }), key: "other" });
    modem.sent.splice(0);
    modem.receive(NUMBER, "OK");
    await vi.waitFor(() => expect(modem.sent).toHaveLength(1), { timeout: 12_000 });
    expect(taken).toEqual([]);
    expect(modem.sent[0]?.text).toContain("four digits");
  });

  test("an unknown number is counted and gets no answer", async () => {
    const { channels } = channelOf(null, takeReply);
    modem.receive("+15550001111", "win a prize");
    await vi.waitFor(() => expect(channels.ignoredReplies()).toBe(1), { timeout: 12_000 });
    await vi.waitFor(() => expect(modem.stored()).toBe(0), { timeout: 12_000 });
    expect(modem.sent).toEqual([]);
  });
});
